"""The result of a stage."""

from typing import Any, NamedTuple

STOPPED = 130
"""Exit status of a command that its user stopped."""


class Done(NamedTuple):
    """What a stage returns."""

    value: Any = None
    """Returned to a caller in Python."""
    status: int = 0
    """Exit status of the command."""
    error: str = ""
    """Raised in Python; a command has already said the same."""
