"""Claims about the commands in README and docs: they work as written."""

import re
import shlex
from pathlib import Path

import pytest
from stand_ins import parsed

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
LINES = [
    (page.name, line.strip())
    for page in PAGES
    for line in page.read_text().splitlines()
    if line.startswith("    ")
]


@pytest.mark.parametrize(
    ("page", "line"),
    [(page, line) for page, line in LINES if re.search(r"^mlflow run|-m entrypoints\.", line)],
)
def test_a_command_is_understood_as_it_stands(page, line):
    words = shlex.split(line, comments=True)
    assert not set(line.partition("#")[0]) & set("<>|&;"), "the shell would take these for its own"
    parsed(shlex.join(words))


def test_what_make_is_asked_for_is_there():
    targets = set(re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE))
    asked = [line.split()[1] for _, line in LINES if line.startswith("make ")]
    assert asked and set(asked) <= targets
