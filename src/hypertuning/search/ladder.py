"""Brackets and rungs: from the losses so far to the next job. Pure, and all the state there is.

A *job* trains one trial up to one epoch. A ladder answers `next()` from the losses that it was
told and the jobs that are under way, and from nothing else: told the same losses again, it goes on
as if it had never stopped.

Sources: Li et al., Hyperband (JMLR 2018), Algorithm 1; Falkner et al., BOHB (ICML 2018), which
keeps its brackets; Li et al., A System for Massively Parallel Hyperparameter Tuning (MLSys 2020),
Algorithm 2 (ASHA).
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from hypertuning.config import Budget, UserError


class Job(NamedTuple):
    """Train trial number `trial` until epoch `until`, which is rung `rung` of its bracket."""

    trial: int
    until: int
    bracket: int
    rung: int


class Bracket(NamedTuple):
    """One run of successive halving."""

    first: int
    """Number of its first trial."""
    sizes: tuple[int, ...]
    """n_i of Hyperband: how many trials train on each rung, the lowest first."""
    epochs: tuple[int, ...]
    """r_i of Hyperband: until which epoch."""

    def trials(self) -> range:
        return range(self.first, self.first + self.sizes[0])


class Ladder(ABC):
    """The losses told and the jobs under way, and the rule that turns them into the next job."""

    def __init__(self) -> None:
        self.losses: dict[tuple[int, int], float] = {}
        """(trial, epoch) → loss; +inf for a trial that failed or diverged on the way there."""
        self.running: dict[int, Job] = {}
        """By trial number."""

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

    Brackets are served in order; a later one starts only where the earlier ones have to wait.
    """

    def __init__(self, brackets: Sequence[Bracket]) -> None:
        super().__init__()
        self.brackets = tuple(brackets)

    def _choose(self) -> Job | None:
        jobs = (self._next_of(index, bracket) for index, bracket in enumerate(self.brackets))
        return next((job for job in jobs if job), None)

    def _next_of(self, index: int, bracket: Bracket) -> Job | None:
        climbers: Sequence[int] = bracket.trials()
        for rung, until in enumerate(bracket.epochs):
            waiting = [t for t in climbers if (t, until) not in self.losses]
            if waiting:
                idle = (t for t in waiting if t not in self.running)
                return next((Job(t, until, index, rung) for t in idle), None)
            promoted = bracket.sizes[rung + 1] if rung + 1 < len(bracket.sizes) else 0
            climbers = sorted(self._best(climbers, until, promoted))
        return None


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
        for rung in reversed(range(1, len(self.epochs))):
            candidates = self._candidates(self.epochs[rung - 1])
            idle = (t for t in candidates if self._idle(t, self.epochs[rung]))
            if (trial := next(idle, None)) is not None:
                return Job(trial, self.epochs[rung], 0, rung)
        idle = (t for t in self.trials if self._idle(t, self.epochs[0]))
        return next((Job(t, self.epochs[0], 0, 0) for t in idle), None)

    def _candidates(self, epoch: int) -> list[int]:
        told = [t for t in self.trials if (t, epoch) in self.losses]
        return self._best(told, epoch, len(told) // self.reduction_factor)


class Arms(Ladder):
    """Several equal ladders side by side: trial t is number t // k of ladder t % k.

    Each arm decides by its own losses alone, as if it were a study of its own; the arm that has
    begun fewer jobs goes first, so that their trials come in pairs.
    """

    def __init__(self, arms: Sequence[Ladder]) -> None:
        self.arms = tuple(arms)

    @property
    def losses(self) -> dict[tuple[int, int], float]:
        return {
            (trial * len(self.arms) + index, epoch): loss
            for index, arm in enumerate(self.arms)
            for (trial, epoch), loss in arm.losses.items()
        }

    @property
    def running(self) -> dict[int, Job]:
        outer = (
            self._outer(i, job) for i, arm in enumerate(self.arms) for job in arm.running.values()
        )
        return {job.trial: job for job in outer}

    def _outer(self, index: int, job: Job) -> Job:
        return job._replace(trial=job.trial * len(self.arms) + index)

    def _choose(self) -> Job | None:
        return next((self._outer(i, job) for i, job in self._offers()), None)

    def _offers(self) -> Iterator[tuple[int, Job]]:
        def begun(index: int) -> int:
            return len(self.arms[index].losses) + len(self.arms[index].running)

        for index in sorted(range(len(self.arms)), key=begun):
            if job := self.arms[index]._choose():
                yield index, job

    def begin(self, job: Job) -> None:
        number, index = divmod(job.trial, len(self.arms))
        self.arms[index].begin(job._replace(trial=number))

    def tell(self, trial: int, epoch: int, loss: float) -> None:
        number, index = divmod(trial, len(self.arms))
        self.arms[index].tell(number, epoch, loss)


def rungs(budget: Budget) -> tuple[int, ...]:
    """Epochs of the rungs: r·η^k from the lowest on, and R, which takes the place of the last.

    Where R is r·η^k these are the paper's r_i = R·η^(i−s); where it is not, trials still get
    exactly r epochs before they can be stopped, and exactly R in the end.

    Raises:
        UserError: bounds that leave no rung.
    """
    _, top, low, eta = budget
    if low > top:
        raise UserError(f"`min_epochs` (={low}) must not exceed `max_epochs` (={top})")
    if eta < 2:
        raise UserError(f"`reduction_factor` must be at least 2, got {eta}")
    epochs = [low] if low < top else []
    while epochs and epochs[-1] * eta * eta <= top:
        epochs.append(epochs[-1] * eta)
    return (*epochs, top)


def regular_max_epochs(budget: Budget) -> int:
    """The r·η^k nearest to R: where it is R itself, the rungs are the paper's."""
    _, top, low, eta = budget
    ends = [low]
    while ends[-1] < top:
        ends.append(ends[-1] * eta)
    return min(ends, key=lambda end: (abs(end - top), -end))


def hyperband_brackets(budget: Budget) -> list[Bracket]:
    """Hyperband's brackets s = s_max … 0, over and over, until the samples are used up.

    Algorithm 1, lines 1–7: n = ⌈(s_max + 1)/(s + 1)·η^s⌉ trials from r = R·η^−s on, and
    n_i = ⌊n·η^−i⌋ of them on rung i. A last bracket that is cut short halves what it has.
    """
    epochs = rungs(budget)
    s_max = len(epochs) - 1
    brackets: list[Bracket] = []
    first = 0
    while first < budget.num_samples:
        s = s_max - len(brackets) % (s_max + 1)
        n = math.ceil((s_max + 1) * budget.reduction_factor**s / (s + 1))
        n = min(n, budget.num_samples - first)
        sizes = tuple(max(1, n // budget.reduction_factor**i) for i in range(s + 1))
        brackets.append(Bracket(first, sizes, epochs[s_max - s :]))
        first += n
    return brackets


def sweep(num_samples: int, epochs: int) -> Halving:
    """Every trial for all epochs: a single rung."""
    return Halving([Bracket(0, (num_samples,), (epochs,))])
