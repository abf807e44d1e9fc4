"""Claims about the stages as functions of Python: same options, results returned, errors raised."""

import inspect
import logging
import os
import signal
import subprocess
import sys
from pathlib import Path

import mlflow
import numpy as np
import pytest
import yaml

import hypertuning
from hypertuning.config import Config
from hypertuning.stages.done import Done
from hypertuning.stages.table import STAGES

SMALL = {"dataset": "digits", "train_size": 80, "val_size": 40}
NETWORK = {"model": "cnn", "filters": [4, 8], "hidden_size": 16, "optimizer": "adamw"}


@pytest.mark.parametrize("name", [*sorted(set(STAGES) - {"report"}), "write_report"])
def test_a_stage_is_a_function_with_the_options_of_its_command(name):
    function, stage = getattr(hypertuning, name), STAGES[name.removeprefix("write_")]
    parameters = inspect.signature(function).parameters
    assert list(parameters) == stage.options.names()
    fields = stage.options.model_fields
    assert {n: p.default for n, p in parameters.items()} == {
        n: field.default for n, field in fields.items()
    }
    assert all(f"{n}: {field.description}" in function.__doc__ for n, field in fields.items())
    assert name in dir(hypertuning)


@pytest.mark.parametrize(
    ("stage", "options", "message"),
    [
        ("bohb", {"num_samples": 0}, "`num_samples` must be greater than or equal to 1, got 0"),
        (
            "bohb",
            {"reduction_factor": 1},
            "`reduction_factor` must be greater than or equal to 2",
        ),
        ("bohb", {"samples": 3}, "`samples` is not a parameter; there are num_samples, min_ep"),
        ("bohb", {"dataset": "nowhere"}, "`dataset` must be 'cifar10', 'digits' or a folder with"),
        ("bohb", {**SMALL, "space": {"filter": [4]}}, "`filter` is not a hyperparameter; there"),
        ("bohb", {**SMALL, "points": [{"filters": 0}]}, "`filters` must be greater than or equal"),
        ("grid", {"augment": "flip"}, "`augment` must be 'none' or 'crop_flip', got 'flip'"),
        ("train", {**SMALL, "config": {"model": "vit"}}, "`model` must be 'nn', 'resnn' or 'cnn'"),
        ("train", SMALL, "`config` must be a YAML file, the run id of a trial or study, or a"),
        ("predict", {"images": "nowhere.png"}, "`images` must be a picture or a folder of some"),
        ("bohb", {"resume": ""}, "`resume`: it is empty; leave it out if nothing is meant"),
        ("bohb", {**SMALL, "space": {"filters": object()}}, "`space` must be plain data, got {"),
        ("train", {"config": {}, "resume": "last"}, "`config` is kept with the study; leave it o"),
        ("open_study", {"study": "last"}, "`stage` must be one of compare, grid, hyperband, bohb"),
    ],
)
def test_a_mistake_is_raised_in_one_line_and_nothing_is_made(here, capsys, stage, options, message):
    with pytest.raises(hypertuning.UserError) as refused:
        getattr(hypertuning, stage)(**options)
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)
    assert os.listdir(here) == []
    assert capsys.readouterr().err == ""


def test_what_there_is_not_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'hyperbandit'"):
        hypertuning.hyperbandit  # noqa: B018


def test_importing_the_package_imports_nothing_else():
    code = "import hypertuning, sys; print(len(sys.modules), 'pydantic' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.split()[1] == "False"


def test_a_process_is_given_back_as_it_was(here):
    with pytest.MonkeyPatch.context() as patch:
        handled = []
        patch.setattr("hypertuning.stages.table.Stage.run", lambda *_: _change_all(handled))
        before = dict(os.environ), mlflow.is_tracking_uri_set(), signal.getsignal(signal.SIGTERM)
        assert hypertuning.rollback() == "done"
        now = dict(os.environ), mlflow.is_tracking_uri_set(), signal.getsignal(signal.SIGTERM)
    assert now == before
    assert handled[0] not in logging.getLogger("hypertuning").handlers


def _change_all(handled):
    os.environ["RAY_SOMETHING"] = "1"
    mlflow.set_tracking_uri("sqlite:///other.db")
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    handled.append(logging.NullHandler())
    logging.getLogger("hypertuning").handlers = handled
    return Done("done")


def test_what_a_command_has_said_is_raised_in_python(monkeypatch):
    monkeypatch.setattr("hypertuning.stages.table.Stage.run", lambda *_: Done("0a1b", 1, "grid no"))
    with pytest.raises(hypertuning.UserError, match="grid no"):
        hypertuning.main()


@pytest.mark.parametrize("data", [{"filters": 4}, Config(filters=4), {"filters": np.int64(4)}])
def test_data_in_place_of_a_file_mean_the_same(monkeypatch, data):
    read = []
    monkeypatch.setattr(
        "hypertuning.stages.table.Stage.run",
        lambda _, options: read.append(yaml.safe_load(Path(options.config).read_text())) or Done(),
    )
    hypertuning.train(config=data)
    assert read[0]["filters"] == 4 and Config(**read[0]) == Config(filters=4)


@pytest.mark.slow
def test_a_study_from_its_first_trial_to_a_registered_model(here, capsys):
    asked = {**SMALL, "max_epochs": 2, "space": NETWORK}
    study = hypertuning.bohb(num_samples=3, **asked, points=[{"filters": 4}])
    assert (study.stage, study.outcome, len(study.trials)) == ("bohb", "completed", 3)
    assert study.best.optimizer == "adamw" and study.best.filters in (4, 8)
    assert study.trials["best_val_loss"].min() == study.curves["val_loss"].min()
    assert study.figure("anytime")._repr_png_()
    with pytest.raises(hypertuning.UserError, match=r"`name` must be one of .*anytime"):
        study.figure("anything")
    assert hypertuning.open_study("last", stage="bohb") == study

    wider, points = {**NETWORK, "filters": [4, 8, 12]}, [{"filters": 12}, {"filters": 4}]
    grown = hypertuning.bohb(resume="last", num_samples=5, space=wider, points=points)
    assert (grown.id, len(grown.trials)) == (study.id, 5)
    assert grown.trials["filters"].iloc[3] == 12, "the point that is new is the next trial"
    assert grown.trials["sampler"].tolist()[3:] == ["point", "random"]
    assert hypertuning.bohb(**asked, dry_run=True) is None

    version = hypertuning.register(source=study.id, top_k=1, repeats=1)
    assert version.model_uri == "models:/digits-cnn/1"
    assert mlflow.pyfunc.load_model(version.model_uri)
    report = hypertuning.write_report()
    assert report.name == "report.html" and report.exists()
    assert "python -m entrypoints.train --config" in capsys.readouterr().out
