"""``python -m toutdoux`` is the ``toutdoux`` command."""

from toutdoux.cli import main

if __name__ == "__main__":
    main()
