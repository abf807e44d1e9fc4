"""Claims about the one list of metrics: what an epoch must have, and what it may lack."""

import math
from dataclasses import fields

import pytest

from hypertuning.epoch import EPOCH_METRICS, METRIC_TYPES, REQUIRED, Epoch, finite, row_of

WHOLE = dict.fromkeys([*EPOCH_METRICS, "timestamp"], 1.5) | {"epoch": 1}


def test_the_metrics_are_the_fields_of_an_epoch():
    assert {field.name for field in fields(Epoch)} == {"epoch", "timestamp", *EPOCH_METRICS}
    assert tuple(METRIC_TYPES) == EPOCH_METRICS


def test_losses_the_epoch_and_its_time_are_required():
    assert {"epoch", "timestamp", "train_loss", "val_loss"} <= REQUIRED


@pytest.mark.parametrize("value", [None, math.nan, math.inf])
@pytest.mark.parametrize("name", sorted(REQUIRED))
def test_without_a_required_number_there_is_no_epoch(name, value):
    assert row_of(WHOLE) == WHOLE
    assert row_of({**WHOLE, name: value}) is None
    assert row_of({n: v for n, v in WHOLE.items() if n != name}) is None


def test_an_optional_number_may_be_missing():
    assert finite({"epoch": 1, "val_loss": None, "train_loss": math.nan}) == {"epoch": 1}


def test_what_is_no_metric_is_left_out():
    assert row_of({**WHOLE, "pid": 4711, "done": True}) == WHOLE


def test_what_follows_from_the_losses_is_computed_from_them():
    measured = {name: value for name, value in WHOLE.items() if name != "generalization_gap"}
    epoch = Epoch.of(**{**measured, "val_loss": 2.5})
    assert epoch.generalization_gap == 1.0
    assert epoch.as_dict() == {**WHOLE, "val_loss": 2.5, "generalization_gap": 1.0}
