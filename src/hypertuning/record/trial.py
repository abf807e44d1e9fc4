"""One configuration of a study and what it measured: the numbers by which trials are compared."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from hypertuning.config import BEST, OBJECTIVE
from hypertuning.epoch import Row
from hypertuning.record import layout

Outcome = Literal["completed", "pruned", "diverged", "failed", "interrupted"]

PLACE = {
    "sampler": str,
    "bracket": int,
    "rung": int,
    "model_epochs": int,
    "expected_gain": float,
}
"""The keys of a trial's job that become tags of its run, and their types."""


@dataclass(frozen=True)
class Trial:
    """One configuration, with the epochs of all its jobs."""

    number: int
    config: dict[str, Any]
    job: dict[str, Any]
    """Of its last job: `until`, `sampler`, and on a ladder `bracket` and `rung`."""
    epochs: list[Row]
    """In order, one per epoch, the first one recorded."""
    outcome: Outcome | None
    """None while it goes on."""
    error: str | None
    """The exception that ended its last job, in one line."""
    started: float
    """Unix seconds."""

    @property
    def trial_id(self) -> str:
        return layout.trial_id(self.number)

    @property
    def epochs_run(self) -> int:
        return int(self.epochs[-1]["epoch"]) if self.epochs else 0

    @property
    def has_curve(self) -> bool:
        """Whether there is a curve to draw: most trials of a search end after their first epoch."""
        return self.epochs_run > 1

    @property
    def ended(self) -> float:
        """Unix seconds of the last thing recorded."""
        return self.epochs[-1]["timestamp"] if self.epochs else self.started

    def summary(self) -> Row:
        """Its best numbers: by default MLflow's table shows those of the last epoch."""
        if not self.epochs:
            return {"epochs_run": 0}
        best = best_epoch(self.epochs)
        turn = overfit_epoch(self.epochs)
        return {
            BEST: best[OBJECTIVE],
            "best_val_accuracy": max(row["val_accuracy"] for row in self.epochs),
            "best_epoch": best["epoch"],
            "epochs_run": self.epochs_run,
            **({"overfit_epoch": turn} if turn else {}),
        }


def best_epoch(epochs: Sequence[Row]) -> Row:
    """The epoch of the best objective; of several, the first."""
    return min(epochs, key=lambda row: row[OBJECTIVE])


def overfit_epoch(epochs: Sequence[Row]) -> int | None:
    """The first epoch that only memorised the training images.

    It is the one after the lowest val_loss, if train_loss is lower at the end than it was there.
    None if val_loss is lowest in the last epoch, or if train_loss rose as well: that is unstable
    training, not overfitting.
    """
    lowest = min(reversed(epochs), key=lambda row: row["val_loss"])
    later = [row for row in epochs if row["epoch"] > lowest["epoch"]]
    if later and later[-1]["train_loss"] < lowest["train_loss"]:
        return int(later[0]["epoch"])
    return None


def best_trial(trials: Sequence[Trial]) -> Trial | None:
    """The trial with the best epoch of all; None where none has finished an epoch."""
    measured = [trial for trial in trials if trial.epochs]
    return min(measured, key=lambda trial: trial.summary()[BEST], default=None)


def count_epochs(trials: Sequence[Trial]) -> int:
    return sum(len(trial.epochs) for trial in trials)
