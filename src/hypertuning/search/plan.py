"""What a study will do, before it starts."""

from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass

from hypertuning.search.ladder import Ladder


@dataclass(frozen=True)
class Rung:
    bracket: int
    rung: int
    until: int
    """The epoch at which it ends."""
    trials: int
    epochs: int
    """Trained on this rung in all; those of the rungs below are not counted again."""


@dataclass(frozen=True)
class Plan:
    trials: int
    epochs: int
    rungs: tuple[Rung, ...]

    def as_dict(self) -> dict:
        return asdict(self)


def plan(ladder: Callable[[], Ladder]) -> Plan:
    """Climb a ladder of its own without training, one job at a time, and count.

    A synchronous ladder's counts are exact while no trial fails; ASHA's depend on the order in
    which results arrive, by a trial or two.
    """
    climbed, reached = ladder(), Counter()
    trials, epochs = Counter(), Counter()
    while job := climbed.next():
        place = (job.bracket, job.rung, job.until)
        trials[place] += 1
        epochs[place] += job.until - reached[job.trial]
        reached[job.trial] = job.until
        climbed.tell(job.trial, job.until, float(job.trial))
    rows = tuple(Rung(*place, trials[place], epochs[place]) for place in sorted(trials))
    return Plan(len(reached), epochs.total(), rows)
