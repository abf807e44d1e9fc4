"""Claims about the installed package: the wheel has all that the commands need, and runs alone."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parents[1]
BUILD = "from setuptools.build_meta import build_wheel; print(build_wheel('dist'))"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """The wheel that `pip install .` makes of the tracked files, built in a copy."""
    source = tmp_path_factory.mktemp("source")
    for name in tracked("pyproject.toml", "README.md", "LICENSE", "src"):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, source / name)
    built = subprocess.run(
        [sys.executable, "-c", BUILD], cwd=source, capture_output=True, text=True, check=True
    )
    return source / "dist" / built.stdout.split()[-1]


def tracked(*paths: str) -> list[str]:
    command = ["git", "ls-files", *paths]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return listed.splitlines()


def test_the_wheel_has_every_file_of_the_package_and_the_command(wheel):
    with ZipFile(wheel) as packed:
        names = set(packed.namelist())
        (entry_points,) = [name for name in names if name.endswith("entry_points.txt")]
        assert "hypertuning = hypertuning.cli:main" in packed.read(entry_points).decode()
    assert {name.removeprefix("src/") for name in tracked("src")} <= names


@pytest.mark.slow
def test_the_wheel_runs_a_stage_in_an_empty_folder(wheel, tmp_path):
    unpacked, here = tmp_path / "unpacked", tmp_path / "here"
    here.mkdir()
    with ZipFile(wheel) as packed:
        packed.extractall(unpacked)
    ran = subprocess.run(
        [sys.executable, "-m", "hypertuning", "bohb", "--dataset=digits", "--dry-run=true"],
        cwd=here,
        env={**os.environ, "PYTHONPATH": str(unpacked)},
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    assert "51 trials" in ran.stdout
    where = "import hypertuning; print(hypertuning.__file__)"
    found = subprocess.run(
        [sys.executable, "-c", where],
        cwd=here,
        env={**os.environ, "PYTHONPATH": str(unpacked)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert Path(found.stdout.strip()).is_relative_to(unpacked)
