"""Claims about the store of artifacts: tried before anything starts, and told of in one line."""

import time
from pathlib import Path

import pytest

from hypertuning.config import UserError
from hypertuning.record.layout import StudyDir
from hypertuning.tracking.artifacts import (
    check_artifact_store,
    missing_files,
    send,
    send_what_is_missing,
    stored_files,
)
from hypertuning.tracking.store import NotStored, insist


def experiment_in(client, place: object) -> str:
    return client.create_experiment(f"in {place}", artifact_location=str(place))


def refused(client, place: object) -> str:
    with pytest.raises(UserError) as refusal:
        check_artifact_store(client, experiment_in(client, place))
    assert "\n" not in str(refusal.value)
    return str(refusal.value)


def test_a_folder_is_tried_at_once_and_nothing_stays_in_it(client, tmp_path):
    place = tmp_path / "täst 100% c#"
    experiment_id = experiment_in(client, place)
    check_artifact_store(client, experiment_id)
    began = time.monotonic()
    check_artifact_store(client, experiment_id)
    assert time.monotonic() - began < 1
    assert not list(place.iterdir())


def test_a_store_that_needs_a_library_is_refused_with_the_name_of_its_package(client):
    said = refused(client, "s3://key:secret@bucket/x")
    assert "s3://bucket/x, which cannot be written: No module named 'boto3'" in said
    assert said.endswith("pip install boto3, or start MLflow's server with --serve-artifacts")
    assert "secret" not in said.partition("are in")[2]


def test_a_place_that_cannot_be_written_is_refused_with_the_reason(client, tmp_path):
    (tmp_path / "file").touch()
    said = refused(client, tmp_path / "file" / "x")
    assert "Not a directory" in said and "mend that, or start" in said
    assert "Could not find a registered artifact repository" in refused(client, "nowhere://x")
    assert "which MLflow takes for" in refused(client, tmp_path / "a%41b")


@pytest.fixture
def files(record, study_id) -> Path:
    """What the record keeps of the study's run."""
    folder = StudyDir(record.folder).artifacts_of(study_id)
    (folder / "figures").mkdir(parents=True)
    (folder / "plan.json").write_text("{}")
    (folder / "figures" / "a.png").write_text("a picture")
    return folder


def test_files_that_the_store_has_lost_or_has_half_are_found_and_sent_again(
    client, record, study_id, files
):
    send(client, study_id, files)
    assert stored_files(client, study_id) == {"plan.json": 2, "figures/a.png": 9}
    assert list(missing_files(client, record.folder)) == []
    stored = Path(client.get_run(study_id).info.artifact_uri)
    (stored / "plan.json").unlink()
    (stored / "figures" / "a.png").write_text("half")
    assert list(missing_files(client, record.folder)) == [
        (study_id, "has 4 of the 9 bytes of figures/a.png"),
        (study_id, "lacks plan.json"),
    ]
    send_what_is_missing(client, record.folder)
    assert list(missing_files(client, record.folder)) == []


def test_what_any_library_raises_at_that_door_is_one_kind_of_error(
    client, study_id, files, monkeypatch
):
    class Foreign(Exception):
        """As botocore and others have it."""

    def fail(*_):
        raise Foreign("no such bucket at https://u:secret@s3.example/bucket?sig=secret")

    for name in ("log_artifacts", "list_artifacts"):
        monkeypatch.setattr(client, name, fail)
    for act in (lambda: send(client, study_id, files), lambda: stored_files(client, study_id)):
        with pytest.raises(NotStored) as raised:
            act()
        assert "no such bucket at https://s3.example/bucket; mend that" in str(raised.value)


def test_a_library_that_is_missing_is_not_waited_for(client, study_id, files, monkeypatch):
    def fail(*_):
        raise ModuleNotFoundError("No module named 'boto3'")

    monkeypatch.setattr(client, "log_artifacts", fail)
    with pytest.raises(NotStored):
        insist(lambda: send(client, study_id, files), patience_s=1e9)
