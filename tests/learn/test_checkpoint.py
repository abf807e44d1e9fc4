"""Claims about checkpoints: taken up where they ended, and harmless where they are damaged."""

import functools
import io
import itertools
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from trained import CPU, measured, small, trained, weights

from hypertuning.learn.checkpoint import load, read_rows, save
from hypertuning.learn.training import Epoch, Hardware, TrainState, fit


@pytest.mark.parametrize(
    ("model", "optimizer", "lr_schedule"),
    [
        *itertools.product(("nn", "resnn", "cnn"), ("adamw",), ("onecycle",)),
        *itertools.product(("nn", "resnn", "cnn"), ("sgd",), ("cosine",)),
        *itertools.product(("nn", "resnn", "cnn"), ("muon",), ("triangle",)),
    ],
)
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_two_epochs_are_one_and_save_and_load_and_one(
    few_digits, tmp_path, model, optimizer, lr_schedule, precision
):
    config = small(
        model=model,
        optimizer=optimizer,
        lr_schedule=lr_schedule,
        batch_norm=model == "cnn",
        norm_bias_rate=8.0,
        whitening=True,
        lookahead=precision == "float32",
        decay_per_epoch=True,
        flip="alternating",
        dropout=0.3,
        weight_decay=0.01,
        label_smoothing=0.1,
        augment="crop_flip",
        seed=4,
    )
    hardware = Hardware.of("cpu", precision)
    straight = trained(config, few_digits, 2, hardware=hardware)
    save(trained(config, few_digits, 1, hardware=hardware), tmp_path / "t0001.pt")
    torch.manual_seed(99)  # another process, with other draws behind it
    resumed = load(tmp_path / "t0001.pt", config, few_digits, hardware)
    assert [row.epoch for row in fit(resumed, few_digits, 2)] == [2]
    assert measured(resumed) == measured(straight)
    assert torch.equal(weights(resumed), weights(straight))


def test_saving_again_replaces_the_checkpoint_whole(few_digits, tmp_path):
    state = TrainState.new(small(), few_digits, 3, CPU)
    for _ in fit(state, few_digits, 2):
        save(state, tmp_path / "t0001.pt")
    assert list(tmp_path.iterdir()) == [tmp_path / "t0001.pt"]
    loaded = load(tmp_path / "t0001.pt", small(), few_digits, CPU)
    assert (loaded.epoch, loaded.rows, loaded.config) == (2, state.rows, state.config)


WHOLE = dict.fromkeys(Epoch.__dataclass_fields__, 1.0) | {"epoch": 1}


def content(**changed) -> dict:
    """A checkpoint after one epoch, as it stands in its file."""
    state = TrainState.new(small(), SimpleNamespace(classes="01", train=range(9)), 3, CPU)
    return {
        "config": small().hyperparameters(),
        "horizon": 3,
        "model": state.model.state_dict(),
        "optimizer": state.optimizer.state_dict(),
        "rows": [WHOLE],
        **changed,
    }


def of_two_classes(data):
    return SimpleNamespace(classes=data.classes[:2], train=data.train)


def test_a_checkpoint_of_an_earlier_version_that_knew_fewer_hyperparameters_is_read(
    few_digits, tmp_path
):
    known = {n: v for n, v in small().hyperparameters().items() if n != "label_smoothing"}
    torch.save(content(config=known), tmp_path / "t0001.pt")
    assert load(tmp_path / "t0001.pt", small(), of_two_classes(few_digits), CPU).epoch == 1


@pytest.mark.parametrize(
    "changed",
    [
        {"model": print},
        {"model": [1, 2]},
        {"model": {}},
        {"model": {1: 2}},
        {"optimizer": {"state": {}, "param_groups": 7}},
        {"optimizer": []},
        {"horizon": 10**400},
        {"horizon": "3"},
        {"config": [1]},
        {"config": small(seed=1).hyperparameters()},
        {"config": {"no hyperparameter": 1}},
        {"rows": {"epoch": 1}},
        {"rows": [[1, 2, 3]]},
        {"rows": [{"epoch": 1}]},
        {"rows": [{**WHOLE, "epoch": 2}]},
        {"rows": [{**WHOLE, "epoch": True}]},
        {"rows": [WHOLE, WHOLE]},
        {"rows": [{**WHOLE, "val_loss": "low"}]},
        {"rows": [{**WHOLE, "timestamp": 1e300}]},
    ],
    ids=str,
)
def test_a_whole_file_with_the_wrong_things_in_it_counts_as_none(few_digits, tmp_path, changed):
    file = tmp_path / "t0001.pt"
    torch.save(content(**changed), file)
    assert load(file, small(), of_two_classes(few_digits), CPU) is None
    if changed.keys() <= {"rows", "config"}:
        assert read_rows(file, small().hyperparameters()) == []


@pytest.mark.parametrize("kind", ["absent", "empty", "folder", "link to nowhere"])
def test_what_is_no_file_counts_as_none(few_digits, tmp_path, kind):
    file = tmp_path / "t0001.pt"
    if kind == "empty":
        file.touch()
    elif kind == "folder":
        file.mkdir()
    elif kind == "link to nowhere":
        file.symlink_to("nowhere")
    assert load(file, small(), few_digits, CPU) is None
    assert read_rows(file, small().hyperparameters()) == []


@settings(derandomize=True, max_examples=60, deadline=None, database=None)
@given(
    cut=st.one_of(st.none(), st.floats(0, 1)),
    flips=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), max_size=4),
)
def test_damaged_bytes_give_what_was_written_or_nothing(cut, flips):
    whole = bytearray(_written())
    damaged = whole[: int(cut * len(whole))] if cut is not None else whole
    for place, byte in flips if damaged else ():
        damaged[int(place * (len(damaged) - 1))] = byte
    with TemporaryDirectory() as folder:
        file = Path(folder) / "t0001.pt"
        file.write_bytes(damaged)
        loaded = load(file, small(), SimpleNamespace(classes="01", train=range(9)), CPU)
        rows = read_rows(file, small().hyperparameters())
    assert loaded is None or [row.epoch for row in loaded.rows] == [1]
    assert [row.epoch for row in rows] in ([], [1])


@functools.cache
def _written() -> bytes:
    file = io.BytesIO()
    torch.save(content(), file)
    return file.getvalue()
