"""The aliases of a model's versions: those that the gate gives, and those users may choose."""

import re

from hypertuning.config import UserError

CHAMPION, PREVIOUS = "champion", "previous"
GOING_BACK = "going-back"
"""Of the version that becomes champion again, while a rollback is under way."""
LONGEST = 255
"""Letters that fit in the registry's column."""


def check_alias(alias: str) -> None:
    """Raise a UserError for an alias that the registry or the gate reserves."""
    if alias in (CHAMPION, PREVIOUS, GOING_BACK):
        raise UserError(f"`alias` (={alias}) is given by the gate alone; name another")
    if alias.lower() == "latest" or re.fullmatch(r"v\d+", alias, re.IGNORECASE):
        raise UserError(
            f"`alias` (={alias}) is reserved by the registry, like latest, v1, v2, …; name another"
        )
    if not re.fullmatch(r"[\w-]+", alias) or len(alias) > LONGEST:
        raise UserError(
            f"`alias` must be at most {LONGEST} letters, digits, _ and -, got {alias!r}"
        )
