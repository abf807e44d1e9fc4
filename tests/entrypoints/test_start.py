"""Claims about the first seconds of a command: it prints a line, or refuses, at once."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from entrypoints import bohb
from hypertuning.config import UserError
from hypertuning.stages.console.waiting import waiting
from hypertuning.stages.start import check_folder

ROOT = Path(__file__).parents[2]
HEAVY = {
    *("torch", "torchvision", "ray", "mlflow", "pandas", "scipy", "sklearn", "matplotlib"),
    *("ConfigSpace", "hpbandster", "sqlalchemy"),
}
REFUSED = {
    "an option": (["compare", "--epochs", "0"], 2, "0 is not in the range"),
    "a data set": (["bohb", "--dataset", "digts"], 2, "`dataset` must be 'cifar10', 'digits' or"),
    "a folder": (["grid", "--dataset", "empty"], 2, "has no folder train/"),
    "a data set of train": (["train", "--config=c.yaml", "--dataset=x"], 2, "`dataset` must be"),
    "a data set of main": (["main", "--dataset", "digts"], 2, "`dataset` must be"),
    "a data set to get": (["download", "--dataset", "digts"], 2, "`dataset` must be"),
    "a space": (["bohb", "--space", "nowhere.yaml"], 2, "/nowhere.yaml"),
    "a value in it": (["grid", "--space", "wrong.yaml"], 2, "`filters` must be"),
    "points": (["bohb", "--points", "nowhere.yaml"], 2, "/nowhere.yaml"),
    "a configuration": (["train", "--config", "nowhere.yaml"], 2, "/nowhere.yaml"),
    "a pair": (["bohb", "--min-epochs", "12"], 2, "must not exceed `max_epochs`"),
    "a strategy": (["bohb", "--strategy=asha", "--warm-start=x"], 2, "needs `strategy` 'bohb'"),
    "a share": (
        ["compare", "--gpus-per-trial", "1.5"],
        2,
        "`gpus_per_trial` must be 0, a fraction",
    ),
    "an address": (["register", "--ray-address", "head"], 2, "`ray_address` must be local, auto"),
    "a place for data": (["bohb", "--data-dir", "file/x"], 1, "`data_dir` "),
    "a place for records": (["register", "--storage-path", "file/x"], 1, "`storage_path` "),
    "a place for a report": (["report", "--out", "file/x"], 1, "`out` "),
    "a place for main's": (["main", "--out", "file/x"], 1, "`out` "),
    "a place for answers": (["predict", "--images=empty", "--out=no/x.csv"], 2, "no folder "),
    "pictures": (["predict", "--images", "nowhere"], 2, "`images` must be a picture or a folder"),
    "a name": (["rollback", "--model-name", ""], 2, "`model_name`: it is empty"),
    "a source": (["register", "--source", ""], 2, "`source`: it is empty"),
    "sources": (["report", "--source", ","], 2, "`source` must name a study or an experiment"),
    "an alias": (["register", "--alias", "champion"], 2, "is given by the gate alone"),
    "a wish": (["main", "--dry-run", ""], 2, "it is empty; write true or false"),
    "records": (["sync"], 1, "there is no record of a study in"),
    "two wishes": (["main", "--dry-run=true", "--resume=last"], 2, "leave out `resume`"),
    "help": (["bohb", "--help"], 0, "--num-samples"),
    "help of main": (["main", "--help"], 0, "--profile"),
    "help of doctor": (["doctor", "--help"], 0, "--fix"),
}
OF_OPTIONS = {"an option", "a name", "a source", "a wish"}
"""Wrong by themselves: refused before it is known what is asked."""
LOOK = """
import importlib, json, sys
from click.testing import CliRunner
seen = {}
for name, (words, _, _) in json.loads(sys.argv[1]).items():
    command = importlib.import_module("entrypoints." + words[0]).main
    ended = CliRunner().invoke(command, words[1:])
    seen[name] = ended.exit_code, ended.output, sorted(m for m in sys.modules if "." not in m)
print(json.dumps(seen))
"""


@pytest.fixture(scope="module")
def seen(tmp_path_factory) -> dict:
    """By kind of error: status, output, and the modules imported so far."""
    folder = tmp_path_factory.mktemp("start")
    (folder / "file").touch()
    (folder / "empty").mkdir()
    (folder / "wrong.yaml").write_text("filters: -3")
    (folder / "c.yaml").write_text("filters: 3")
    path = os.pathsep.join([str(ROOT), os.environ["PYTHONPATH"]])
    ended = subprocess.run(
        [sys.executable, "-c", LOOK, json.dumps(REFUSED)],
        cwd=folder, env={**os.environ, "PYTHONPATH": path},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    kept = {"file", "empty", "wrong.yaml", "c.yaml"}
    assert {file.name for file in folder.iterdir()} == kept, "nothing was written"
    return json.loads(ended.stdout)


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_wrong_is_refused_before_anything_heavy_is_imported(seen, name):
    _, status, says = REFUSED[name]
    got, output, modules = seen[name]
    assert got == status, output
    assert says in output
    assert not HEAVY & set(modules)


@pytest.mark.parametrize("name", [name for name in REFUSED if "help" not in name])
def test_a_command_says_first_what_it_is_about_to_do(seen, name):
    words = REFUSED[name][0]
    first = seen[name][1].splitlines()[0]
    assert first.startswith(f"{words[0]}: ") or name in OF_OPTIONS
    assert "{" not in first


def test_one_that_goes_on_says_with_what():
    result = CliRunner().invoke(bohb.main, ["--resume", "last", "--ray-address", "nowhere"])
    assert result.output.splitlines()[0] == "bohb: goes on with last"


def test_a_wait_is_said_with_its_time_as_it_ends(capsys):
    with waiting("images"):
        assert not capsys.readouterr().out, "a log has no line for what has only begun"
    assert capsys.readouterr().out == "images: 0.0 s\n"
    with pytest.raises(UserError), waiting("images"):
        raise UserError("there are none")
    assert not capsys.readouterr().out, "what did not end has no time"


@pytest.mark.parametrize("stage", ["predict --images", "download --data-dir"])
def test_a_name_that_is_not_utf_8_ends_no_command(tmp_path, stage):
    command, option = stage.split()
    words = [
        sys.executable,
        "-m",
        f"entrypoints.{command}",
        option,
        os.fsencode(tmp_path) + b"/\xe9",
    ]
    strict = {**os.environ, "PYTHONIOENCODING": "utf-8:strict", "PYTHONPATH": f"{ROOT}:{ROOT}/src"}
    ended = subprocess.run(words, cwd=tmp_path, env=strict, capture_output=True, check=False)
    assert ended.returncode in (1, 2)
    assert ended.stderr.startswith(b"error: ") and ended.stderr.count(b"\n") == 1, ended.stderr


def test_a_folder_that_is_looked_at_is_not_made(tmp_path):
    check_folder("out", tmp_path / "new" / "folder")
    assert not list(tmp_path.iterdir())
