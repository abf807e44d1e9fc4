"""Write the files of a record, each in the way that `record.files` promises to its readers."""

import json
import os
import time
from collections.abc import Iterable
from os import PathLike
from pathlib import Path
from typing import Any, BinaryIO

from hypertuning.epoch import Row
from hypertuning.record.files import JobFolder, read_bytes
from hypertuning.record.layout import JobFiles, StudyDir, ended_file
from hypertuning.whole_file import write_whole


def write_study(study_dir: PathLike[str], study: dict[str, Any]) -> None:
    """Write what was asked for, in place of what was written before."""
    study_file = StudyDir(study_dir).study_file
    study_file.parent.mkdir(parents=True, exist_ok=True)
    write_whole(study_file, json.dumps(study, indent=2))


def write_ending(part: Path, outcome: str, expected_gain: float | None = None) -> None:
    """Say how a part ended: `completed`, `interrupted` or `failed`.

    Args:
        expected_gain: By how much going on was expected to lower the loss, if that is known.
    """
    ended = {"outcome": outcome, "timestamp": time.time()}
    if expected_gain is not None:
        ended["expected_gain"] = expected_gain
    write_whole(ended_file(part), json.dumps(ended))


def write_params(files: JobFiles, params: str) -> None:
    """Begin a job: make its folder, and write its `config` and `job`, which are given as JSON."""
    files.folder.mkdir(parents=True, exist_ok=True)
    write_whole(files.params, params)


def append_result(files: JobFiles, result: str) -> None:
    """Append a result, which is given as JSON, in a line of its own."""
    # opened for every line: an epoch takes seconds, and no line is left in a buffer
    with files.results.open("ab+") as file:
        torn = _ends_in_half_a_line(file)  # a full disk did that; what follows stays readable
        file.write(b"\n" * torn + result.encode() + b"\n")


def write_error(files: JobFiles, text: str) -> None:
    files.error.write_text(text)


def add_recovered(folder: JobFolder, rows: Iterable[Row]) -> None:
    """Add rows to those that were recovered before."""
    file = folder.files.recovered
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    write_whole(file, read_bytes(file) + lines.encode())


def _ends_in_half_a_line(file: BinaryIO) -> bool:
    if file.seek(0, os.SEEK_END) == 0:
        return False
    file.seek(-1, os.SEEK_END)
    return file.read(1) != b"\n"
