"""The command line: `toutdoux`."""

import sys

__all__ = ["main"]


def main() -> None:
    """Run the command line. Whoever stops it while it is still being read is told so, too."""
    try:
        from .main import main as run

        run()
    except KeyboardInterrupt:
        print("toutdoux: stopped", file=sys.stderr)  # its translation may not be read yet
        raise SystemExit(130) from None
