"""Claims about the commands `sync` and `doctor`, on records and stores that disagree."""

import json
import shutil
import socket

import pytest
from records import Record
from stores import dump, new_study, track

from hypertuning.config import UserError
from hypertuning.record.locks import only_driver
from hypertuning.stages.repair import Doctor, Sync, run
from hypertuning.tracking.artifacts import stored_files


def killed_study(client, storage) -> Record:
    """A study whose driver died before anything of it was mirrored."""
    study_id = new_study(client)
    record = Record(storage / study_id)
    study = json.loads((record.folder / "study.json").read_text())
    (record.folder / "study.json").write_text(
        json.dumps({**study, "tracking_uri": client.tracking_uri})
    )
    client.set_tag(study_id, "record", f"{socket.gethostname()}:{record.folder}")
    record.epochs(record.job(0, until=9), range(1, 10))
    record.epochs(record.job(1, until=3), [1, 2])
    return record


@pytest.fixture
def storage(tmp_path):
    return tmp_path / "ray_results"


@pytest.fixture
def killed(client, storage) -> Record:
    return killed_study(client, storage)


def sync(study, storage, patience_s=0) -> None:
    run.run_sync(Sync(study=study, storage_path=storage, sync_timeout_s=patience_s))


def doctor(study, storage, fix) -> int:
    """The status of the command."""
    options = Doctor(study=study, storage_path=storage, fix=fix, sync_timeout_s=0)
    return run.run_doctor(options).status


def outcomes(client, study_id: str) -> dict[str, tuple[str, str]]:
    experiment_id = client.get_run(study_id).info.experiment_id
    found = client.search_runs([experiment_id], f"tags.`mlflow.parentRunId` = '{study_id}'")
    runs = [*found, client.get_run(study_id)]
    return {
        run.data.tags.get("trial_id", "study"): (run.data.tags["outcome"], run.info.status)
        for run in runs
    }


def test_sync_delivers_and_closes_a_study_and_twice_changes_nothing(
    client, storage, killed, store, capsys
):
    sync("all", storage)
    said = f"study {killed.folder.name} (hyperband): interrupted, 2 trials, 11 epochs, all of it"
    assert said in capsys.readouterr().out
    assert outcomes(client, killed.folder.name) == {
        "t0000": ("completed", "FINISHED"),
        "t0001": ("interrupted", "KILLED"),
        "study": ("interrupted", "KILLED"),
    }
    assert client.get_run(killed.folder.name).data.tags["epochs"] == "11"
    before = dump(store)
    sync("all", storage)
    assert dump(store) == before


def test_a_study_that_an_earlier_version_closed_gets_its_files_and_no_other_end(
    client, storage, killed
):
    sync("all", storage)
    study_id = killed.folder.name
    client.set_tag(study_id, "mlflow.note.content", "what was found")
    shutil.rmtree(killed.folder / "artifacts")  # it kept none
    before = client.get_run(study_id)
    sync("all", storage)
    after = client.get_run(study_id)
    assert (after.info.end_time, after.data.tags) == (before.info.end_time, before.data.tags)
    assert (killed.folder / "artifacts" / study_id / "plan.json").exists()


def test_sync_goes_to_the_store_that_the_record_names_unless_the_shell_names_one(
    client, storage, killed, new_store, monkeypatch
):
    track(monkeypatch, None)
    sync(killed.folder.name, storage)
    assert outcomes(client, killed.folder.name)["study"] == ("interrupted", "KILLED")
    _, other = new_store()
    with pytest.raises(UserError, match=f"is not in the tracking store {other.tracking_uri}"):
        sync(killed.folder.name, storage)


def test_a_study_that_cannot_be_delivered_does_not_hold_up_the_others(client, storage, capsys):
    deleted, damaged, last = sorted(
        (killed_study(client, storage) for _ in range(3)), key=lambda record: record.folder.name
    )
    client.delete_run(deleted.folder.name)
    line = damaged.folder / "part-001/t0001-e003/result.json"
    line.write_text("[]\n" + line.read_text())
    before = {file: file.read_bytes() for file in damaged.folder.rglob("*.*") if file.is_file()}
    with pytest.raises(UserError) as refusal:
        sync("all", storage)
    said = str(refusal.value).splitlines()
    assert f"study {deleted.folder.name} was deleted; to bring it back: " in said[0]
    assert said[0].endswith(f"mlflow runs restore --run-id {deleted.folder.name}")
    assert said[1].startswith(
        f"study {damaged.folder.name}: this study's record is damaged: {line}, line 1: "
    )
    assert len(said) == 2
    assert outcomes(client, last.folder.name)["study"] == ("interrupted", "KILLED")

    capsys.readouterr()
    (storage / "unknown").mkdir()
    (storage / "unknown/study.json").write_text("{")
    assert doctor("all", storage, fix=True) == 1
    said = capsys.readouterr().out
    assert f"study {damaged.folder.name}: record: this study's record is damaged: {line}" in said
    assert f"study unknown: record: this study's record is damaged: {storage}/unknown" in said
    assert said.count("damaged") == 2 and last.folder.name not in said
    assert client.get_run(damaged.folder.name).info.status == "RUNNING", "it stays as it is"
    assert before == {file: file.read_bytes() for file in before}, "and its record too"


def test_what_the_doctor_cannot_mend_is_a_finding_too(client, storage, killed, capsys):
    sync("all", storage)
    client.delete_run(killed.folder.name)
    capsys.readouterr()
    assert doctor("all", storage, fix=False) == 1
    said = capsys.readouterr().out
    assert said.count("is a trial of a study that is deleted") == 2
    assert "all is well" not in said and "to mend" not in said


def test_the_doctor_says_of_how_many_studies_there_is_no_record(client, storage, killed, capsys):
    sync("all", storage)
    shutil.rmtree(killed.folder)
    capsys.readouterr()
    assert doctor("all", storage, fix=False) == 0
    said = capsys.readouterr().out.strip()
    assert said.endswith(": all is well; 1 could not be compared and cannot go on: no record here")


def test_the_doctor_offers_no_mending_of_a_damaged_record(client, storage, killed, capsys):
    (killed.folder / "study.json").write_text("{")
    for fix in (False, True):
        assert doctor("all", storage, fix) == 1
        said = capsys.readouterr().out
        assert said.count("is damaged") == 1 and "to mend" not in said


def test_sync_leaves_a_study_that_is_running_to_its_driver(client, storage, killed, capsys):
    with only_driver(killed.folder):
        sync("all", storage)
    assert "it is running, and delivers what it measures itself" in capsys.readouterr().out
    assert client.get_run(killed.folder.name).info.status == "RUNNING"


def test_sync_says_where_it_looked_for_records(storage):
    with pytest.raises(UserError, match=f"no record of study abc in {storage}"):
        sync("abc", storage)


def test_the_doctor_says_what_is_wrong_and_mends_it_if_asked_to(client, storage, killed, capsys):
    study_id = killed.folder.name
    assert doctor("all", storage, fix=False) == 1
    said = capsys.readouterr().out
    assert f"study {study_id}: study is RUNNING, but its driver is gone" in said
    assert f"study {study_id}: t0000 has no run" in said
    assert f"study {study_id}: t0001 lacks epochs 1, 2 of its record" in said
    assert "to mend what can be mended: " in said and "--fix true" in said
    assert client.get_run(study_id).info.status == "RUNNING", "it has only looked"

    doctor("all", storage, fix=True)
    assert "all is well" in capsys.readouterr().out
    doctor(study_id, storage, fix=False)
    assert outcomes(client, study_id)["study"] == ("interrupted", "KILLED")


def test_the_doctor_names_records_and_trials_without_a_study(client, storage, killed, capsys):
    sync("all", storage)
    client.delete_run(killed.folder.name)
    capsys.readouterr()
    doctor("all", storage, fix=False)
    said = capsys.readouterr().out
    assert said.count("is a trial of a study that is deleted") == 2
    assert f"has a record in {killed.folder}, but no run here" in said


def test_the_doctor_makes_no_store_where_there_is_none(tmp_path, storage, monkeypatch):
    track(monkeypatch, f"sqlite:///{tmp_path}/nowhere.db")
    with pytest.raises(UserError, match="there is no tracking store"):
        doctor("all", storage, fix=True)
    assert not (tmp_path / "nowhere.db").exists()


def in_place(client, place: object) -> None:
    """Let the next study keep its artifacts in a place."""
    client.rename_experiment(client.get_experiment_by_name("tests").experiment_id, "others")
    client.create_experiment("tests", artifact_location=str(place))


def test_files_that_could_not_be_stored_are_sent_by_a_later_sync_and_lost_ones_again(
    client, storage, tmp_path, capsys
):
    place = tmp_path / "artifacts"
    place.touch()  # a file in the way, until it is mended
    in_place(client, place)
    study_id = killed_study(client, storage).folder.name
    with pytest.raises(UserError, match=r"files of run .*; after that, deliver that by: .*python"):
        sync("all", storage)
    assert outcomes(client, study_id)["study"] == ("interrupted", "KILLED"), "numbers do not wait"
    assert doctor("all", storage, fix=False) == 1
    said = capsys.readouterr()
    assert "study lacks plan.json" in said.out
    assert "t0000 lacks overfitting.png" in said.out
    assert "Traceback" not in said.out + said.err

    place.unlink()
    sync("all", storage)
    sent = stored_files(client, study_id)
    assert {"plan.json", "best.yaml", "tables/trials.csv"} < sent.keys()
    doctor("all", storage, fix=False)

    lost = [*place.rglob("overfitting.png"), *place.rglob("plan.json")]
    assert len(lost) == 4, "of two trials, and figure and plan of the study"
    for file in lost:
        file.unlink()
    assert doctor("all", storage, fix=False) == 1
    doctor("all", storage, fix=True)
    assert capsys.readouterr().out.count("lacks ") == 2 * len(lost), "each by both of them"
    assert stored_files(client, study_id) == sent
    assert all(file.exists() for file in lost)


def test_files_for_a_store_without_its_library_are_no_well_study(client, storage, capsys):
    in_place(client, "s3://bucket/x")
    killed_study(client, storage)
    with pytest.raises(UserError, match=r"No module named 'boto3'; pip install boto3, or start"):
        sync("all", storage, patience_s=1e9)
    assert doctor("all", storage, fix=False) == 1
    said = capsys.readouterr()
    assert "cannot be looked up in s3://bucket/x/" in said.out
    assert "Traceback" not in said.out + said.err
