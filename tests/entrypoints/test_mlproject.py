"""Claims about MLproject: it offers exactly what the commands understand."""

import importlib
import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
ENTRY_POINTS = yaml.safe_load((ROOT / "MLproject").read_text())["entry_points"]


def as_text(default: object) -> str:
    """A default as MLflow passes it on."""
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


def test_there_is_an_entry_point_for_every_command():
    commands = {
        file.stem
        for file in (ROOT / "entrypoints").glob("*.py")
        if "click.command" in file.read_text()
    }
    assert commands == set(ENTRY_POINTS)


@pytest.mark.parametrize("name", ENTRY_POINTS)
def test_no_default_is_empty(name):
    """MLflow stores an empty parameter as '' and never lets it be changed."""
    assert all(str(given["default"]) for given in ENTRY_POINTS[name]["parameters"].values())
