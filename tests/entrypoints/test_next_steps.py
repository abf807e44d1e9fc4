"""Claims about the commands suggested after a study: with all they need, and none below `main`."""

import pytest
from stand_ins import parsed

from entrypoints import bohb, train
from hypertuning.environment import PARENT_RUN
from hypertuning.stages.console.next_steps import how_to_go_on, next_steps
from hypertuning.stages.grid import Grid
from hypertuning.stages.study.planning import no_estimate


@pytest.fixture(autouse=True)
def shell(monkeypatch):
    for name in ("MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_ID", PARENT_RUN):
        monkeypatch.delenv(name, raising=False)


def lines_of(stage, *words):
    """The last lines of a study, by the words before the colon."""
    context = stage.main.make_context(stage.__name__.split(".")[-1], list(words))
    name, options = context.info_name, stage.main.options(context)
    steps = next_steps(name, "0a1b", options)
    lines = [*steps, how_to_go_on(name, "0a1b", options), no_estimate(options).words]
    found = (line.rpartition(": ") for line in lines)
    return {what: parsed(command) for what, _, command in found}


def test_a_search_leads_to_training_registering_and_a_report():
    printed = lines_of(bohb)
    stages = [stage for stage, _ in printed.values()]
    assert stages == ["train", "register", "report", "bohb", "download"]
    of_study = [params.get("config") or params.get("source") for _, params in printed.values()]
    assert of_study[:2] == ["0a1b", "0a1b"]


def test_training_leads_to_no_training():
    assert [stage for stage, _ in lines_of(train).values()] == [
        "register", "report", "train", "download",
    ]  # fmt: skip


def test_the_next_stage_finds_the_images_the_record_and_the_hardware_of_this_one(tmp_path):
    given = {
        "data_dir": tmp_path / "my data",
        "storage_path": tmp_path / "it's here",
        "ray_address": "auto",
        "cpus_per_trial": 2,
        "gpus_per_trial": 0.5,
    }
    words = [f"--{name}={value}" for name, value in given.items()]
    printed = lines_of(bohb, *words)
    for what in ("train the best longer", "register the best"):
        _, params = printed[what]
        assert {name: params[name] for name in given} == given
    *_, (_, resumed), (_, download) = printed.values()
    assert (resumed["resume"], resumed["storage_path"]) == ("0a1b", given["storage_path"])
    assert download["data_dir"] == given["data_dir"]


def test_below_main_no_study_says_how_to_go_on(monkeypatch):
    monkeypatch.setenv(PARENT_RUN, "0" * 32)
    assert "To go on" not in how_to_go_on("grid", "0a1b", Grid())
    assert not next_steps("grid", "study", Grid())
