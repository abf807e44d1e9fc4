"""Claims about the doctor: what it sees, what it mends by, and what it leaves alone."""

import shutil
import socket
import sqlite3
from pathlib import Path

import pytest
from matplotlib.figure import Figure
from records import Record
from stores import new_study

from hypertuning.epoch import EPOCH_METRICS
from hypertuning.record.layout import StudyDir
from hypertuning.record.locks import only_driver
from hypertuning.record.read import read_trials
from hypertuning.tracking import doctor
from hypertuning.tracking.artifacts import send
from hypertuning.tracking.doctor import (
    close_others,
    close_without_record,
    examine,
    find_orphans,
    with_records,
)
from hypertuning.tracking.mirror import mirror_study
from hypertuning.tracking.study_run import close_study


def draw(trial) -> Figure:
    return Figure()


@pytest.fixture
def study_id(client) -> str:
    return new_study(client)


@pytest.fixture
def record(tmp_path, study_id) -> Record:
    """Two trials, completed and pruned, in a folder of the study's name."""
    record = Record(tmp_path / "storage" / study_id)
    record.epochs(record.job(0, until=9), range(1, 10))
    record.epochs(record.job(1, until=3), range(1, 4))
    record.end("completed")
    return record


@pytest.fixture
def seen(client, study_id, record):
    """A function that says what the doctor finds."""

    def look() -> list[tuple[str, str]]:
        (patient,) = with_records(client, [study_id], record.folder.parent)
        return [(finding.about, finding.what) for finding in examine(client, patient)]

    return look


@pytest.fixture
def healthy(client, study_id, record) -> Record:
    mirror_study(client, study_id, record.folder, draw)
    close_study(client, study_id, "completed", read_trials(record.folder))
    kept = StudyDir(record.folder).artifacts_of(study_id)
    kept.mkdir(parents=True)
    (kept / "plan.json").write_text("{}")
    send(client, study_id, kept)
    return record


def test_a_study_that_is_mirrored_and_closed_is_well(healthy, seen):
    assert seen() == []


def test_a_study_that_is_being_run_is_left_to_its_driver(record, seen):
    with only_driver(record.folder):
        assert seen() == []
    assert seen() != []


def test_runs_without_a_living_driver_are_found(client, healthy, study_id, seen):
    client.update_run(study_id, status="RUNNING")
    launcher = new_study(client)
    client.set_tag(launcher, "mlflow.parentRunId", study_id)
    client.set_tag(launcher, "outcome", "launcher")
    assert seen() == [
        ("study", "is RUNNING, but its driver is gone"),
        (f"launcher {launcher}", "is RUNNING, but its driver is gone"),
    ]
    close_study(client, study_id, "completed")
    (patient,) = with_records(client, [study_id], healthy.folder.parent)
    close_others(client, patient)
    assert seen() == []


def test_an_ending_that_is_not_that_of_the_record_is_found(client, healthy, study_id, seen):
    close_study(client, study_id, "interrupted")
    assert seen() == [
        ("study", "is interrupted (KILLED), but by its record it is completed (FINISHED)")
    ]
    healthy.end("interrupted")
    assert seen() == [
        ("t0001", "is pruned (FINISHED), but by its record it is interrupted (KILLED)")
    ]
    mirror_study(client, study_id, healthy.folder, draw)
    assert seen() == []


def test_epochs_that_only_one_side_has_are_found(healthy, store, seen, client, study_id):
    healthy.epochs(healthy.job(1, until=9, part=1), [4])
    with sqlite3.connect(store) as database:
        gone = "DELETE FROM metrics WHERE key = ? AND step IN (2, 5)"
        database.execute(gone, (EPOCH_METRICS[0],))
    assert ("t0000", "lacks epochs 2, 5 of its record") in seen()
    assert ("t0001", "lacks epochs 2, 4 of its record") in seen()


def test_a_trial_without_a_run_and_one_with_two_are_found(client, healthy, study_id, seen):
    healthy.epochs(healthy.job(2, until=3), [1])
    experiment_id = client.get_run(study_id).info.experiment_id
    tags = {"mlflow.parentRunId": study_id, "trial_id": "t0000"}
    other = client.create_run(experiment_id, tags=tags)
    assert ("t0000", "has 2 runs") in seen()
    assert ("t0002", "has no run") in seen()
    mirror_study(client, study_id, healthy.folder, draw)
    assert client.get_run(other.info.run_id).info.lifecycle_stage == "deleted"
    assert seen() == []


def test_a_trial_of_one_epoch_has_no_figure_and_lacks_none(client, healthy, study_id, seen):
    healthy.epochs(healthy.job(3, until=1), [1])
    mirror_study(client, study_id, healthy.folder, draw)
    close_study(client, study_id, "completed", read_trials(healthy.folder))
    assert seen() == []


def test_epochs_that_the_record_lost_stay_in_the_store(client, healthy, study_id, seen):
    result = healthy.folder / "part-001/t0000-e009/result.json"
    result.write_text("".join(result.read_text().splitlines(keepends=True)[:7]))
    finding = ("t0000", "has epochs 8, 9 that its record lacks")
    assert finding in seen()
    mirror_study(client, study_id, healthy.folder, draw)
    assert finding in seen(), "nothing that was measured is deleted"


def test_a_study_whose_record_is_gone_is_closed(client, healthy, study_id, seen, monkeypatch):
    client.update_run(study_id, status="RUNNING")
    client.set_tag(study_id, "record", f"{socket.gethostname()}:{healthy.folder}")
    shutil.rmtree(healthy.folder)
    assert seen() == [], "it may be about to begin"
    monkeypatch.setattr(doctor, "NEW_SECONDS", 0)
    assert seen() == [("study", "is RUNNING, but its record is gone")]
    (patient,) = with_records(client, [study_id], healthy.folder.parent)
    close_without_record(client, patient)
    assert client.get_run(study_id).data.tags["outcome"] == "interrupted"
    assert seen() == []


def test_a_study_of_another_machine_may_still_be_run(client, healthy, study_id, seen):
    client.update_run(study_id, status="RUNNING")
    client.set_tag(study_id, "record", "elsewhere:/somewhere")
    shutil.rmtree(healthy.folder)
    assert seen() == [("study", "is RUNNING, but its record is not here (elsewhere:/somewhere)")]
    (patient,) = with_records(client, [study_id], Path("nowhere"))
    assert patient.record_is_elsewhere


def test_trials_of_a_study_that_is_not_shown_are_found(client, healthy, study_id):
    experiment_id = client.get_run(study_id).info.experiment_id
    assert find_orphans(client, [experiment_id]) == []
    client.delete_run(study_id)
    found = find_orphans(client, [experiment_id])
    assert [finding.what for finding in found] == ["is a trial of a study that is deleted"] * 2
