"""Claims about reading a study's record, whole and damaged."""

import math
import os

import pytest
from records import START, row

from hypertuning.config import UserError
from hypertuning.epoch import EPOCH_METRICS, Epoch, finite
from hypertuning.record import locks
from hypertuning.record.jobs import read_jobs
from hypertuning.record.layout import StudyDir
from hypertuning.record.locks import is_driven, only_driver
from hypertuning.record.measured import write_measured
from hypertuning.record.read import (
    read_outcome,
    read_record,
    read_study,
    read_trial,
    read_trials,
)
from hypertuning.record.recovery import recover_epochs
from hypertuning.record.trial import overfit_epoch


def losses(trial) -> dict[int, float]:
    return {row["epoch"]: row["val_loss"] for row in trial.epochs}


def test_a_trial_holds_the_epochs_of_all_its_jobs_and_only_the_curated_numbers(record):
    record.epochs(record.job(7, until=3, sampler="random", bracket=2, rung=0), [1, 2, 3])
    record.epochs(record.job(7, until=9, sampler="random", bracket=2, rung=1), range(4, 10))
    trial = read_trial(record.folder, 7)
    assert [row["epoch"] for row in trial.epochs] == list(range(1, 10))
    assert all(row.keys() == {"epoch", "timestamp", *EPOCH_METRICS} for row in trial.epochs)
    assert (trial.trial_id, trial.job["rung"], trial.config["filters"]) == ("t0007", 1, 146)


def test_the_first_recorded_of_two_results_for_an_epoch_counts(record):
    first, second = record.job(1, until=3), record.job(1, until=9, part=2)
    record.epochs(first, [1, 2])
    record.epochs(first, [2], val_loss=7.0)  # a retry of the same job
    record.epochs(second, [1, 3], val_loss=8.0)  # a later part that began earlier
    assert losses(read_trial(record.folder, 1)) == {
        1: row(1)["val_loss"],
        2: row(2)["val_loss"],
        3: 8.0,
    }


def test_part_10_comes_after_part_9_and_job_e010_after_e009(record):
    for value, (until, part) in enumerate([(9, 9), (9, 10), (10, 10)]):
        record.epochs(record.job(1, until=until, part=part), [value + 1, 4], val_loss=value)
    trial = read_trial(record.folder, 1)
    assert losses(trial) == {1: 0, 2: 1, 3: 2, 4: 0}
    assert trial.job["until"] == 10


@pytest.mark.parametrize("cut", range(1, 200, 40))
def test_a_line_cut_off_at_any_byte_is_passed_over(record, cut):
    job = record.job(1, until=9)
    record.epochs(job, [1, 2])
    record.epochs(job, [3])
    text = (job / "result.json").read_text()
    (job / "result.json").write_text(text[: -cut - 1])
    assert list(losses(read_trial(record.folder, 1))) == [1, 2]


def test_a_row_of_numbers_that_are_not_finite_is_no_epoch(record):
    job = record.job(1, until=9)
    record.epochs(job, [1])
    record.epochs(job, [2], val_loss=float("nan"))
    record.epochs(job, [3], train_loss=float("inf"))
    record.epochs(job, [3])
    record.line(job, "\n\n")
    assert list(losses(read_trial(record.folder, 1))) == [1, 3]


@pytest.mark.parametrize(
    ("ended", "outcome"),
    [
        (None, None),
        ("completed", "pruned"),
        ("interrupted", "interrupted"),
        ("failed", "interrupted"),
    ],
)
def test_a_trial_that_nothing_else_ended_ends_with_the_study(record, ended, outcome):
    record.epochs(record.job(1, until=3), [1, 2, 3])
    if ended:
        record.end(ended)
    assert read_outcome(record.folder) == ended
    assert read_trial(record.folder, 1).outcome == outcome


def test_a_new_part_takes_the_end_of_the_study_back(record):
    record.epochs(record.job(1, until=3), [1, 2, 3])
    record.end("completed")
    record.job(1, until=9, part=2)
    assert read_trial(record.folder, 1).outcome is None


def test_a_diverged_trial_keeps_the_epochs_before(record):
    job = record.job(1, until=9)
    record.epochs(job, [1, 2, 3])
    record.line(job, {"epoch": 4, "diverged": True, "timestamp": START + 40, "done": True})
    trial = read_trial(record.folder, 1)
    assert (trial.outcome, trial.epochs_run) == ("diverged", 3)


TRACE = """Failure # 1 (occurred at 2026-11-24_08-00-00)
ray::TrialRunner.train() (pid=1, ip=10.0.0.1)
  File "/x/trainable.py", line 331, in train
    raise skipped_from_exception_cause
RuntimeError: an earlier failure
Failure # 2 (occurred at 2026-11-24_08-01-00)
ray::TrialRunner.train() (pid=1, ip=10.0.0.1)
  File "/x/trainable.py", line 331, in train
    result = self.step()
             ^^^^^^^^^^^
torch.OutOfMemoryError: CUDA out of memory
and a second line
"""
DEAD = """Failure # 1 (occurred at 2026-11-24_08-00-00)
The actor died unexpectedly before finishing this task.
\tclass_name: TrialRunner
"""


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (TRACE, "torch.OutOfMemoryError: CUDA out of memory"),
        (DEAD, "The actor died unexpectedly before finishing this task."),
    ],
)
def test_a_failed_trial_says_what_its_last_failure_was(record, text, error):
    job = record.job(1, until=9)
    record.epochs(job, [1])
    record.fail(job, text)
    trial = read_trial(record.folder, 1)
    assert (trial.outcome, trial.error) == ("failed", error)


def test_a_trial_that_reached_its_epoch_after_an_error_has_not_failed(record):
    job = record.job(1, until=9)
    record.epochs(job, range(1, 10))
    (job / "error.txt").write_text(TRACE)
    assert read_trial(record.folder, 1).outcome == "completed"


@pytest.mark.parametrize("params", [None, ""])
def test_a_job_without_parameters_has_not_begun(record, params):
    folder = record.job(1, until=9)
    (folder / "params.json").unlink()
    if params is not None:
        (folder / "params.json").write_text(params)
    assert read_trial(record.folder, 1) is None
    assert read_trials(record.folder) == []


def test_trials_come_in_the_order_of_their_numbers_also_beyond_9999(record):
    for number in (10_000, 2, 9_999):
        record.job(number, until=9)
    assert [trial.number for trial in read_trials(record.folder)] == [2, 9_999, 10_000]
    assert read_trial(record.folder, 10_000).trial_id == "t10000"


def test_a_trial_starts_when_its_first_job_wrote_its_parameters(record):
    first = record.job(1, until=3)
    os.utime(first / "params.json", (START - 5, START - 5))
    record.epochs(record.job(1, until=9), [1])
    assert read_trial(record.folder, 1).started == START - 5


def test_a_retry_that_wrote_the_parameters_again_does_not_move_the_start(record):
    job = record.job(1, until=3)
    record.epochs(job, [1])
    os.utime(job / "params.json", (START + 99, START + 99))
    assert read_trial(record.folder, 1).started == row(1)["timestamp"] - row(1)["epoch_seconds"]


def test_a_folder_that_is_no_study_is_named(tmp_path):
    with pytest.raises(UserError, match=f"{tmp_path} holds no record of a study"):
        read_study(tmp_path)


def test_the_summary_is_of_the_best_epochs(record):
    record.epochs(record.job(1, until=9), range(1, 10))
    assert read_trial(record.folder, 1).summary() == {
        "best_val_loss": 0.8,
        "best_val_accuracy": row(9)["val_accuracy"],
        "best_epoch": 6,
        "epochs_run": 9,
        "overfit_epoch": 7,
    }


@pytest.mark.parametrize(
    ("val", "train", "epoch"),
    [
        ([3, 2, 1], [3, 2, 1], None),  # still getting better
        ([1, 2, 3], [3, 2, 1], 2),
        ([2, 1, 3, 1, 2], [5, 4, 3, 2, 1], 5),  # came back once
        ([1, 2, 3], [1, 2, 3], None),  # both rose: unstable
        ([1], [1], None),
    ],
)
def test_overfitting_begins_after_the_last_lowest_val_loss_if_train_loss_fell_on(val, train, epoch):
    pairs = enumerate(zip(val, train, strict=True), start=1)
    epochs = [{"epoch": n, "val_loss": v, "train_loss": t} for n, (v, t) in pairs]
    assert overfit_epoch(epochs) == epoch


def jobs(record):
    return [(job.job["trial"], job.job["until"], job.loss) for job in read_jobs(record.folder)]


def test_jobs_come_in_the_order_in_which_the_search_learnt_of_their_end(record):
    first, second = record.job(0, until=1), record.job(1, until=1)
    record.epochs(second, [1], order=1, val_loss=0.1)
    record.epochs(first, [1], order=2, val_loss=0.2)
    record.end("interrupted")
    third = record.job(1, until=3, part=2)
    record.epochs(third, [2, 3], order=1, val_loss=0.3)
    record.epochs(record.job(2, until=1, part=2), [])
    assert jobs(record) == [(1, 1, 0.1), (0, 1, 0.2), (1, 3, 0.3), (2, 1, None)]


def test_a_job_that_a_later_part_ended_counts_once(record):
    record.epochs(record.job(0, until=3), [1, 2])
    record.end("interrupted")
    record.epochs(record.job(0, until=3, part=2), [3], val_loss=0.5)
    (job,) = read_jobs(record.folder)
    assert (job.loss, job.recorded) == (0.5, 3)


def test_a_job_that_failed_or_diverged_ended_with_an_infinite_loss(record):
    diverged, failed = record.job(0, until=3), record.job(1, until=3)
    record.epochs(diverged, [1])
    record.line(diverged, {"epoch": 2, "val_loss": math.inf, "diverged": True, "order": 3})
    record.epochs(record.job(1, until=1), [1], val_loss=0.5, order=1)
    record.line(failed, {"failed": True, "order": 2})
    assert jobs(record) == [(1, 1, 0.5), (1, 3, math.inf), (0, 3, math.inf)]
    assert read_trial(record.folder, 1).outcome == "failed"


def test_what_comes_after_a_gap_is_reported_again(record):
    job = record.job(0, until=9)
    record.epochs(job, [1])
    record.line(job, '{"epoch": 2, "train_lo\n')
    record.epochs(job, [3])
    assert [job.recorded for job in read_jobs(record.folder)] == [1]


def test_a_study_without_an_epoch_has_failed_unless_it_was_interrupted(record):
    for outcome, becomes in [("completed", "failed"), ("interrupted", "interrupted")]:
        record.end(outcome)
        assert read_record(record.folder).outcome == becomes
    record.end("completed")
    record.epochs(record.job(0, until=9), [1])
    assert read_record(record.folder).outcome == "completed"


def test_epochs_that_only_a_checkpoint_knows_are_taken_into_the_record(record):
    record.epochs(record.job(0, until=1), [1])
    record.epochs(record.job(0, until=9, part=2), [2])
    record.job(1, until=9)
    checkpoints = {"t0000.pt": [row(n) for n in range(1, 5)], "t0001.pt": [row(1)]}
    read = lambda file, config: checkpoints[file.name] if config["filters"] == 146 else []
    assert recover_epochs(record.folder, read) == 3
    assert recover_epochs(record.folder, read) == 0, "doing it twice changes nothing"
    assert [trial.epochs_run for trial in read_trials(record.folder)] == [4, 1]
    assert [job.recorded for job in read_jobs(record.folder)] == [4, 4, 1]
    checkpoints["t0000.pt"].append(row(5))
    assert recover_epochs(record.folder, read) == 1


def test_epochs_that_only_a_worker_wrote_down_are_taken_into_the_record(record):
    record.epochs(record.job(0, until=9), [1])
    trial = read_trial(record.folder, 0)
    file = StudyDir(record.folder).measured(0)
    file.parent.mkdir()
    rows = [Epoch(**finite(row(n))) for n in (1, 2, 3)]
    write_measured(file, {**trial.config, "seed": 7}, rows)
    assert recover_epochs(record.folder, lambda file, config: []) == 0, "of a lost proposal"
    write_measured(file, trial.config, rows)
    read = lambda file, config: [row(n) for n in (1, 2)]  # the weights are behind
    assert recover_epochs(record.folder, read) == 2
    assert read_trial(record.folder, 0).epochs == [each.as_dict() for each in rows]


def test_only_one_process_drives_a_study(record, monkeypatch):
    monkeypatch.setattr(locks, "DRIVER_SECONDS", 0.05)
    assert not is_driven(record.folder)
    with only_driver(record.folder):
        assert is_driven(record.folder)
        with pytest.raises(UserError, match="is being run by another"), only_driver(record.folder):
            pass
    assert not is_driven(record.folder)


def test_an_epoch_that_comes_to_light_does_not_undo_the_failure_of_its_trial(record):
    job = record.job(0, until=3)
    record.epochs(job, [1, 2], order=1)
    record.line(job, {"failed": True, "order": 3})
    assert recover_epochs(record.folder, lambda file, config: [row(n) for n in (1, 2, 3)]) == 1
    assert jobs(record) == [(0, 3, math.inf)]
    trial = read_trial(record.folder, 0)
    assert (trial.outcome, trial.epochs_run) == ("failed", 3)


def test_a_trial_that_lost_an_earlier_rung_goes_on_from_there(record):
    record.job(0, until=1)
    record.job(0, until=3, part=1)
    assert jobs(record) == [(0, 1, None)]
