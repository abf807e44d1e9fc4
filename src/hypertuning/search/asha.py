"""ASHA: successive halving that waits for nobody.

Source: Li et al., A System for Massively Parallel Hyperparameter Tuning (MLSys 2020), Algorithm 2.
"""

import math
from bisect import bisect_left, insort
from collections.abc import Sequence
from heapq import heappop, heappush

from hypertuning.search.ladder import Job, Ladder


class Asha(Ladder):
    """Asynchronous successive halving: promote whatever is in the best 1/η of its rung now.

    Algorithm 2 of the ASHA paper with stop-less rate s = 0: the highest rung with a candidate
    first, a new configuration only where there is none. Where there are too few trials for any to
    go on by its rank, the best goes on all the same: a study should have trained one to its end.
    Trials that must finish go on before all others.
    """

    def __init__(self, num_samples: int, epochs: tuple[int, ...], reduction_factor: int) -> None:
        super().__init__()
        self.more_may_go_on = len(epochs) > 1
        self.trials = range(num_samples)
        self.epochs = epochs
        self.reduction_factor = reduction_factor
        self._rungs = [_Rung() for _ in epochs]
        self._new = list(self.trials)
        """Trials that may begin, as a heap; some of them may have begun."""
        self._must_finish: set[int] = set()
        """Those that have neither failed nor finished."""
        self._due: list[int] = []
        """Those of them that are between two rungs, as a heap; some may have gone on."""

    @property
    def rungs(self) -> tuple[int, ...]:
        return self.epochs

    @property
    def owes(self) -> bool:
        return bool(self._must_finish)

    def must_finish(self, trial: int) -> None:
        self._must_finish.add(trial)

    def _choose(self) -> Job | None:
        while self._due and not self._is_due(self._due[0]):
            heappop(self._due)
        if self._due:
            return self._following(self._due[0])
        for rung in reversed(range(1, len(self.epochs))):
            trial = self._rungs[rung - 1].candidate(self.reduction_factor)
            if trial is not None:
                return Job(trial, self.epochs[rung], 0, rung)
        while self._new and not self._idle(self._new[0], self.epochs[0]):
            heappop(self._new)
        return Job(self._new[0], self.epochs[0], 0, 0) if self._new else self._best_of_few()

    def _is_due(self, trial: int) -> bool:
        begun = (trial, self.epochs[0]) in self.losses
        return trial in self._must_finish and begun and trial not in self.running

    def _following(self, trial: int) -> Job:
        rung = max(r for r, epoch in enumerate(self.epochs) if (trial, epoch) in self.losses) + 1
        return Job(trial, self.epochs[rung], 0, rung)

    def _best_of_few(self) -> Job | None:
        """The best trial of the highest rung, if nothing runs and none has reached the last one."""
        reached = [rung for rung, told in enumerate(self._rungs) if told.finite]
        if self.running or not reached or reached[-1] == len(self.epochs) - 1:
            return None
        idle, rung = self._rungs[reached[-1]].idle, reached[-1] + 1
        return Job(idle[0][1], self.epochs[rung], 0, rung) if idle else None

    def start_costliest_first(self, costs: Sequence[float]) -> None:
        """Change nothing: which trials are on a rung first decides who goes on."""

    def _changed(self, trial: int) -> None:
        if trial not in self.trials:
            return
        above = (*self.epochs[1:], self.epochs[-1])
        for rung, epoch, following in zip(self._rungs, self.epochs, above, strict=True):
            if (trial, epoch) in self.losses:
                loss = self.losses[trial, epoch]
                rung.told(trial, loss, self._idle(trial, following))
                if epoch == self.epochs[-1] or not math.isfinite(loss):
                    self._must_finish.discard(trial)
        if self._idle(trial, self.epochs[0]):
            heappush(self._new, trial)
        if self._is_due(trial):
            heappush(self._due, trial)


class _Rung:
    """The losses on a rung of ASHA, in order, and those of the trials that may go on."""

    def __init__(self) -> None:
        self.finite: list[tuple[float, int]] = []
        """(loss, trial), the best first."""
        self.idle: list[tuple[float, int]] = []
        """Those of `finite` whose trials have not gone on."""
        self.known: set[int] = set()

    def told(self, trial: int, loss: float, idle: bool) -> None:
        """Note a trial's loss, and whether it may go on from here."""
        entry = (loss, trial)
        if trial not in self.known:
            self.known.add(trial)
            if math.isfinite(loss):
                insort(self.finite, entry)
        if not math.isfinite(loss):
            return
        at = bisect_left(self.idle, entry)
        is_in = at < len(self.idle) and self.idle[at] == entry
        if idle and not is_in:
            self.idle.insert(at, entry)
        elif is_in and not idle:
            del self.idle[at]

    def candidate(self, reduction_factor: int) -> int | None:
        """The best trial that may go on, if it is among the best 1/η of all on this rung."""
        if not self.idle:
            return None
        rank = bisect_left(self.finite, self.idle[0])
        return self.idle[0][1] if rank < len(self.known) // reduction_factor else None
