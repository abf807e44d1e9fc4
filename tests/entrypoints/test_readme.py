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


def anchors(page):
    """What GitHub makes of the headings of a page."""
    headings = re.findall(r"^#+ (.*)", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_to_a_file_and_to_a_heading(page):
    for target in re.findall(r"\]\(([^)]+)\)", page.read_text()):
        if "://" not in target:
            name, _, anchor = target.partition("#")
            there = page.parent / name if name else page
            assert there.exists(), target
            assert not anchor or anchor in anchors(there), target
