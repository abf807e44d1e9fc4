"""What a parameter is searched in: a range that includes both ends, or a choice."""

import math
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from hypertuning.config import UserError

Value = int | float | str | bool
Confidence = Literal["low", "medium", "high"]
"""How sure the user is of a prior."""

FINEST, LARGEST = 1e-10, 1e10
"""The smallest width and the largest end of a range: ConfigSpace rounds to 13 decimals."""


@dataclass(frozen=True)
class Float:
    """A real number between two ends, uniform or log-uniform."""

    low: float
    high: float
    log: bool = False
    when: tuple[str, Value] | None = None
    """Searched only where this other parameter has this value."""
    prior: float | None = None
    """Where the user expects the best."""
    confidence: Confidence = "medium"

    def __post_init__(self) -> None:
        _check_ends(self)
        _check_prior(self)

    def sample(self, rng: np.random.Generator) -> float:
        if self.log:  # rounding may pass an end
            real = math.exp(rng.uniform(math.log(self.low), math.log(self.high)))
            return min(max(real, self.low), self.high)
        return rng.uniform(self.low, self.high)

    @property
    def values(self) -> Collection[float]:
        """Empty: real numbers cannot be listed."""
        return ()

    def extent(self) -> str:
        return f"{self.low}–{self.high}"


@dataclass(frozen=True)
class Integer:
    """A whole number between two ends, both included (Ray's `randint` excludes the upper)."""

    low: int
    high: int
    log: bool = False
    when: tuple[str, Value] | None = None
    """Searched only where this other parameter has this value."""
    prior: int | None = None
    """Where the user expects the best."""
    confidence: Confidence = "medium"

    def __post_init__(self) -> None:
        _check_ends(self)
        _check_prior(self)

    def sample(self, rng: np.random.Generator) -> int:
        if self.log:  # half a unit more on both sides gives the ends their full share
            real = math.exp(rng.uniform(math.log(self.low - 0.5), math.log(self.high + 0.5)))
            return min(max(round(real), self.low), self.high)
        return int(rng.integers(self.low, self.high, endpoint=True))

    @property
    def values(self) -> Collection[int]:
        return range(self.low, self.high + 1)

    def extent(self) -> str:
        return f"{self.low}–{self.high}"


@dataclass(frozen=True)
class Choice:
    """One of several values without an order."""

    values: tuple[Value, ...]
    when: tuple[str, Value] | None = None
    """Searched only where this other parameter has this value."""
    prior: Value | None = None
    """Where the user expects the best."""
    confidence: Confidence = "medium"

    def __post_init__(self) -> None:
        if not self.values:
            raise UserError("a choice must offer at least one value, got none")
        if len(set(self.values)) < len(self.values):
            raise UserError(f"a choice must not offer a value twice, got {list(self.values)}")
        _check_prior(self)

    def sample(self, rng: np.random.Generator) -> Value:
        return self.values[rng.integers(len(self.values))]

    def extent(self) -> str:
        return ", ".join(map(str, self.values))


Domain = Float | Integer | Choice


def contains(domain: Domain, value: Value | None) -> bool:
    """Whether a value is one of the domain's, both ends included."""
    if isinstance(domain, Choice):
        return value in domain.values
    return isinstance(value, int | float) and domain.low <= value <= domain.high


def _check_ends(domain: Float | Integer) -> None:
    if domain.low >= domain.high:
        raise UserError(f"`low` (={domain.low}) must be below `high` (={domain.high})")
    if domain.log and domain.low <= 0:
        raise UserError(f"`low` of a logarithmic range must be greater than 0, got {domain.low}")


def _check_prior(domain: Domain) -> None:
    if domain.prior is not None and not contains(domain, domain.prior):
        raise UserError(f"`prior` (={domain.prior!r}) must lie in {domain.extent()}")
    if domain.confidence not in get_args(Confidence):
        words = ", ".join(map(repr, get_args(Confidence)))
        raise UserError(f"`confidence` must be one of {words}, got {domain.confidence!r}")


def check_extent(domain: Float | Integer) -> None:
    """Raise UserError if ConfigSpace, which rounds, could refuse a range."""
    if domain.high - domain.low < FINEST or domain.high > LARGEST:
        raise UserError(
            f"a range must be at least {FINEST} wide and end at {LARGEST:g} at most, got "
            f"{domain.low} to {domain.high}"
        )
    if domain.log and domain.low < FINEST:
        raise UserError(f"`low` of a logarithmic range must be at least {FINEST}, got {domain.low}")
