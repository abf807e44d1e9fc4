"""Where the best configurations lie at an end of what was tried: a wider space may hold better."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd

from hypertuning.config import BEST, Config
from hypertuning.facts import bounds
from hypertuning.report.frames import best_first, varied, with_columns
from hypertuning.report.parameters import scale_of
from hypertuning.report.texts import brief, words

LOOKED_AT, ENOUGH = 5, 4
"""The best configurations, and how many of them make a sentence. For a parameter without effect
that is drawn uniformly, it happens once in a thousand studies."""
END = 0.1
"""Share of what was tried; on a log scale, of the logarithm."""
FEWEST = 20
"""Configurations: of fewer, the best five are a good part of all."""


class AtEnd(NamedTuple):
    """A number of which the best configurations lie at an end."""

    name: str
    highest: bool
    """Which end it is."""
    tried: float
    """The value there."""
    said: str
    """A sentence on it."""


def at_ends(trials: pd.DataFrame) -> list[AtEnd]:
    """The numbers of which the best configurations lie at an end."""
    known = best_first(with_columns(trials, BEST))
    names = [name for name in varied(known) if scale_of(known[name]) != "category"]
    once = known.drop_duplicates(names) if names else known  # arms and seeds share configurations
    if len(once) < FEWEST:
        return []
    return [found for name in names for found in _at_end(once[name])]


def _at_end(values: pd.Series) -> Iterator[AtEnd]:
    """Args: values: of one parameter, the best first; missing where it does not act."""
    tried = values.dropna().astype(float)
    scale = np.log if scale_of(values) == "log" else np.asarray
    low, high = scale(tried.min()), scale(tried.max())
    best = (scale(tried.reindex(values.index[:LOOKED_AT])) - low) / (high - low)
    with np.errstate(divide="ignore"):  # the logarithm of a bound of 0
        room = (scale(bounds(Config, values.name)) - [low, high]) / (high - low)
    for end, there, wider in (
        ("lowest", best <= END, -room[0] > END),
        ("highest", best >= 1 - END, room[1] > END),
    ):
        if there.sum() >= ENOUGH and wider:
            yield AtEnd(
                str(values.name),
                end == "highest",
                float(tried.max() if end == "highest" else tried.min()),
                f"{words(values.name)}: {there.sum()} of the {LOOKED_AT} best configurations lie "
                f"in the {end} tenth of what was tried, {brief(values.dropna().min())} to "
                f"{brief(values.dropna().max())}; a wider space may hold better ones.",
            )
