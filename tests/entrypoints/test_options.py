"""Claims about options: paths as users type them, numbers with an end."""

import importlib
import os
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from hypertuning.stages.options import (
    FILE,
    FOLDER,
    PATH_OR_NAME,
    Number,
    StageCommand,
    UserPath,
    option,
)

COMMANDS = [
    "bohb", "compare", "doctor", "download", "grid", "hyperband", "main", "predict", "register",
    "report", "rollback", "sync", "train",
]  # fmt: skip
PATHS = {
    "config", "data_dir", "dataset", "images", "model_uri", "out", "points", "space",
    "storage_path",
}  # fmt: skip


def all_options():
    for name in COMMANDS:
        for each in importlib.import_module(f"entrypoints.{name}").main.params:
            yield name, each


def test_every_command_is_looked_at():
    files = Path(importlib.import_module("entrypoints.main").__file__).parent.glob("*.py")
    assert {f.stem for f in files if "@click.command" in f.read_text()} == set(COMMANDS)


def test_every_option_that_can_be_a_path_expands_the_home_folder():
    found = set()
    for command, each in all_options():
        assert (each.name in PATHS) == isinstance(each.type, UserPath), (command, each.name)
        assert isinstance(each.type, UserPath) or not isinstance(each.type, click.Path | click.File)
        found |= {each.name} & PATHS
    assert found == PATHS


def test_every_number_has_an_end():
    for command, each in all_options():
        if isinstance(each.type, click.types.FloatParamType | click.FloatRange):
            assert isinstance(each.type, Number), (command, each.name)


def typed(type, value):
    """What an option of a type makes of a value, or the one line with which it is refused."""

    @click.command(cls=StageCommand)
    @option("given", "none", type)
    def main(given):
        click.echo(f"{given.__class__.__name__} {given}")

    result = CliRunner().invoke(main, ["--given", value])
    return result.stdout.strip() or result.stderr.strip()


@pytest.mark.parametrize(
    ("type", "value", "expected"),
    [
        (FOLDER, "~/data", "PosixPath {home}/data"),
        (FOLDER, "~", "PosixPath {home}"),
        (FOLDER, "data", "PosixPath {here}/data"),
        (FOLDER, "$HOME/data", "PosixPath {here}/$HOME/data"),
        (FOLDER, "./~data", "PosixPath {here}/~data"),
        (FILE, "~/out.csv", "PosixPath {home}/out.csv"),
        (FILE, "out.csv", "PosixPath out.csv"),
        (PATH_OR_NAME, "~/images", "str {home}/images"),
        (PATH_OR_NAME, "cifar10", "str cifar10"),
        (PATH_OR_NAME, "models:/digits@champion", "str models:/digits@champion"),
        (PATH_OR_NAME, "none", "str none"),
    ],
)
def test_a_path_is_what_a_shell_would_make_of_it(tmp_path, monkeypatch, type, value, expected):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/someone")
    here = os.path.realpath(tmp_path)
    assert typed(type, value) == expected.format(home="/home/someone", here=here)


@pytest.mark.parametrize("type", [FOLDER, FILE, PATH_OR_NAME])
@pytest.mark.parametrize(
    ("value", "message"),
    [("", "a path must not be empty"), ("~nobody-here/x", "'~nobody-here/x': there is no such us")],
)
def test_what_is_no_path_is_refused(tmp_path, monkeypatch, type, value, message):
    monkeypatch.chdir(tmp_path)
    assert message in typed(type, value)
    assert typed(type, value).startswith("error: Invalid value for '--given'")


@pytest.mark.parametrize("value", ["nan", "inf", "1e400"])
def test_a_number_without_an_end_is_refused(value):
    assert typed(Number(0), value).endswith(f"{value} is not a finite number")
    assert typed(Number(0), "0.25") == "float 0.25"
