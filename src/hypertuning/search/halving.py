"""Successive halving in brackets, as Hyperband and BOHB have them.

Sources: Li et al., Hyperband (JMLR 2018), Algorithm 1; Falkner et al., BOHB (ICML 2018), which
keeps its brackets.
"""

import math
from bisect import bisect_right
from collections.abc import Sequence
from heapq import heapify, heappop, heappush

from hypertuning.search.brackets import Bracket
from hypertuning.search.ladder import Job, Ladder


class Halving(Ladder):
    """Synchronous successive halving: a rung is promoted from when all of it has told its loss.

    Brackets are served in order; a later one starts only where the earlier ones have to wait. In
    which order the trials of a rung start does not change who goes on.
    """

    def __init__(self, brackets: Sequence[Bracket]) -> None:
        super().__init__()
        self.brackets = tuple(brackets)
        self.costs: Sequence[float] = ()
        """By trial; without them, trials start in their order."""
        self._climbs: list[_Climb] = []
        """Of the brackets that were looked at so far, the first ones."""
        self._ended = 0
        """How many of the first brackets have nothing left to start."""

    @property
    def rungs(self) -> tuple[int, ...]:
        return tuple(sorted({end for bracket in self.brackets for end in bracket.epochs}))

    def start_costliest_first(self, costs: Sequence[float]) -> None:
        self.costs = costs

    def must_finish(self, trial: int) -> None:
        """Change nothing: how many trials of a bracket go on is fixed."""

    def _choose(self) -> Job | None:
        for index in range(self._ended, len(self.brackets)):
            if index == len(self._climbs):
                self._climbs.append(_Climb(self.brackets[index], self))
            climb = self._climbs[index]
            if (trial := climb.first_idle()) is not None:
                return Job(trial, climb.until, index, climb.rung)
            self._ended += climb.ended and index == self._ended
        return None

    def _changed(self, trial: int) -> None:
        index = bisect_right(self.brackets, trial, key=lambda bracket: bracket.first) - 1
        if index < len(self._climbs):
            self._climbs[index].changed(trial)


class _Climb:
    """Where a bracket stands: on which rung, for whose losses it waits, and who may start."""

    def __init__(self, bracket: Bracket, ladder: Halving) -> None:
        self.bracket, self.ladder, self.rung = bracket, ladder, 0
        self._enter(bracket.trials())

    @property
    def until(self) -> int:
        return self.bracket.epochs[self.rung]

    @property
    def ended(self) -> bool:
        return not self.awaited

    def _enter(self, climbers: Sequence[int]) -> None:
        """Begin the rung; go on to the next while all losses of one are known."""
        self.climbers = climbers
        self.awaited = {t for t in climbers if (t, self.until) not in self.ladder.losses}
        self.idle = [self._turn(t) for t in climbers if self.ladder._idle(t, self.until)]
        heapify(self.idle)
        if climbers and not self.awaited and self.rung + 1 < len(self.bracket.epochs):
            best = self._best(self.bracket.sizes[self.rung + 1])
            self.rung += 1
            self._enter(best)

    def _turn(self, trial: int) -> tuple[float, int]:
        """A sort key: the costliest trial first, the earlier one where they cost the same."""
        return -self.ladder.costs[trial] if self.ladder.costs else 0.0, trial

    def _best(self, count: int) -> list[int]:
        """The trials of least finite loss on this rung, the earlier one first where they tie."""
        losses = {t: self.ladder.losses[t, self.until] for t in self.climbers}
        finite = [t for t in self.climbers if math.isfinite(losses[t])]
        return sorted(finite, key=lambda t: (losses[t], t))[:count]

    def changed(self, trial: int) -> None:
        if trial not in self.awaited:
            return
        if (trial, self.until) in self.ladder.losses:
            self.awaited.remove(trial)
            if not self.awaited:
                self._enter(self.climbers)
        elif trial not in self.ladder.running:
            heappush(self.idle, self._turn(trial))

    def first_idle(self) -> int | None:
        """The costliest trial that can start on this rung."""
        while self.idle and not self.ladder._idle(self.idle[0][1], self.until):
            heappop(self.idle)
        return self.idle[0][1] if self.idle else None


def sweep(num_samples: int, epochs: int) -> Halving:
    """Every trial for all epochs: a single rung."""
    return Halving([Bracket(0, (num_samples,), (epochs,))])
