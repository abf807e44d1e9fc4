"""Claims about MLproject: its parameters are exactly the options of the commands."""

import importlib
import re
from pathlib import Path

import pytest
import yaml

from hypertuning.stages import generate

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
    text = (ROOT / "README.md").read_text()
    assert text == generate.readme(text), "type `make mlproject`"
    assert "| `num_samples` | `51` |" in text


@pytest.mark.parametrize("name", ENTRY_POINTS)
def test_no_default_is_empty(name):
    """MLflow stores an empty parameter as '', and such a parameter cannot be changed."""
    assert all(str(given["default"]) for given in ENTRY_POINTS[name]["parameters"].values())
