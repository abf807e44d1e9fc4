"""What an exhibit is: one figure, the rows that it is drawn from, and what they say."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import pandas as pd
from matplotlib.figure import Figure

NO_EPOCH = "no trial has finished an epoch"
"""The usual reason for an exhibit without rows."""

MODEL = "a registered model"
OTHER = "any other stage"
"""Any stage that no exhibit names."""
LAST = 1000

Found = tuple[str, bool] | None
"""A sentence for the first page, and whether its 95 % interval excludes that nothing differs."""


class Exhibit(NamedTuple):
    """One figure and its table."""

    name: str
    caption: str
    rows: pd.DataFrame
    lacking: str
    """Why there is no figure, where there are no rows."""
    draw: Callable[[], Figure]
    says: Sequence[str] = ()
    """What the rows say, in sentences."""
    details: Mapping[str, pd.DataFrame] = MappingProxyType({})
    """Tables with the numbers behind the sentences, by name."""
    headline: Callable[[], Found] = lambda: None
    """What may stand on the first page of a report; called only if there are rows."""


class Kind(NamedTuple):
    """Where an exhibit is shown, and what makes it."""

    place: int
    stages: tuple[str, ...]
    make: Callable[..., Exhibit]


KINDS: list[Kind] = []
"""All that `shown_in` has registered; the package `exhibits` puts them in order."""


def shown_in(*stages: str, place: int = LAST):
    """Register a function that makes an exhibit.

    It gets the trials and the curves of one study. For a registered MODEL, it gets the tables that
    the stage register has left, by name.

    Args:
        stages: Those that show it.
        place: It stands before the exhibits of higher places.
    """

    def register(make: Callable[..., Exhibit]) -> Callable[..., Exhibit]:
        KINDS.append(Kind(place, stages, make))
        return make

    return register
