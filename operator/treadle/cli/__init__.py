"""`kubectl treadle`: what would happen, what is the case, what to do about it, and commands that people give an object."""

from treadle.cli._command import main
from treadle.cli._complete import complete

__all__ = ["complete", "main"]
