"""What a person sees while a study runs: a progress bar in a terminal, plain lines in a log."""

import math
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from ray.tune import Callback
from rich.console import Console, RenderableType
from rich.progress import BarColumn, Progress
from rich.text import Text

from hypertuning.config import OBJECTIVE
from hypertuning.record.layout import JobFiles, trial_id
from hypertuning.search.outlook import Outlook
from hypertuning.search.plan import Plan

FEWEST = 8
"""Trials: when so many have begun, they say how many go on."""


class LiveView(Callback):
    """Trials and epochs done of those planned, the time left, the best loss so far.

    Args:
        losses: What earlier parts of the study measured, by trial and epoch.
        concurrency: How many trials run at once.
        costs: Of an epoch of each trial, if they are known beforehand. As the costliest start
            first, what is left takes less time an epoch than what is done.
        outlook: What going on is expected to gain.
        points: The trials with the user's points, as far as they are known.
    """

    def __init__(
        self,
        plan: Plan,
        losses: Mapping[tuple[int, int], float] | None = None,
        concurrency: int = 1,
        costs: Sequence[float] = (),
        outlook: Outlook | None = None,
        points: Collection[int] = (),
    ) -> None:
        self.plan, self.concurrency = plan, min(concurrency, plan.trials)
        self.outlook, self.points = outlook, points
        # which trials will go on to another rung, and so how much they cost, is not known
        known = costs if len(plan.rungs) == 1 else ()
        self.work = {trial: cost * len(known) / sum(known) for trial, cost in enumerate(known)}
        """What an epoch of a trial costs, on average 1."""
        before = losses or {}
        self.begun = {trial for trial, _ in before}
        self.counted = set(before)
        """The epochs of trials; after an error a trial reports some of them again."""
        self.drawn_epochs = sum(trial not in points for trial, _ in before)
        """Of the trials without points."""
        self.done = sum(self._work(trial) for trial, _ in before)
        """Epochs, each counted as much as it costs."""
        best = min(before, key=lambda at: before[at], default=None)
        self.best, self.best_trial = (before[best], trial_id(best[0])) if best else (math.inf, "")
        self.arrivals: list[tuple[float, float]] = []
        """When each epoch was reported, by `time.monotonic()`, and what was done then."""
        self.trained = 0.0
        """Seconds that these took, of one worker each, but for the first one of every worker."""
        self.running: dict[int, int] = {}
        """Epochs left of the jobs under way, by trial."""

    @property
    def epochs(self) -> int:
        return len(self.counted)

    def setup(self, **info) -> None:
        self.console = Console()  # here, not earlier: Ray pickles a callback before its set-up
        self.progress = None
        if self.console.is_terminal:
            self.progress = _Lines(self._summary, console=self.console, transient=True)
            self.task = self.progress.add_task("", total=self.plan.epochs, completed=self.epochs)
            self.progress.start()

    def on_trial_result(self, iteration: int, trials: list, trial, result: dict, **info) -> None:
        job = trial.config["job"]
        if (at := (job["trial"], result["epoch"])) in self.counted:
            return
        self.counted.add(at)
        self.begun.add(job["trial"])
        self.drawn_epochs += job["trial"] not in self.points
        self.done += self._work(job["trial"])
        self.arrivals.append((time.monotonic(), self.done))
        if len(self.arrivals) > self.concurrency:
            self.trained += result.get("epoch_seconds", 0.0)  # a trial that diverged has none
        self.running[job["trial"]] = job["until"] - result["epoch"]
        loss = result[OBJECTIVE]
        if loss < self.best:
            self.best, self.best_trial = loss, trial_id(job["trial"])
        if self.progress:
            self.progress.update(self.task, completed=self.epochs, total=self._total())

    def on_trial_complete(self, iteration: int, trials: list, trial, **info) -> None:
        self.running.pop(trial.config["job"]["trial"], None)
        if not self.progress and trial.last_result:
            loss = trial.last_result[OBJECTIVE]
            ended = f"{OBJECTIVE} {loss:.4f}" if math.isfinite(loss) else "diverged"
            self._line(f"{trial}  {ended}  |  {self._summary()}")

    def on_trial_error(self, iteration: int, trials: list, trial, **info) -> None:
        self.running.pop(trial.config["job"]["trial"], None)
        self._line(f"{trial}  failed, see {JobFiles(Path(trial.path)).error}")

    def on_experiment_end(self, trials: list, **info) -> None:
        if self.progress:
            self.progress.stop()

    def _line(self, text: str) -> None:
        with suppress(OSError, SystemExit):  # the reader has gone, or the disk is full
            self.console.print(text, highlight=False, soft_wrap=True, markup=False)

    def _summary(self) -> str:
        parts = [
            f"trials {len(self.begun)}/{self.plan.trials}",
            f"epochs {self.epochs}/{self._total()}",
            f"time left {_clock(self._seconds_left())}",
        ]
        if self.best_trial:
            parts.append(f"best {OBJECTIVE} {self.best:.4f} ({self.best_trial})")
        if self.outlook and self.outlook.gain is not None:
            parts.append(f"the next tenth may gain {self.outlook.gain:.2g}")
        return " · ".join(parts)

    def _total(self) -> int:
        certain = sum(epochs for _, epochs in self._certain())
        return max(round(self._expected()), self.epochs + certain)

    def _expected(self) -> float:
        """The epochs of the whole search: those planned or, where more trials may go on, as many
        as it will be if points finish, and the others go on as those that have begun."""
        begun = len(self.begun.difference(self.points))
        if not self.plan.more_may_come or begun < FEWEST:
            return self.plan.epochs
        drawn = self.plan.trials - len(self.points)
        of_points = len(self.points) * max(rung.until for rung in self.plan.rungs)
        return max(self.plan.epochs, of_points + self.drawn_epochs * drawn / begun)

    def _work(self, trial: int) -> float:
        return self.work.get(trial, 1.0)

    def _certain(self) -> Iterator[tuple[int, int]]:
        """Trials, and the epochs of each that will come whatever is measured.

        Where more trials went on than planned, these are all that is known of what is left.
        """
        shortest = min((rung.until for rung in self.plan.rungs), default=0)
        yield from self.running.items()
        yield from ((t, shortest) for t in range(self.plan.trials) if t not in self.begun)

    def _seconds_left(self) -> float | None:
        """Estimate by how fast epochs arrive; None before every worker can have reported one.

        The first epochs, one for each worker, only start the clock: they had to wait until the
        workers had started. The next ones may come together, but none faster than the workers
        train. What is left takes at least as long as the longest job under way, which the workers
        cannot share.
        """
        measured = self.arrivals[self.concurrency - 1 :]
        if len(measured) < 2:
            return None
        (began, before), (latest, done) = measured[0], measured[-1]
        certain = sum(epochs * self._work(trial) for trial, epochs in self._certain())
        left = max(certain, self._expected() - done)
        longest = max((n * self._work(trial) for trial, n in self.running.items()), default=0)
        since = time.monotonic() - latest
        each = max(latest - began, self.trained / self.concurrency) / (done - before)
        return max(0, each * max(left, longest * self.concurrency) - since)


class _Lines(Progress):
    """A line of text, cut at its end if the terminal is narrow, above a bar of full width."""

    def __init__(self, words: Callable[[], str], **options) -> None:
        self.words = words
        super().__init__(BarColumn(bar_width=None), expand=True, **options)

    def get_renderables(self) -> Iterable[RenderableType]:
        yield Text(self.words(), no_wrap=True, overflow="ellipsis")
        yield self.make_tasks_table(self.tasks)


def _clock(seconds: float | None) -> str:
    if seconds is None:
        return "—"
    minutes, seconds = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{seconds:02d}"
