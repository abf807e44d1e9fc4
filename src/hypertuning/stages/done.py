"""How a stage ended."""

from typing import Any, NamedTuple

STOPPED = 130
"""The status of a command that its user has stopped."""


class Done(NamedTuple):
    """What a stage gives."""

    value: Any = None
    """For a caller in Python."""
    status: int = 0
    """For a shell."""
