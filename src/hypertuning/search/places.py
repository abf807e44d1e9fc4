"""Configurations as vectors of numbers, for models that compare many of them at once."""

import math
from collections.abc import Mapping

import numpy as np

from hypertuning.domains import Choice, Domain, Integer, Value
from hypertuning.search.unit import from_unit, to_unit
from hypertuning.spaces import Space, acting, conditions, searched


class Places:
    """The searched parameters of a space, in its order.

    A vector (d,) has a number's place in its range from 0 to 1, which of its choices a choice is,
    and NaN for a parameter that does not act.
    """

    def __init__(self, space: Space) -> None:
        self.space, self.domains = space, searched(space)
        self.constants = {n: v for n, v in space.items() if n not in self.domains}
        self.names = list(self.domains)
        self.counts = np.array(
            [len(d.values) if isinstance(d, Choice) else 0 for d in self.domains.values()]
        )
        """(d,): how many values a choice has; 0 for a number."""
        self._needed = self._conditions()

    def _conditions(self) -> list[tuple[int, int, list[int]]]:
        """(parameter, the one it depends on, that one's choices with which it acts)."""
        found = [
            (self.names.index(name), self.names.index(parent), allowed)
            for name, needed in conditions(self.domains).items()
            for parent, allowed in needed.items()
        ]
        return [(name, parent, self._places(parent, allowed)) for name, parent, allowed in found]

    def _places(self, parent: int, allowed: list[Value]) -> list[float]:
        domain = self.domains[self.names[parent]]
        return [place_of(domain, value) for value in allowed]

    def of(self, values: Mapping[str, Value]) -> np.ndarray:
        """The vector of a configuration; what it does not have does not act."""
        return np.array(
            [place_of(d, values[n]) if n in values else math.nan for n, d in self.domains.items()]
        )

    def values(self, vector: np.ndarray) -> dict[str, Value]:
        """The space's values at a vector, without those that do not act."""
        pairs = zip(self.domains.items(), vector, strict=True)
        there = {n: value_at(d, x) for (n, d), x in pairs if not math.isnan(x)}
        return acting(self.space, {**self.constants, **there})

    def everywhere(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """Vectors (count, d) from all of the space, parameters that do not act among them."""
        uniform = rng.random((count, len(self.names)))
        return np.where(self.counts > 0, np.floor(uniform * self.counts), uniform)

    def exact(self, vectors: np.ndarray) -> np.ndarray:
        """The vectors (n, d) of the configurations at these vectors.

        Whole numbers are in the middle of their shares, parameters that do not act are NaN.
        """
        kept = vectors.copy()
        for name, domain in enumerate(self.domains.values()):
            if isinstance(domain, Integer):
                acts = ~np.isnan(vectors[:, name])
                numbers = [from_unit(domain, place) for place in vectors[acts, name]]
                kept[acts, name] = [to_unit(domain, number) for number in numbers]
        for _ in self._needed:  # a parameter may depend on one that does not act
            for name, parent, allowed in self._needed:
                kept[~np.isin(kept[:, parent], allowed), name] = math.nan
        return kept


def place_of(domain: Domain, value: Value) -> float:
    """A number's place in its range, or which of its choices a choice is."""
    return domain.values.index(value) if isinstance(domain, Choice) else to_unit(domain, value)


def value_at(domain: Domain, place: float) -> Value:
    """A number at its place in the range, or a choice by its number."""
    return domain.values[int(place)] if isinstance(domain, Choice) else from_unit(domain, place)
