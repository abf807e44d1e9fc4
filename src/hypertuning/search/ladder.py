"""From the losses so far to the next job. Pure, and all the state there is.

A *job* trains one trial up to one epoch. A ladder answers `next()` from the losses that it was
told, the jobs that are under way and what the trials cost, and from nothing else: told the same
losses again, it goes on as if it had never stopped.

halving.py and asha.py hold the rules; a choice costs them the logarithm of the number of trials.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import NamedTuple


class Job(NamedTuple):
    """Train trial number `trial` until epoch `until`, which is rung `rung` of its bracket."""

    trial: int
    until: int
    bracket: int
    rung: int


class Ladder(ABC):
    """The losses told and the jobs under way, and the rule that turns them into the next job."""

    more_may_go_on = False
    """Whether more trials may go on than `plan` counts: losses decide it."""
    owes = False
    """Whether a trial that must finish has not."""

    def __init__(self) -> None:
        self.losses: dict[tuple[int, int], float] = {}
        """(trial, epoch) → loss; +inf for a trial that failed or diverged on the way there."""
        self.running: dict[int, Job] = {}
        """By trial number."""

    @property
    @abstractmethod
    def rungs(self) -> tuple[int, ...]:
        """The epochs at which jobs end, the lowest first."""

    @abstractmethod
    def _choose(self) -> Job | None:
        """The best job to start now, or None while nothing can start before a result comes."""

    @abstractmethod
    def start_costliest_first(self, costs: Sequence[float]) -> None:
        """Where the order of starting decides nothing else, start the costliest trials first.

        So no worker begins a long trial when the others have nothing left to do. Call it before
        the first choice.

        Args:
            costs: Of an epoch of each trial, in any unit; empty if they are not known.
        """

    @abstractmethod
    def must_finish(self, trial: int) -> None:
        """Let a trial go on to its end whatever its rank, if the rule has room for that.

        Call it before the trial's first loss is told.
        """

    @abstractmethod
    def _changed(self, trial: int) -> None:
        """Note that a trial has begun a job, or told a loss: what follows is not computed anew."""

    def next(self) -> Job | None:
        """Hand out a job, which then counts as under way; None means wait, or the end if `done`."""
        job = self._choose()
        if job:
            self.begin(job)
        return job

    def begin(self, job: Job) -> None:
        """Count a job as under way, whoever decided on it."""
        self.running[job.trial] = job
        self._changed(job.trial)

    def tell(self, trial: int, epoch: int, loss: float) -> None:
        """Record the loss of a trial after an epoch; the first one told counts.

        A loss that is not finite counts as worse than every other, whichever sign it has.
        """
        self.losses.setdefault((trial, epoch), loss if math.isfinite(loss) else math.inf)
        if trial in self.running and epoch >= self.running[trial].until:
            del self.running[trial]
        self._changed(trial)

    @property
    def done(self) -> bool:
        """Whether nothing is under way and nothing is left to start."""
        return not self.running and self._choose() is None

    def _idle(self, trial: int, epoch: int) -> bool:
        """Whether a trial has neither reached an epoch nor is on its way."""
        return (trial, epoch) not in self.losses and trial not in self.running


class Arms(Ladder):
    """Several equal ladders side by side: trial t is number t // k of ladder t % k.

    Each arm decides by its own losses alone, as if it were a study of its own; the arm that has
    begun fewer jobs goes first, so that their trials come in pairs.
    """

    def __init__(self, arms: Sequence[Ladder]) -> None:
        self.arms = tuple(arms)
        self.more_may_go_on = any(arm.more_may_go_on for arm in self.arms)

    @property
    def owes(self) -> bool:
        return any(arm.owes for arm in self.arms)

    @property
    def rungs(self) -> tuple[int, ...]:
        return self.arms[0].rungs

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

    def start_costliest_first(self, costs: Sequence[float]) -> None:
        for index, arm in enumerate(self.arms):
            arm.start_costliest_first(costs[index :: len(self.arms)])

    def must_finish(self, trial: int) -> None:
        number, index = divmod(trial, len(self.arms))
        self.arms[index].must_finish(number)

    def _changed(self, trial: int) -> None:
        """Each arm notes its own."""

    def begin(self, job: Job) -> None:
        number, index = divmod(job.trial, len(self.arms))
        self.arms[index].begin(job._replace(trial=number))

    def tell(self, trial: int, epoch: int, loss: float) -> None:
        number, index = divmod(trial, len(self.arms))
        self.arms[index].tell(number, epoch, loss)
