"""Claims about a worker: nothing that it measured is lost, however far its weights are behind."""

import math

import pytest
import torch

from hypertuning.config import Config
from hypertuning.learn import checkpoint, data
from hypertuning.record.measured import read_measured, write_measured
from hypertuning.search import worker
from hypertuning.search.problem import Problem
from hypertuning.search.worker import Worker

CONFIG = Config(filters=4, num_conv_layers=2, hidden_size=8, batch_size=32).hyperparameters()
CLOCKS = {"epoch_seconds", "images_per_second", "timestamp"}


@pytest.fixture(scope="session")
def digits(tmp_path_factory):
    return data.prepare("digits", tmp_path_factory.mktemp("data"))


@pytest.fixture
def problem(digits, tmp_path):
    return Problem(digits, 150, 70, 0, 9, "cpu", "float32", 1, tmp_path)


@pytest.fixture
def seldom(monkeypatch):
    """Checkpoints only after the first epoch of a job and at its end."""
    monkeypatch.setattr(worker, "CHECKPOINT_SHARE", 1e-9)


def begun(problem, until: int, recorded: int = 0, config: dict = CONFIG) -> Worker:
    """Another process, which takes up trial 3 where it stands."""
    torch.manual_seed(99)
    one = Worker(problem)
    one.begin({"config": config, "job": {"trial": 3, "until": until, "recorded": recorded}})
    return one


def steps(one: Worker, count: int) -> list[dict]:
    return [one.step() for _ in range(count)]


def without_clocks(rows: list[dict]) -> list[dict]:
    return [{name: row[name] for name in row.keys() - CLOCKS} for row in rows]


def kept(problem, one: Worker):
    """The epoch of the weights on disk, and those measured."""
    file = problem.checkpoints / "t0003.pt"
    state = checkpoint.load(file, one.state.config, one.data, worker.Hardware.of("cpu"))
    measured = read_measured(problem.checkpoints / "t0003.json", CONFIG)
    return state and state.epoch, [row.epoch for row in measured]


def test_every_epoch_is_written_down_and_the_weights_when_it_is_worth_it(problem, seldom):
    one = begun(problem, until=4)
    for epoch, weights in [(1, 1), (2, 1), (3, 1), (4, 4)]:
        assert one.step()["done"] == (epoch == 4)
        assert kept(problem, one) == (weights, list(range(1, epoch + 1)))


def test_where_they_cost_little_the_weights_are_written_after_every_epoch(problem, monkeypatch):
    monkeypatch.setattr(worker, "CHECKPOINT_SHARE", math.inf)
    one = begun(problem, until=3)
    steps(one, 2)
    assert kept(problem, one) == (2, [1, 2])


@pytest.mark.parametrize("recorded", [1, 2, 3])
def test_weights_that_are_behind_are_trained_again_unseen(problem, seldom, recorded):
    straight = begun(problem._replace(checkpoints=problem.checkpoints / "straight"), until=5)
    straight.problem.checkpoints.mkdir()
    expected = steps(straight, 5)
    measured = steps(begun(problem, until=5), 3)  # and then it is killed

    resumed = begun(problem, until=5, recorded=recorded)
    known = steps(resumed, 3 - recorded)
    assert known == measured[recorded:], "those that the record lacks, as they were measured"
    assert without_clocks(steps(resumed, 2)) == without_clocks(expected[3:])
    assert kept(problem, resumed) == (5, [1, 2, 3, 4, 5])
    weights = [one.state.model.state_dict() for one in (resumed, straight)]
    assert all(torch.equal(*pair) for pair in zip(*(w.values() for w in weights), strict=True))
    again = begun(problem, until=6, recorded=2)
    assert steps(again, 3)[:1] == measured[2:], "the rows stay those that were measured first"


def test_without_its_weights_a_trial_begins_anew_and_its_epochs_stay(problem):
    measured = steps(begun(problem, until=2), 2)
    (problem.checkpoints / "t0003.pt").unlink()
    resumed = begun(problem, until=3)
    assert steps(resumed, 2) == [{**row, "done": False} for row in measured]
    assert resumed.step()["epoch"] == 3


def test_a_checkpoint_of_an_earlier_version_has_the_epochs_itself(problem):
    measured = steps(begun(problem, until=2), 2)
    (problem.checkpoints / "t0003.json").unlink()
    assert steps(begun(problem, until=3), 2) == [{**row, "done": False} for row in measured]


def test_what_was_recorded_is_not_reported_again_though_the_worker_has_lost_it(problem, seldom):
    steps(begun(problem, until=5), 3)
    (problem.checkpoints / "t0003.json").write_text("damaged")
    resumed = begun(problem, until=5, recorded=3)
    assert [row["epoch"] for row in steps(resumed, 2)] == [4, 5]
    assert kept(problem, resumed) == (5, [1, 2, 3, 4, 5])


def test_an_earlier_version_did_not_know_every_hyperparameter(problem):
    steps(begun(problem, until=2), 2)
    file = problem.checkpoints / "t0003.json"
    rows = read_measured(file, CONFIG)
    write_measured(file, {n: v for n, v in CONFIG.items() if n != "label_smoothing"}, rows)
    assert read_measured(file, CONFIG) == rows


def test_what_another_configuration_measured_counts_as_nothing(problem):
    steps(begun(problem, until=2), 2)
    other = begun(problem, until=2, config=CONFIG | {"seed": 7})
    assert [row["epoch"] for row in steps(other, 2)] == [1, 2]
    assert read_measured(problem.checkpoints / "t0003.json", CONFIG) == []


@pytest.mark.parametrize("name", ["t0003.json", "t0003.pt"])
def test_what_cannot_be_written_is_said_and_the_epoch_is_reported(problem, name):
    (problem.checkpoints / name).mkdir()  # where a file should be moved to
    row = begun(problem, until=2).step()
    assert row["epoch"] == 1
    assert row["unsaved"] == f"{problem.checkpoints} could not be written: Is a directory"


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[" * 10_000, b"\xff", b"7", b'{"config": {}}', b'{"config": {}, "rows": [{}]}'],
)
def test_a_damaged_file_counts_as_none(tmp_path, content):
    (tmp_path / "t0003.json").write_bytes(content)
    assert read_measured(tmp_path / "t0003.json", {}) == []


def test_epochs_are_read_as_they_were_written(problem):
    steps(begun(problem._replace(val_size=0), until=2), 2)  # some of their numbers are NaN
    rows = read_measured(problem.checkpoints / "t0003.json", CONFIG)
    write_measured(problem.checkpoints / "again.json", CONFIG, rows)
    assert repr(read_measured(problem.checkpoints / "again.json", CONFIG)) == repr(rows)
