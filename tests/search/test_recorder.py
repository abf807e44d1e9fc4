"""Claims about the record, on a stand-in for Ray's trial object: a folder and a configuration."""

import json
from types import SimpleNamespace

import pytest

from hypertuning.search.recorder import Recorder


@pytest.fixture
def trial(tmp_path):
    storage = SimpleNamespace(trial_fs_path=str(tmp_path / "t0000-e003"))
    error = tmp_path / "staged.txt"
    error.write_text("it broke")
    return SimpleNamespace(config={"job": {"trial": 0}}, storage=storage, error_file=str(error))


def lines(trial):
    with open(f"{trial.storage.trial_fs_path}/result.json") as file:
        return file.read().splitlines()


def test_every_result_is_one_line_at_once(trial):
    recorder = Recorder()
    recorder.log_trial_start(trial)
    for epoch in (1, 2):
        recorder.log_trial_result(epoch, trial, {"epoch": epoch})
        assert [json.loads(line)["epoch"] for line in lines(trial)] == list(range(1, epoch + 1))


def test_a_line_that_was_cut_off_does_not_spoil_the_next_one(trial):
    recorder = Recorder()
    recorder.log_trial_start(trial)
    with open(f"{trial.storage.trial_fs_path}/result.json", "w") as file:
        file.write('{"epoch": 1}\n{"epoch": 2, "val_lo')
    recorder.log_trial_result(2, trial, {"epoch": 2})
    assert json.loads(lines(trial)[-1]) == {"epoch": 2, "order": 1}


def test_a_trial_that_dies_before_it_starts_leaves_its_configuration_and_its_error(trial, tmp_path):
    Recorder().log_trial_end(trial, failed=True)
    folder = tmp_path / "t0000-e003"
    assert json.loads((folder / "params.json").read_text()) == trial.config
    assert (folder / "error.txt").read_text() == "it broke"
    assert json.loads(lines(trial)[-1])["failed"] is True


def test_lines_are_numbered_in_the_order_in_which_the_search_learnt_of_them(tmp_path):
    recorder, trials = Recorder(), [SimpleNamespace(config={"job": {}}) for _ in range(2)]
    for number, trial in enumerate(trials):
        trial.storage = SimpleNamespace(trial_fs_path=str(tmp_path / str(number)))
        recorder.log_trial_start(trial)
    for number in (1, 0, 0, 1):
        recorder.log_trial_result(1, trials[number], {})
    orders = [[json.loads(line)["order"] for line in lines(trial)] for trial in trials]
    assert orders == [[2, 3], [1, 4]]
