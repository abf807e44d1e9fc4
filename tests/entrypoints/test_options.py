"""Claims about options: paths as users type them, finite numbers."""

import importlib
import os

import click
import pytest
from click.testing import CliRunner
from pydantic import create_model

from hypertuning.cli import Number, StageCommand, UserPath
from hypertuning.stages.bohb import Bohb
from hypertuning.stages.done import Done
from hypertuning.stages.kinds import Amount, Dataset, File, Folder, PathOrName
from hypertuning.stages.options import Options
from hypertuning.stages.study.resumed_options import merge
from hypertuning.stages.table import STAGES, Stage

PATHS = {
    "config", "data_dir", "dataset", "images", "model_uri", "out", "points", "space",
    "storage_path",
}  # fmt: skip


def all_options():
    for name in STAGES:
        for each in importlib.import_module(f"entrypoints.{name}").main.params:
            yield name, each


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
    """The value that an option of a type reads, or the error message if it refuses it."""

    class Echo(Stage):
        def run(self, options):
            click.echo(f"{options.given.__class__.__name__} {options.given}")
            return Done()

    options = create_model("Given", __base__=Options, given=(type, 1))
    result = CliRunner().invoke(StageCommand(Echo("echo", options, "", "")), ["--given", value])
    return result.stdout.strip() or result.stderr.strip()


@pytest.mark.parametrize(
    ("type", "value", "expected"),
    [
        (Folder, "~/data", "PosixPath {home}/data"),
        (Folder, "~", "PosixPath {home}"),
        (Folder, "data", "PosixPath {here}/data"),
        (Folder, "$HOME/data", "PosixPath {here}/$HOME/data"),
        (Folder, "./~data", "PosixPath {here}/~data"),
        (File, "~/out.csv", "PosixPath {home}/out.csv"),
        (File, "out.csv", "PosixPath out.csv"),
        (PathOrName, "~/images", "str {home}/images"),
        (PathOrName, "cifar10", "str cifar10"),
        (PathOrName, "models:/digits@champion", "str models:/digits@champion"),
        (PathOrName, "none", "str none"),
        (Dataset, "~/images", "str {home}/images"),
        (Dataset, "not-there", "str not-there"),
    ],
)
def test_a_path_is_what_a_shell_would_make_of_it(tmp_path, monkeypatch, type, value, expected):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/someone")
    here = os.path.realpath(tmp_path)
    assert typed(type, value) == expected.format(home="/home/someone", here=here)


@pytest.mark.parametrize("type", [Folder, File, PathOrName, Dataset])
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
    assert typed(Amount, value).endswith(f"{value} is not a finite number")
    assert typed(Amount, "0.25") == "float 0.25"


def test_a_study_of_an_earlier_version_goes_on_with_the_family_that_there_was():
    options = Bohb.of({"resume": "last"})
    assert options.family == "auto"
    assert merge(options, {"augment": "none"}, "study x").family == "plain"
    assert merge(options, {"family": "recipe"}, "study x").family == "recipe"


def test_a_folder_of_images_is_found_again_from_any_folder_and_a_name_stays_one(
    tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    for name in ("images", "digits"):
        (tmp_path / name).mkdir()
    assert Bohb(dataset="images").dataset == str(tmp_path / "images")
    assert Bohb(dataset="digits").dataset == "digits"
