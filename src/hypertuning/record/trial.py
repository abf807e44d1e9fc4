"""One configuration of a study and what it measured: the numbers by which trials are compared."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from hypertuning.config import OBJECTIVE

Outcome = Literal["completed", "pruned", "diverged", "failed", "interrupted"]
Row = dict[str, float]
"""One epoch: `epoch`, `timestamp` (Unix seconds) and EPOCH_METRICS, all of them finite."""

PLACE = {"sampler": str, "bracket": int, "rung": int, "model_epochs": int}
"""What of a trial's job stands in its tags, and its type."""

EPOCH_METRICS = (
    "train_loss",
    "train_accuracy",
    "val_loss",
    "val_accuracy",
    "generalization_gap",
    "learning_rate",
    "epoch_seconds",
    "images_per_second",
)


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
    """What its last job died of, in one line."""
    started: float
    """Unix seconds."""

    @property
    def trial_id(self) -> str:
        return f"t{self.number:04d}"

    @property
    def epochs_run(self) -> int:
        return int(self.epochs[-1]["epoch"]) if self.epochs else 0

    @property
    def ended(self) -> float:
        """Unix seconds of the last thing recorded."""
        return self.epochs[-1]["timestamp"] if self.epochs else self.started

    def summary(self) -> Row:
        """Its best epochs, so that a table of trials shows the best values and not the last."""
        if not self.epochs:
            return {"epochs_run": 0}
        best = best_epoch(self.epochs)
        turn = overfit_epoch(self.epochs)
        return {
            f"best_{OBJECTIVE.metric}": best[OBJECTIVE.metric],
            "best_val_accuracy": max(row["val_accuracy"] for row in self.epochs),
            "best_epoch": best["epoch"],
            "epochs_run": self.epochs_run,
            **({"overfit_epoch": turn} if turn else {}),
        }


def best_epoch(epochs: Sequence[Row]) -> Row:
    """The epoch of the best objective; of several, the first."""
    return min(epochs, key=lambda row: row[OBJECTIVE.metric])


def overfit_epoch(epochs: Sequence[Row]) -> int | None:
    """The first epoch of those that only learnt the training images by heart.

    It follows the lowest val_loss, which no later epoch reached again, while train_loss went on
    falling: at the end it is lower than it was there. None where val_loss is lowest in the last
    epoch, or where train_loss rose as well, which is unstable training and not overfitting.
    """
    lowest = min(reversed(epochs), key=lambda row: row["val_loss"])
    later = [row for row in epochs if row["epoch"] > lowest["epoch"]]
    if later and later[-1]["train_loss"] < lowest["train_loss"]:
        return int(later[0]["epoch"])
    return None
