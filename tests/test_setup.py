"""Claims about the set-up: every version stands once, and each file's pins agree."""

import os
import re
import subprocess
import tomllib
from itertools import chain
from pathlib import Path

import pytest
import yaml
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[1]
LOCK = (ROOT / "requirements.txt").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PINS = [Requirement(pin) for pin in re.findall(r"^(\w.*?) \\$", LOCK, re.MULTILINE)]
SUPPORTED = ("3.11", "3.12", "3.13")


def wanted() -> list[Requirement]:
    extras = PROJECT["project"]["optional-dependencies"]
    everything = chain(PROJECT["project"]["dependencies"], *extras.values())
    return [Requirement(one) for one in everything]


def locked(name: str, python: str) -> list[Version]:
    """The versions of a package that are pinned for a Python on Linux."""
    here = {**default_environment(), "python_version": python, "python_full_version": f"{python}.9"}
    return [
        Version(str(pin.specifier).removeprefix("=="))
        for pin in PINS
        if canonicalize_name(pin.name) == canonicalize_name(name)
        and (pin.marker is None or pin.marker.evaluate(here))
    ]


@pytest.mark.parametrize("python", SUPPORTED)
@pytest.mark.parametrize("requirement", wanted(), ids=str)
def test_the_lock_has_one_version_that_pyproject_admits(requirement, python):
    (version,) = locked(requirement.name, python)
    assert version in requirement.specifier


@pytest.mark.parametrize("python", SUPPORTED)
def test_no_package_is_locked_twice_for_one_python(python):
    assert all(len(locked(pin.name, python)) <= 1 for pin in PINS)


def test_everything_locked_is_an_exact_version_with_hashes():
    entries = re.split(r"\n(?=\w)", LOCK)
    assert len(entries) == len(PINS) + 1  # what uv writes at the top comes first
    assert all("    --hash=sha256:" in entry for entry in entries[1:])
    assert all(str(pin.specifier).startswith("==") for pin in PINS)


def test_the_lock_names_no_address_and_no_machine():
    assert not re.findall(r"://|--(?:extra-)?index|--find-links|file:", LOCK)


def test_the_supported_pythons_are_those_of_pyproject():
    admitted = Requirement(f"python{PROJECT['project']['requires-python']}").specifier
    assert tuple(f"3.{n}" for n in range(20) if f"3.{n}.9" in admitted) == SUPPORTED


def test_conda_lists_python_and_pip_and_leaves_versions_to_the_lock():
    conda = yaml.safe_load((ROOT / "conda.yaml").read_text())
    python, *others = conda["dependencies"]
    assert python in {f"python={version}" for version in SUPPORTED}
    assert others == ["pip", {"pip": ["-r requirements.txt"]}]


def test_make_alone_prints_a_line_for_everything_that_can_be_made():
    listed = re.findall(r"^make ([a-z-]+) +\S", make().stdout, re.MULTILINE)
    phony = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)[1]
    assert {*listed, "machine"} == set(phony.split())


@pytest.mark.parametrize(
    ("lacking", "advice"),
    [
        ("PYTHON=python0", "Name another: make PYTHON=python3.12"),
        ("CC=cc0", "apt-get install gcc python3-dev"),
    ],
)
def test_make_says_in_one_line_what_a_machine_lacks(lacking, advice):
    made = make("machine", lacking)
    (said,) = [line for line in made.stderr.splitlines() if not line.startswith("make")]
    assert made.returncode != 0
    assert advice in said


def make(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run make as from a shell, although these tests may themselves be run by make."""
    shell = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    command = ["make", "-C", str(ROOT), *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=shell)
