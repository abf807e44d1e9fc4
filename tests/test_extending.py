"""Claims about docs/extending.md: each recipe works as written, in as many files as it says."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "extending.md").read_text()
RECIPES = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))
PLACE = re.compile(
    r"^# (?:new file (?P<new>\S+)|in (?P<file>\S+), "
    r"(?P<how>after|before|instead of): (?P<line>.+))$",
    re.MULTILINE,
)


def blocks(recipe: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", recipe, re.DOTALL)


def edits(recipe: str) -> list[tuple[re.Match, str]]:
    """The places that a recipe names, and the lines for each."""
    (code,) = blocks(recipe, "python")
    places = list(PLACE.finditer(code))
    ends = [*(place.start() for place in places[1:]), len(code)]
    return [(p, code[p.end() + 1 : end]) for p, end in zip(places, ends, strict=True)]


def found(lines: list[str], place: re.Match) -> list[int]:
    """Where in a file the line stands that a recipe names."""
    return [n for n, line in enumerate(lines) if line.strip().startswith(place["line"])]


def edit(tree: Path, place: re.Match, text: str) -> Path:
    """Make one edit of a recipe."""
    if place["new"]:
        (tree / place["new"]).write_text(text)
        return tree / place["new"]
    file = tree / place["file"]
    lines = file.read_text().splitlines(keepends=True)
    (at,) = found(lines, place)
    first, last = {"after": (at + 1, at + 1), "before": (at, at), "instead of": (at, at + 1)}[
        place["how"]
    ]
    file.write_text("".join([*lines[:first], text, *lines[last:]]))
    return file


@pytest.mark.parametrize("title", RECIPES)
def test_a_recipe_names_its_files_and_is_short(title):
    files = {place["new"] or place["file"] for place, _ in edits(RECIPES[title])}
    assert int(re.search(r"(\d) files?", title)[1]) == len(files)
    for place in (place for place, _ in edits(RECIPES[title]) if not place["new"]):
        assert len(found((ROOT / place["file"]).read_text().splitlines(), place)) == 1, place[0]
    lines = [line for _, text in edits(RECIPES[title]) for line in text.splitlines()]
    assert sum(bool(line.strip()) for line in lines) < 20


@pytest.mark.slow
@pytest.mark.parametrize("title", RECIPES)
def test_a_recipe_works_as_it_stands(tmp_path, title):
    for part in ("src", "entrypoints", "README.md", "MLproject", "docs"):
        copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
        copy(ROOT / part, tmp_path / part)
    for place, text in edits(RECIPES[title]):
        edit(tmp_path, place, text)
    (commands,) = blocks(RECIPES[title], "sh")
    path = os.pathsep.join([str(tmp_path), str(tmp_path / "src")])
    done = subprocess.run(
        ["bash", "-eo", "pipefail", "-c", commands.replace("python -", f"{sys.executable} -")],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
