"""What one epoch measures: the one list of metrics, from training to the record, MLflow and frames.

A new metric is a new field at the end of `Epoch`, None by default: records, checkpoints and stores
of earlier versions lack it. A field without a default must be there, or the epoch does not count.
"""

import math
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, fields
from typing import Annotated

from pydantic import AfterValidator

from hypertuning.quantities import Count, Duration, Measured, Timestamp

Row = dict[str, float]
"""An epoch as it stands in a record: the fields of `Epoch` that were measured, all finite."""


@dataclass(frozen=True)
class Epoch:
    """What one epoch measured."""

    epoch: Count
    """Counted from 1."""
    train_loss: Measured
    """Mean plain cross-entropy in nats per image, as the images passed: augmented, with dropout."""
    train_accuracy: Measured
    """A fraction, 0–1."""
    val_loss: Measured
    """NaN where no images are held out, as is all that follows from it."""
    val_accuracy: Measured
    generalization_gap: Measured
    """val_loss − train_loss."""
    learning_rate: Measured
    """Of the last step."""
    epoch_seconds: Duration
    """Training and validation."""
    images_per_second: Measured
    """Training images over the time of training alone."""
    timestamp: Timestamp
    """When it ended, in Unix seconds."""

    @classmethod
    def of(cls, **measured: float) -> "Epoch":
        """An epoch with what follows from what was measured."""
        gap = measured["val_loss"] - measured["train_loss"]
        return cls(**measured, generalization_gap=gap)

    def as_dict(self) -> dict[str, float]:
        """Its fields, without those that an earlier version did not measure."""
        return {name: value for name, value in asdict(self).items() if value is not None}


def _are_consecutive(rows: list[Epoch]) -> list[Epoch]:
    if [row.epoch for row in rows] != list(range(1, len(rows) + 1)):
        raise ValueError("epochs must be 1, 2, 3, …")
    return rows


Epochs = Annotated[list[Epoch], AfterValidator(_are_consecutive)]
"""All epochs of a training so far, as they are read from a file."""

_NO_METRICS = ("epoch", "timestamp")
METRIC_TYPES = {field.name: field.type for field in fields(Epoch) if field.name not in _NO_METRICS}
EPOCH_METRICS = tuple(METRIC_TYPES)
REQUIRED = frozenset(field.name for field in fields(Epoch) if field.default is MISSING)
"""The fields without which there is no epoch."""


_FIELDS = tuple(field.name for field in fields(Epoch))


def finite(values: Mapping[str, float | None]) -> Row:
    """The fields of an epoch that are there and finite; other keys are left out."""
    known = ((name, values.get(name)) for name in _FIELDS)
    return {name: value for name, value in known if value is not None and math.isfinite(value)}


def row_of(values: Mapping[str, float | None]) -> Row | None:
    """The finite fields of an epoch; None if a required one is missing or not finite."""
    row = finite(values)
    return row if row.keys() >= REQUIRED else None
