"""Claims about what a dry run prints: of a space, of a list, and of all stages of main."""

import math
import re
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from rich.console import Console

from entrypoints import bohb, main
from hypertuning.config import Config
from hypertuning.spaces import BOHB, Choice
from hypertuning.stages.study.dry_run import Range, fixed, lists, ranges, same, show_lists
from hypertuning.stages.study.planning import Estimate


def test_every_range_has_its_scale_and_its_condition():
    space = {**BOHB, "seed": 0}
    rows = {row.parameter: row for row in ranges(space)}
    assert list(rows) == list(BOHB)
    assert rows["learning_rate"] == Range("learning_rate", "0.0001 to 0.03", "logarithmic", "")
    assert rows["dropout"] == Range("dropout", "0 to 0.5", "linear", "")
    assert rows["batch_size"] == Range("batch_size", "64, 128, 256", "choice", "")
    assert rows["momentum"].condition == "optimizer is sgd"
    assert fixed(space) == {"seed": 0}


def test_what_is_expected_is_told_where_something_is(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    space = {
        "dropout": {"low": 0.0, "high": 0.5, "prior": 0.1},
        "batch_size": {"values": [64, 128], "prior": 128},
    }
    Path("space.yaml").write_text(yaml.safe_dump(space))

    def printed(*more: str) -> str:
        words = ["--dry-run", "true", "--family", "plain", "--space", "space.yaml", *more]
        result = CliRunner().invoke(bohb.main, words, env={"COLUMNS": "200"})
        assert result.exit_code == 0, result.output + result.stderr
        return result.output

    told = printed()
    assert "near what is expected to be best, as far as results confirm it: " in told
    assert "batch_size 128; `priors=false` turns this off" in " ".join(told.split())
    assert re.search(r"parameter .*only if .*expected", told)
    assert re.search(r"dropout .*0 to 0\.5 .*linear .*0\.1", told)
    assert "expected" not in printed("--priors", "false")


def test_a_list_is_the_values_that_differ_and_those_that_do_not():
    configs = [Config(model="nn"), Config(filters=32), Config(filters=64)]
    assert lists(configs) == {"model": ["nn", "cnn"], "filters": [32, 64]} | {
        name: [value]
        for name, value in Config().hyperparameters().items()
        if name not in Config(model="nn").hyperparameters() and name != "filters"
    }
    assert "model" not in same(configs) and same(configs)["learning_rate"] == 0.001


def test_one_configuration_has_no_empty_table_of_what_differs():
    console = Console(record=True, width=200)
    show_lists(console, [Config(filters=32)])
    told = console.export_text()
    assert "what is tried" not in told and "parameter" not in told
    assert "tried: model cnn" in told and "filters 32" in told


def test_of_one_configuration_nothing_differs():
    assert lists([Config()]) == {}
    assert same([Config()]) == Config().hyperparameters()


def test_a_condition_that_follows_from_the_network_is_shown_too():
    space = {"model": Choice(("nn", "cnn")), "kernel_size": Choice((2, 3))}
    assert [found.condition for found in ranges(space)] == ["", "model is cnn"]


def test_an_estimate_that_is_not_known_makes_no_sum():
    assert math.isnan(Estimate("none").seconds + 3)


def test_main_shows_the_plan_of_every_stage_and_starts_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(main.main, ["--dry-run", "true"])
    assert result.exit_code == 0, result.output + result.stderr
    titles = re.findall(
        r"^ *(\w+): (\d+) trials, (?:at least )?(\d+) epochs", result.output, re.MULTILINE
    )
    assert titles == [
        ("compare", "3", "9"), ("grid", "36", "36"), ("hyperband", "18", "42"),
        ("bohb", "17", "57"), ("register", "4", "36"),
    ]  # fmt: skip
    assert result.output.strip().splitlines()[-1].startswith("all stages: estimate: none before")
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_main_sums_up_the_time_where_there_are_images(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = ["--dry-run=true", "--dataset=digits", "--train-size=100", "--val-size=50"]
    result = CliRunner().invoke(main.main, words)
    assert result.exit_code == 0, result.output + result.stderr
    assert re.search(r"all stages: at least \d+:\d\d:\d\d of training", result.output)
    assert [path.name for path in tmp_path.iterdir()] == ["data"]
