"""The command line: `toutdoux`."""

from .main import main

__all__ = ["main"]
