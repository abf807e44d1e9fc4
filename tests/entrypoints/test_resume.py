"""Claims about the option `resume`: which study goes on, and with which options."""

import json
import shutil

import pytest
from mlflow import MlflowClient

from entrypoints import bohb, compare, grid
from hypertuning.config import UserError
from hypertuning.stages.study.resume import find_resumed

IMAGES = {"name": "digits", "digest": "0123456789abcdef", "classes": ["0"], "train": 9, "val": 1}


@pytest.fixture(scope="module")
def client(tmp_path_factory, empty_store):
    store = shutil.copy(empty_store, tmp_path_factory.mktemp("store"))
    client = MlflowClient(f"sqlite:///{store}")
    client.create_experiment("tests")
    return client


@pytest.fixture
def study(client, tmp_path, monkeypatch):
    """A study of stage bohb with 20 samples and one trial at once."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "tests")
    for name in ("MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_ID"):
        monkeypatch.delenv(name, raising=False)
    experiment_id = client.get_experiment_by_name("tests").experiment_id
    run = client.create_run(experiment_id, tags={"stage": "bohb"})
    given = options(bohb, "--num-samples=20", "--concurrency=1", "--dataset=digits")
    folder = tmp_path / "ray_results" / run.info.run_id
    folder.mkdir(parents=True)
    study = {
        "stage": "bohb",
        "max_epochs": 9,
        "parameters": given.parameters(),
        "dataset": IMAGES,
        "warm_start": {"studies": ["a"], "results": [[{"f": 1}, 3, 0.5]], "placed": 1,
                       "left_out": {}},
    }  # fmt: skip
    study["parameters"] |= {"data_dir": str(tmp_path / "data")}
    (folder / "study.json").write_text(json.dumps(study))
    return folder


def options(stage, *words):
    return stage.main.options(stage.main.make_context("stage", list(words)))


def resumed(client, *words, stage=bohb, name="bohb"):
    return find_resumed(client, name, options(stage, *words))


def refused(client, *words, **more):
    with pytest.raises(UserError) as refusal:
        resumed(client, *words, **more)
    assert "\n" not in str(refusal.value)
    return str(refusal.value)


@pytest.mark.parametrize("by", ["id", "last"])
def test_a_study_goes_on_with_what_it_was_started_with(client, study, by):
    earlier = resumed(client, f"--resume={study.name if by == 'id' else 'last'}")
    assert earlier.study_dir.path == study
    assert earlier.options.num_samples == 20
    assert earlier.options.concurrency == 1
    assert earlier.options.dataset == "digits"
    assert earlier.options.learning_rate == 0.001
    assert earlier.options.space is None


def test_it_may_get_more_samples_and_other_resources(client, study):
    more = ("--num-samples=60", "--concurrency=2", "--max-failures=3", "--verbose=true")
    found = resumed(client, f"--resume={study.name}", *more).options
    given = ("num_samples", "concurrency", "max_failures", "verbose")
    assert [getattr(found, name) for name in given] == [60, 2, 3, True]


@pytest.mark.parametrize(("recorded", "told"), [(20, True), (60, False)])
def test_under_mlflow_run_a_default_that_would_be_more_is_told_of(
    client, study, monkeypatch, recorded, told
):
    kept = json.loads((study / "study.json").read_text())
    kept["parameters"]["num_samples"] = str(recorded)
    (study / "study.json").write_text(json.dumps(kept))
    monkeypatch.setenv("MLFLOW_RUN_ID", "0" * 32)
    earlier = resumed(client, f"--resume={study.name}", "--num-samples=51")
    assert earlier.options.num_samples == recorded
    assert ("--num-samples 51" in " ".join(earlier.ignored)) == told


@pytest.mark.parametrize(
    ("word", "says"),
    [
        ("--max-epochs=27", "`max_epochs` (=27) contradicts study {id}, which has 9"),
        ("--seed=1", "`seed` (=1) contradicts study {id}, which has 0"),
        ("--dataset=cifar10", "`dataset` (=cifar10) contradicts study {id}, which has digits"),
        ("--num-samples=19", "`num_samples` (=19) must not be less than the 20 of study {id}"),
        ("--space=nowhere.yaml", "`space`: nowhere.yaml cannot be read"),
    ],
)
def test_what_contradicts_the_study_is_refused_by_name(client, study, word, says):
    assert says.format(id=study.name) in refused(client, f"--resume={study.name}", word)


def test_under_mlflow_run_a_parameter_at_its_default_is_taken_for_not_given(
    client, study, monkeypatch
):
    words = (f"--resume={study.name}", "--dataset=cifar10", "--num-samples=51")
    assert "`dataset` (=cifar10) contradicts" in refused(client, *words)
    monkeypatch.setenv("MLFLOW_RUN_ID", "launcher")
    assert resumed(client, *words).options.num_samples == 20
    assert "`seed` (=1) contradicts" in refused(client, *words, "--seed=1")


def test_files_are_those_that_the_record_keeps_until_others_are_given(client, study, tmp_path):
    mine, kept = tmp_path / "mine.yaml", study / "space.yaml"
    mine.write_text("{dropout: 0.1}")
    assert resumed(client, f"--resume={study.name}", f"--space={mine}").new_space == {
        "space": str(mine)
    }
    kept.write_text("{dropout: 0.1}")
    assert resumed(client, f"--resume={study.name}").options.space == str(kept)
    found = resumed(client, f"--resume={study.name}", f"--space={mine}")
    assert found.options.space == str(kept) and not found.files
    gone = resumed(client, f"--resume={study.name}", "--space=none")
    assert gone.options.space == str(kept) and gone.new_space == {"space": None}


def test_a_study_that_changed_its_space_goes_on_in_that_or_is_damaged(client, study):
    recorded = json.loads((study / "study.json").read_text()) | {"space_file": "space-002.yaml"}
    (study / "study.json").write_text(json.dumps(recorded))
    assert "space-002.yaml: it is missing" in refused(client, f"--resume={study.name}")
    (study / "space-002.yaml").write_text("{dropout: 0.1}")
    found = resumed(client, f"--resume={study.name}").options
    assert found.space == str(study / "space-002.yaml")
    (study / "space.yaml").write_text("{dropout: 0.2}")
    (study / "study.json").write_text(json.dumps(recorded | {"space_file": None}))
    assert resumed(client, f"--resume={study.name}").options.space is None


def test_a_study_that_tries_a_list_keeps_its_files(client, study, tmp_path):
    mine, kept = tmp_path / "mine.yaml", study / "space.yaml"
    mine.write_text("{filters: [8]}")
    recorded = json.loads((study / "study.json").read_text())
    given = options(grid, "--dataset=digits").parameters()
    (study / "study.json").write_text(json.dumps(recorded | {"parameters": given}))
    client.set_tag(study.name, "stage", "grid")
    words = (f"--resume={study.name}", f"--space={mine}")
    said = refused(client, *words, stage=grid, name="grid")
    assert said.startswith(f"`space` (={mine}) contradicts study {study.name}, which has none")
    kept.write_text("{filters: [8]}")
    assert resumed(client, *words, stage=grid, name="grid").options.space == str(kept)
    mine.write_text("{filters: [9]}")
    assert f"which has {kept}" in refused(client, *words, stage=grid, name="grid")


def test_it_has_learnt_what_it_had_learnt_and_trains_on_the_same_images(client, study):
    earlier = resumed(client, f"--resume={study.name}")
    assert earlier.warm().start.results == (({"f": 1}, 3, 0.5),)
    earlier.check_images(IMAGES)
    with pytest.raises(UserError, match="can only go on with the images it had"):
        earlier.check_images({**IMAGES, "train": 8})


def test_a_record_that_is_gone_is_named_with_what_can_still_be_done(client, study):
    shutil.rmtree(study)
    said = refused(client, f"--resume={study.name}")
    assert f"the record of study {study.name} is not in {study.parent}" in said
    assert "`storage_path`" in said and f"warm_start={study.name}" in said


def test_a_record_is_found_where_it_was_written(client, study, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    study.parent.rename(elsewhere)
    assert "is not in" in refused(client, f"--resume={study.name}")
    found = resumed(client, f"--resume={study.name}", f"--storage-path={elsewhere}")
    assert found.options.storage_path == elsewhere


def test_runs_that_are_no_study_of_the_stage_are_refused(client, study):
    said = refused(client, f"--resume={study.name}", stage=compare, name="compare")
    assert said.endswith("is of stage bohb, not of compare")
    assert "has no such run" in refused(client, "--resume=nonsense")
    experiment_id = client.get_run(study.name).info.experiment_id
    tags = {"trial_id": "t0000", "mlflow.parentRunId": study.name}
    trial = client.create_run(experiment_id, tags=tags).info.run_id
    assert f"is part of study {study.name}; resume that" in refused(client, f"--resume={trial}")
    client.delete_run(study.name)
    assert "was deleted" in refused(client, f"--resume={study.name}")


def test_there_is_no_last_study_where_there_is_none(client, study, monkeypatch):
    said = refused(client, "--resume=last", stage=compare, name="compare")
    assert "holds no study of stage compare" in said
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "not there")
    assert "there is no experiment not there" in refused(client, "--resume=last")
    assert client.get_experiment_by_name("not there") is None, "and none is made"
