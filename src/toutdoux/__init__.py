"""Toutdoux keeps an association's decisions: who proposed what, who voted, what follows.

``toutdoux.core`` holds the rules and knows nothing of files, clocks or screens; ``toutdoux.cli`` is
the command line. ``docs/architecture.md`` tells how the rest hangs together.
"""

__version__ = "0.3.0"
