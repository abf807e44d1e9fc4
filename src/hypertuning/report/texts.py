"""Names and values as figures and sentences write them."""

from collections.abc import Iterable

from hypertuning.config import DISPLAY

NAMED = 3
"""Most results that are named in a sentence; the others are counted."""


def shorten(name: object, length: int) -> str:
    """Cut a long name, and put … at its end."""
    text = str(name)
    return text if len(text) <= length else text[: length - 1] + "…"


def words(parameter: str) -> str:
    """A parameter's name with spaces."""
    known = DISPLAY.get(parameter)
    return (known and known.words) or parameter.replace("_", " ")


def brief(value: object) -> str:
    """A hyperparameter's value in few letters."""
    if value is None or value != value:
        return "none"
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def some_of(names: Iterable[str], joint: str = ", ") -> str:
    """Some of the names, and how many more there are."""
    names = list(names)
    more = len(names) - NAMED
    return joint.join(names[:NAMED]) + (f" and {more} more" if more > 0 else "")
