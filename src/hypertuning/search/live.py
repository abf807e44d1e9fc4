"""What a person sees while a study runs: a progress bar in a terminal, plain lines in a log."""

import math
import time
from collections.abc import Mapping
from contextlib import suppress

from ray.tune import Callback
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from hypertuning.config import OBJECTIVE
from hypertuning.search.plan import Plan


class LiveView(Callback):
    """Trials and epochs done of those planned, the best loss so far, the time left.

    Args:
        losses: By trial and epoch, what earlier parts of the study measured.
    """

    def __init__(self, plan: Plan, losses: Mapping[tuple[int, int], float] | None = None) -> None:
        self.plan = plan
        before = losses or {}
        self.begun = {trial for trial, _ in before}
        self.epochs = self.epochs_before = len(before)
        best = min(before, key=lambda at: before[at], default=None)
        self.best, self.best_trial = (before[best], _name(best[0])) if best else (math.inf, "")

    def setup(self, **info) -> None:
        self.console = Console()  # here, not earlier: Ray pickles a callback before its set-up
        self.started = time.monotonic()
        self.progress = None
        if self.console.is_terminal:
            columns = BarColumn(), TextColumn("{task.description}")
            self.progress = Progress(*columns, console=self.console, transient=True)
            self.task = self.progress.add_task(self._summary(), total=self.plan.epochs)
            self.progress.start()

    def on_trial_result(self, iteration: int, trials: list, trial, result: dict, **info) -> None:
        job = trial.config["job"]
        self.begun.add(job["trial"])
        self.epochs += 1
        loss = result[OBJECTIVE.metric]
        if loss < self.best:
            self.best, self.best_trial = loss, _name(job["trial"])
        if self.progress:
            self.progress.update(self.task, completed=self.epochs, description=self._summary())

    def on_trial_complete(self, iteration: int, trials: list, trial, **info) -> None:
        if not self.progress and trial.last_result:
            loss = trial.last_result[OBJECTIVE.metric]
            ended = f"{OBJECTIVE.metric} {loss:.4f}" if math.isfinite(loss) else "diverged"
            self._line(f"{trial}  {ended}  |  {self._summary()}")

    def on_trial_error(self, iteration: int, trials: list, trial, **info) -> None:
        self._line(f"{trial}  failed, see {trial.path}/error.txt")

    def on_experiment_end(self, trials: list, **info) -> None:
        if self.progress:
            self.progress.stop()

    def _line(self, text: str) -> None:
        with suppress(OSError, SystemExit):  # nobody reads it, or its disk is full
            self.console.print(text, highlight=False, soft_wrap=True)

    def _summary(self) -> str:
        parts = [
            f"trials {len(self.begun)}/{self.plan.trials}",
            f"epochs {self.epochs}/{max(self.epochs, self.plan.epochs)}",
        ]
        if self.best_trial:
            parts.append(f"best {OBJECTIVE.metric} {self.best:.4f} ({self.best_trial})")
        if self.epochs > self.epochs_before:
            parts.append(f"{_clock(self._seconds_left())} left")
        return " · ".join(parts)

    def _seconds_left(self) -> float:
        per_epoch = (time.monotonic() - self.started) / (self.epochs - self.epochs_before)
        return per_epoch * max(0, self.plan.epochs - self.epochs)


def _name(trial: int) -> str:
    return f"t{trial:04d}"


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{seconds:02d}"
