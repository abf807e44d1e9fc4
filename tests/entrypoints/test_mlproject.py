"""Claims about MLproject: its parameters are exactly the options of the commands."""

import importlib
import re
from pathlib import Path

import pytest
import yaml

from hypertuning.config import Config
from hypertuning.stages import generate, hyperparameters
from hypertuning.stages.table import STAGES

ROOT = Path(__file__).parents[2]
ENTRY_POINTS = yaml.safe_load((ROOT / "MLproject").read_text())["entry_points"]


def as_text(default: object) -> str:
    """A default as MLflow passes it to the command."""
    if isinstance(default, Path):
        return str(default)
    return str(default).lower() if isinstance(default, bool) else str(default)


@pytest.mark.parametrize("name", ENTRY_POINTS)
def test_parameters_are_the_commands_options_with_the_same_defaults(name):
    command = importlib.import_module(f"entrypoints.{name}").main
    declared = {
        parameter: str(given["default"])
        for parameter, given in ENTRY_POINTS[name]["parameters"].items()
    }
    assert declared == {option.name: as_text(option.default) for option in command.params}


@pytest.mark.parametrize("name", ENTRY_POINTS)
def test_every_parameter_reaches_its_option(name):
    command = ENTRY_POINTS[name]["command"]
    assert f"python -m entrypoints.{name} " in command
    passed = re.findall(r"--([a-z-]+) \{([a-z_]+)\}", command)
    assert {parameter for _, parameter in passed} == set(ENTRY_POINTS[name]["parameters"])
    assert all(option.replace("-", "_") == parameter for option, parameter in passed)


@pytest.mark.parametrize("name", ENTRY_POINTS)
def test_both_spellings_of_an_option_are_understood(name):
    command = importlib.import_module(f"entrypoints.{name}").main
    for option in command.params:
        assert {f"--{option.name}", f"--{option.name.replace('_', '-')}"} <= set(option.opts)


def test_what_is_generated_is_what_the_options_say():
    assert (ROOT / "MLproject").read_text() == generate.mlproject(), "type `make mlproject`"
    found = {file.name: file.read_text() for file in (ROOT / "entrypoints").glob("*.py")}
    assert found == generate.entry_points()
    for name in generate.PAGES:
        text = (ROOT / name).read_text()
        assert text == generate.page(text), "type `make mlproject`"
    assert "| `num_samples` | `51` |" in text
    for stage, options in ((name, stage.options) for name, stage in STAGES.items()):
        assert f"`{stage}`" in text
        assert all(f"| `{option}` |" in text for option in options.names())
    written = (ROOT / "docs" / "hyperparameters.md").read_text()
    assert written == hyperparameters.page(), "type `make mlproject`"


@pytest.mark.parametrize("name", Config.model_fields)
def test_the_page_of_hyperparameters_has_each_with_its_meaning(name):
    (row,) = [
        line for line in hyperparameters.page().splitlines() if line.startswith(f"| `{name}`")
    ]
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert len(cells) == 7 and cells[1] and len(cells[-1].split()) > 2


def test_the_page_of_hyperparameters_says_where_a_parameter_acts_and_is_searched():
    rows = {
        line.split("`")[1]: line
        for line in hyperparameters.page().splitlines()
        if "|" in line and "`" in line
    }
    assert "number from 0, below 1 | `optimizer` `sgd` or `muon` |" in rows["momentum"]
    assert "`hyperband`: 100–200" in rows["filters"]
    assert "| `0.1` | `0.4` |" in rows["norm_momentum"], "its default, and the recipe's"


@pytest.mark.parametrize("name", ENTRY_POINTS)
def test_no_default_is_empty(name):
    """MLflow stores an empty parameter as '', and such a parameter cannot be changed."""
    assert all(str(given["default"]) for given in ENTRY_POINTS[name]["parameters"].values())
