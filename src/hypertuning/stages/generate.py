"""Write MLproject, the entry points and the tables of the documents from what the code declares.

`make mlproject` runs this module in a checkout; a test compares the files with the options.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args, get_origin

from hypertuning.epoch import EPOCH_METRICS
from hypertuning.stages import hyperparameters
from hypertuning.stages.options import Options, SearchOptions, as_text
from hypertuning.stages.table import STAGES, Stage

HEAD = """\
# Written by `make mlproject` from the options in src/hypertuning/stages/: change them there.
#
# Every parameter is an option of `python -m entrypoints.STAGE`, which checks it. PYTHONPATH also
# reaches Ray's workers; a path set in the driver would not. `exec` leaves no shell between
# `mlflow run` and the command, so on Ctrl-C `mlflow run` waits until the command has ended.
name: hypertuning

conda_env: conda.yaml

entry_points:
"""
ENTRY_POINT = '''"""The stage {name}, as `mlflow run` starts it."""

from hypertuning.cli import command

main = command("{name}")

if __name__ == "__main__":
    main()
'''
PAGES = ("README.md", "docs/parameters.md")
"""Pages with tables of parameters or metrics between marks."""
WIDTH = 96
QUOTED = ("none", "true", "false")
"""YAML, or a reader of it, would take these for something else than a text."""


def mlproject() -> str:
    """The file MLproject: an entry point for every stage, a parameter for every option."""
    return HEAD + "\n".join(map(_entry_point, STAGES.values()))


def _entry_point(stage: Stage) -> str:
    names = stage.options.names()
    defaults = [
        f"      {name}: {{type: string, default: {_scalar(stage.options, name)}}}" for name in names
    ]
    words = [f"--{name.replace('_', '-')} {{{name}}}" for name in names]
    start = ['exec env PYTHONPATH="$PWD/src"', f"python -m entrypoints.{stage.name}"]
    lines = "\n".join(f"      {line}" for line in _wrapped([*start, *words]))
    return "\n".join(
        [f"  {stage.name}:", "    parameters:", *defaults, "    command: >-", lines, ""]
    )


def _wrapped(words: list[str]) -> Iterator[str]:
    line = ""
    for word in words:
        if line and len(line) + 1 + len(word) > WIDTH - 6:
            yield line
            line = ""
        line = f"{line} {word}".strip()
    yield line


def _scalar(options: type[Options], name: str) -> str:
    """A default as a YAML scalar; MLflow passes on its text."""
    text = as_text(options.model_fields[name].default)
    return text if re.fullmatch(r"[\w.]+", text) and text not in QUOTED else json.dumps(text)


def entry_points() -> dict[str, str]:
    """The files of `entrypoints/`, by name."""
    return {f"{name}.py": ENTRY_POINT.format(name=name) for name in STAGES}


def page(text: str) -> str:
    """The text of a page with its tables of parameters, and its metrics, written anew."""

    def table(found: re.Match) -> str:
        rows = shared() if found[1] == "all searches" else own(found[1].split(", "))
        return "\n".join([f"<!-- parameters: {found[1]} -->", "", *rows, "", "<!-- end -->"])

    metrics = " ".join(f"`{name}`" for name in EPOCH_METRICS)
    text = re.sub(r"(?<=<!-- metrics -->).*?(?=<!-- end metrics -->)", metrics, text)
    return re.sub(r"<!-- parameters: ([\w, ]+) -->.*?<!-- end -->", table, text, flags=re.DOTALL)


def shared() -> list[str]:
    """The parameters that all search stages share, as rows of a table."""
    rows = [_row(SearchOptions, name) for name in SearchOptions.names()]
    return ["| parameter | default | meaning |", "|---|---|---|", *rows]


def own(stages: list[str]) -> list[str]:
    """The parameters that belong to single stages, as rows of a table."""
    rows = [
        f"| {f'`{stage}`' if number == 0 else ''} {_row(options, name)}"
        for stage in stages
        for options in [STAGES[stage].options]
        for number, name in enumerate(_own(options))
    ]
    rows += _also(stages)
    return ["| stage | parameter | default | meaning |", "|---|---|---|---|", *rows]


def _also(stages: list[str]) -> Iterator[str]:
    """Which parameters of the searches other stages have too."""
    for stage in stages:
        options, common = STAGES[stage].options, SearchOptions.names()
        names = [n for n in common if n in options.names() and _is_shared(options, n)]
        if names and set(names) != set(common):
            shown = ", ".join(f"`{name}`" for name in names)
            yield f"| `{stage}` | | | and, as in the searches: {shown} |"


def _own(options: type[Options]) -> list[str]:
    common = set(SearchOptions.names())
    return [n for n in options.names() if n not in common or not _is_shared(options, n)]


def _is_shared(options: type[Options], name: str) -> bool:
    ours, theirs = options.model_fields[name], SearchOptions.model_fields[name]
    return (ours.default, ours.description) == (theirs.default, theirs.description)


def _row(options: type[Options], name: str) -> str:
    field = options.model_fields[name]
    meaning = re.sub(r"\S*<\w+>\S*/", r"`\g<0>`", field.description or "")
    values = [value for value in get_args(field.annotation) if isinstance(value, str)]
    if get_origin(field.annotation) is not None and values and f"{values[0]}:" not in meaning:
        meaning = f"{', '.join(f'`{value}`' for value in values)}: {meaning}"
    return f"| `{name}` | `{as_text(field.default)}` | {meaning} |"


def main(root: Path = Path()) -> None:
    """Write all these files into a checkout."""
    (root / "MLproject").write_text(mlproject())
    for name, text in entry_points().items():
        (root / "entrypoints" / name).write_text(text)
    (root / "docs" / "hyperparameters.md").write_text(hyperparameters.page())
    for name in PAGES:
        (root / name).write_text(page((root / name).read_text()))


if __name__ == "__main__":
    main()
