"""How long a study takes to its first result: the start of its workers and one epoch."""

import time
from collections.abc import Callable
from contextlib import suppress

from ray import tune


class FirstEpoch(tune.Callback):
    """Tells the seconds from the start of the search to its first result.

    Args:
        tell: Called with the seconds; a function of a module, because Ray pickles it.
    """

    def __init__(self, tell: Callable[[float], None]) -> None:
        self.tell = tell
        self.began: float | None = None
        """None before the search, and after the first result."""

    def setup(self, **info) -> None:
        self.began = time.monotonic()

    def on_trial_result(self, iteration: int, trials: list, trial, result: dict, **info) -> None:
        if self.began is not None:
            seconds, self.began = time.monotonic() - self.began, None
            with suppress(OSError, SystemExit):  # the reader has gone, or the disk is full
                self.tell(seconds)
