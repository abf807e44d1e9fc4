"""Count the trials and epochs of a study before it starts."""

import bisect
from collections import Counter
from collections.abc import Callable, Collection, Iterable
from dataclasses import asdict, dataclass

from hypertuning.config import Budget
from hypertuning.search.ladder import Ladder
from hypertuning.words import counted


@dataclass(frozen=True)
class Rung:
    bracket: int
    rung: int
    until: int
    """The epoch at which it ends."""
    trials: int
    epochs: int
    """Trained on this rung by all its trials, without those of lower rungs."""


@dataclass(frozen=True)
class Plan:
    trials: int
    epochs: int
    rungs: tuple[Rung, ...]
    model_from: int | None = None
    """The first trial that a model may propose; None if there never is a model."""
    more_may_come: bool = False
    """Whether these are the fewest epochs: losses decide how many trials go on."""

    @property
    def words(self) -> str:
        """`51 trials, at least 187 epochs`"""
        least = "at least " if self.more_may_come else ""
        return f"{counted(self.trials, 'trial')}, {least}{counted(self.epochs, 'epoch')}"

    def as_dict(self) -> dict:
        return asdict(self)


def plan(
    ladder: Callable[[], Ladder],
    needed: int | None = None,
    earlier: Iterable[int] = (),
    points: Collection[int] = (),
) -> Plan:
    """Climb a ladder without training, one job at a time, and count.

    A synchronous ladder's counts are exact while no trial fails. ASHA's are the least: it promotes
    every trial that beats the earlier ones, and a model that improves proposes many of these; the
    epochs can become half as many again.

    Args:
        needed: How many results on one budget make a model; None without a model.
        earlier: The epochs after which the model's results from earlier studies were measured.
        points: The trials whose configurations the user gives.
    """
    climbed, reached = ladder(), Counter()
    for trial in points:
        climbed.must_finish(trial)
    trials, epochs = Counter(), Counter()
    results, model_from = Counter(earlier), None
    while job := climbed.next():
        ready = needed is not None and max(results.values(), default=0) >= needed
        new = job.trial not in reached and job.trial not in points
        if ready and model_from is None and new:
            model_from = job.trial
        results[job.until] += 1
        place = (job.bracket, job.rung, job.until)
        trials[place] += 1
        epochs[place] += job.until - reached[job.trial]
        reached[job.trial] = job.until
        climbed.tell(job.trial, job.until, float(job.trial))
    rows = tuple(Rung(*place, trials[place], epochs[place]) for place in sorted(trials))
    more = climbed.more_may_go_on
    return Plan(len(reached), epochs.total(), rows, model_from, more)


def enough_samples(
    ladder: Callable[[Budget], Ladder], budget: Budget, needed: int, points: int = 0
) -> int:
    """The smallest number of samples of which a model may propose one."""

    def has_model(num_samples: int) -> bool:
        asked = budget._replace(num_samples=num_samples)
        return plan(lambda: ladder(asked), needed, points=range(points)).model_from is not None

    most = needed + points
    while not has_model(most):
        most *= 2
    return bisect.bisect_left(range(most), True, key=lambda n: n > 0 and has_model(n))
