"""What a model is told of a trial, and the purposes for which numbers are drawn."""

from collections.abc import Mapping
from typing import NamedTuple

from hypertuning.domains import Value

COIN, MODEL, GAP, MISSING, PRIOR, GAIN = 1, 2, 3, 4, 5, 6
"""The purposes of random numbers, part of every seed: no two draws share their numbers."""


class Result(NamedTuple):
    values: Mapping[str, Value]
    """Of the searched parameters."""
    epoch: int
    loss: float
