import subprocess
import sys
from pathlib import Path

import pytest
import requests
from click.testing import CliRunner

from entrypoints.download import main
from hypertuning.learn.download import MIRRORS

ROOT = Path(__file__).parents[2]


def run(*arguments: object):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.mark.parametrize("spelling", ["--data-dir", "--data_dir"])
def test_the_command_says_what_is_there_and_where(tmp_path, spelling):
    result = run("--dataset", "digits", spelling, tmp_path / "data")
    assert result.exit_code == 0
    (cache,) = (tmp_path / "data" / "cache").iterdir()
    first, *waited, last = result.stdout.splitlines()
    assert first == f"download: digits, to {tmp_path / 'data'}"
    assert [line.split(":")[0] for line in waited] == ["PyTorch", "decoding digits, once", "images"]
    assert last == f"1,437 training and 360 test images in {cache}"


def test_mirrors_are_tried_first_and_the_built_in_ones_after_them(tmp_path, monkeypatch):
    def no_network(url: str, *_, **__):
        raise requests.ConnectionError("no network")

    monkeypatch.setattr(requests, "get", no_network)
    result = run("--data-dir", tmp_path, "--mirrors", "http://one/x, http://two/x")
    assert result.exit_code == 1
    assert [line.split(": ")[0].strip() for line in result.stderr.splitlines()[-6:-1]] == [
        "http://one/x",
        "http://two/x",
        *MIRRORS,
    ]


def test_a_wrong_option_and_a_wrong_data_set_end_with_2(tmp_path):
    assert run("--nothing").exit_code == 2
    result = run("--dataset", tmp_path, "--data-dir", tmp_path / "data")
    assert result.exit_code == 2
    assert result.stderr == (
        f"error: {tmp_path} has no folder train/; images belong in train/<class>/ "
        "and, if there are test images, test/<class>/\n"
    )


def test_the_command_runs_as_a_module():
    command = [sys.executable, "-m", "entrypoints.download", "--help"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0 and "--mirrors" in result.stdout
