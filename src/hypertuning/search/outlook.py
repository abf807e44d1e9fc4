"""What a search may still gain, as its model sees it, and whether that is enough to go on."""

from typing import Protocol

from hypertuning.config import OBJECTIVE

SHARE = 10
"""It looks one part in so many of the whole search ahead."""


def words(gain: float) -> str:
    return f"the next tenth of the search is expected to lower the best {OBJECTIVE} by {gain:.2g}"


def enough_to_go_on(gain: float) -> float:
    """A `stop_when` with which a search goes on that ended because it expected this gain."""
    return float(f"{gain / 2:.1g}")


class Foresees(Protocol):
    """A sampler whose model says what to expect of more trials."""

    results: list
    """All that it was told."""

    def expected_gain(self, trials: int, max_epochs: int) -> float | None:
        """By how much the best loss is expected to fall with so many trials more."""


class Outlook:
    """The expected gain of the next tenth of a search: a function of the results so far.

    Args:
        epochs: Planned for the whole search.
        max_epochs: Of a trial.
        proposed: The share of the trials that the model proposes.
        stop_when: The search may end as soon as less is to be gained; at 0 it never does.
    """

    def __init__(
        self,
        model: Foresees,
        epochs: int,
        max_epochs: int,
        proposed: float = 1.0,
        stop_when: float = 0.0,
    ) -> None:
        self.model, self.max_epochs, self.stop_when = model, max_epochs, stop_when
        self.trials = max(1, int(proposed * epochs / SHARE / max_epochs))
        self.gain: float | None = None
        """As of the last look, in the unit of the loss; None before the model can say."""
        self._seen = -1

    def look(self) -> float | None:
        """The gain that the results so far let expect."""
        if self._seen != len(self.model.results):
            self._seen = len(self.model.results)
            self.gain = self.model.expected_gain(self.trials, self.max_epochs)
        return self.gain

    def is_enough(self) -> bool:
        """Whether less is to be gained than the user wants."""
        gain = self.look()
        return gain is not None and gain < self.stop_when
