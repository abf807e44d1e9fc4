"""The ladders as their definition reads: every choice looks at every trial. Ours must agree."""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence

from hypertuning.search.brackets import Bracket
from hypertuning.search.ladder import Job


class Ladder(ABC):
    """The losses told and the jobs under way, and the rule that turns them into the next job."""

    def __init__(self) -> None:
        self.losses: dict[tuple[int, int], float] = {}
        """(trial, epoch) → loss; +inf for a trial that failed or diverged on the way there."""
        self.running: dict[int, Job] = {}
        """By trial number."""
        self.must_finish: set[int] = set()
        """What goes on whatever its rank; brackets do not look at it."""

    @abstractmethod
    def _choose(self) -> Job | None:
        """The best job to start now, or None while nothing can start before a result comes."""

    def next(self) -> Job | None:
        """Hand out a job, which then counts as under way; None means wait, or the end if `done`."""
        job = self._choose()
        if job:
            self.begin(job)
        return job

    def begin(self, job: Job) -> None:
        """Count a job as under way, whoever decided on it."""
        self.running[job.trial] = job

    def tell(self, trial: int, epoch: int, loss: float) -> None:
        """Record the loss of a trial after an epoch; the first one told counts.

        A loss that is not finite counts as worse than every other, whichever sign it has.
        """
        self.losses.setdefault((trial, epoch), loss if math.isfinite(loss) else math.inf)
        if trial in self.running and epoch >= self.running[trial].until:
            del self.running[trial]

    @property
    def done(self) -> bool:
        """Whether nothing is under way and nothing is left to start."""
        return not self.running and self._choose() is None

    def _idle(self, trial: int, epoch: int) -> bool:
        """Whether a trial has neither reached an epoch nor is on its way."""
        return (trial, epoch) not in self.losses and trial not in self.running

    def _best(self, trials: Sequence[int], epoch: int, count: int) -> list[int]:
        """The trials of least finite loss at an epoch, the earlier one first where they tie."""
        finite = [t for t in trials if math.isfinite(self.losses.get((t, epoch), math.inf))]
        return sorted(finite, key=lambda t: (self.losses[t, epoch], t))[:count]


class Halving(Ladder):
    """Synchronous successive halving: a rung is promoted from when all of it has told its loss.

    Brackets are served in order; a later one starts only where the earlier ones have to wait. Of a
    rung the costliest trial starts first.
    """

    def __init__(self, brackets: Sequence[Bracket], costs: Sequence[float]) -> None:
        super().__init__()
        self.brackets = tuple(brackets)
        self.costs = costs

    def _choose(self) -> Job | None:
        jobs = (self._next_of(index, bracket) for index, bracket in enumerate(self.brackets))
        return next((job for job in jobs if job), None)

    def _next_of(self, index: int, bracket: Bracket) -> Job | None:
        climbers: Sequence[int] = bracket.trials()
        for rung, until in enumerate(bracket.epochs):
            waiting = [t for t in climbers if (t, until) not in self.losses]
            if waiting:
                idle = [t for t in waiting if t not in self.running]
                return Job(self._costliest(idle), until, index, rung) if idle else None
            promoted = bracket.sizes[rung + 1] if rung + 1 < len(bracket.sizes) else 0
            climbers = self._best(climbers, until, promoted)
        return None

    def _costliest(self, trials: Sequence[int]) -> int:
        return min(trials, key=lambda t: (-self.costs[t], t))


class Asha(Ladder):
    """Asynchronous successive halving: promote whatever is in the best 1/η of its rung now.

    Algorithm 2 of the ASHA paper with stop-less rate s = 0: the highest rung with a candidate
    first, a new configuration only where there is none.
    """

    def __init__(self, num_samples: int, epochs: tuple[int, ...], reduction_factor: int) -> None:
        super().__init__()
        self.trials = range(num_samples)
        self.epochs = epochs
        self.reduction_factor = reduction_factor

    def _choose(self) -> Job | None:
        for trial in sorted(self.must_finish - {*self.running}):
            told = [rung for rung, e in enumerate(self.epochs) if (trial, e) in self.losses]
            failed = any(math.isinf(self._loss(trial, self.epochs[rung])) for rung in told)
            if told and not failed and told[-1] + 1 < len(self.epochs):
                return Job(trial, self.epochs[told[-1] + 1], 0, told[-1] + 1)
        for rung in reversed(range(1, len(self.epochs))):
            candidates = self._candidates(self.epochs[rung - 1])
            idle = (t for t in candidates if self._idle(t, self.epochs[rung]))
            if (trial := next(idle, None)) is not None:
                return Job(trial, self.epochs[rung], 0, rung)
        idle = (t for t in self.trials if self._idle(t, self.epochs[0]))
        new = next((Job(t, self.epochs[0], 0, 0) for t in idle), None)
        return new or (None if self.running else self._best_of_few())

    def _best_of_few(self) -> Job | None:
        for rung in reversed(range(len(self.epochs))):
            told = [t for t in self.trials if math.isfinite(self._loss(t, self.epochs[rung]))]
            if told and rung + 1 < len(self.epochs):
                idle = [t for t in told if self._idle(t, self.epochs[rung + 1])]
                best = sorted(idle, key=lambda t: (self._loss(t, self.epochs[rung]), t))
                return next((Job(t, self.epochs[rung + 1], 0, rung + 1) for t in best), None)
            if told:
                return None
        return None

    def _loss(self, trial: int, epoch: int) -> float:
        return self.losses.get((trial, epoch), math.inf)

    def _candidates(self, epoch: int) -> list[int]:
        told = [t for t in self.trials if (t, epoch) in self.losses]
        return self._best(told, epoch, len(told) // self.reduction_factor)
