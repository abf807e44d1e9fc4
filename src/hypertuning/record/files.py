"""Read the files of a record one by one, whole or damaged; `record.layout` says where they are.

A record may be read while it is written, and after the writer was killed at any byte:

- study.json, params.json, recovered.json, ended.json and all files in checkpoints/ are written
  whole, see `whole_file`. A reader finds the old file, the new one, or none.
- result.json grows. Its last line may be cut off by a kill, and any line may break off where the
  disk was full. Such a line is passed over: its epoch stands in checkpoints/ as well.
- error.txt is for people, and may hold anything.
- An empty file counts as absent: a power cut can leave one.

Everything else that cannot be read is damage. It raises DamagedRecord, and nothing is deleted or
rewritten to get around it. Only a damaged file in checkpoints/ counts as absent: what only it knew
is trained again.
Files and keys that are not listed here may have been added by a newer version; they are ignored.
"""

import os
from collections.abc import Iterator
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel, ValidationError
from pydantic_core import from_json

from hypertuning.complaints import describe
from hypertuning.config import UserError
from hypertuning.record.layout import (
    JobFiles,
    StudyDir,
    ended_file,
    job_numbers,
    part_number,
    trial_id,
)
from hypertuning.record.shapes import Ended, Line, Params, Result, Study

_LONGEST_COMPLAINT = 200
"""Characters: a damaged value may be of any length."""


class DamagedRecord(UserError):
    """A file of a record cannot be read, or does not hold what was written."""

    def __init__(self, file: Path, what: str, line: int | None = None) -> None:
        place = f"{file}, line {line}" if line else f"{file}"
        self.where = (
            f"{place}: {' '.join(what.split())[:_LONGEST_COMPLAINT]}; restore the file from a "
            "copy, until then the study's runs in MLflow stay as they are"
        )
        super().__init__(f"this study's record is damaged: {self.where}")


class JobFolder(NamedTuple):
    """The folder of a job; they sort in the order in which the jobs of a trial ran."""

    part: int
    trial: int
    until: int
    files: JobFiles


def has_record(study_dir: PathLike[str]) -> bool:
    """Whether a folder holds the record of a study, damaged or not."""
    return os.path.lexists(StudyDir(study_dir).study_file)


def records_in(storage_path: Path) -> list[Path]:
    """The folders of studies below a folder."""
    folders = (storage_path / entry for entry in sorted(_entries(storage_path)))
    return [folder for folder in folders if has_record(folder)]


def parts(study_dir: PathLike[str]) -> list[Path]:
    """The folders of the study's parts, the first one first."""
    return [folder for _, folder in _numbered(StudyDir(study_dir))]


def next_part(study_dir: PathLike[str]) -> Path:
    """The folder of the part that begins now; it is not made yet."""
    study = StudyDir(study_dir)
    return study.part(max((number for number, _ in _numbered(study)), default=0) + 1)


def job_folders(study_dir: PathLike[str], trial: int | None = None) -> list[JobFolder]:
    """The folders of the study's jobs, or of one trial's."""
    start = "t" if trial is None else f"{trial_id(trial)}-"
    return sorted(
        JobFolder(part, *numbers, JobFiles(folder / entry))
        for part, folder in _numbered(StudyDir(study_dir))
        for entry in _entries(folder)
        if entry.startswith(start) and (numbers := job_numbers(entry))
    )


def _numbered(study: StudyDir) -> list[tuple[int, Path]]:
    """The study's parts by their numbers."""
    named = ((part_number(name), study.path / name) for name in _entries(study.path))
    return sorted((number, folder) for number, folder in named if number is not None)


def _entries(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)
    except FileNotFoundError:
        _check_absence(folder)
        return []
    except OSError as error:
        raise DamagedRecord(folder, f"it cannot be read ({error.strerror})") from error


def read_study_file(study_dir: PathLike[str]) -> dict[str, Any] | None:
    """What a study was asked for; None if the folder is not that of a study."""
    return _whole(StudyDir(study_dir).study_file, Study)


def read_ended(part: Path) -> dict[str, Any] | None:
    """How a part ended: `outcome` and `timestamp`; None if it has not, or its driver died."""
    return _whole(ended_file(part), Ended)


def read_params(folder: JobFolder) -> dict[str, Any] | None:
    """`config` and `job`; None if the job has not begun."""
    file = folder.files.params
    params = _whole(file, Params)
    if params is None:
        if os.path.lexists(folder.files.results):
            raise DamagedRecord(file, "it is missing, but the job has results")
        return None
    job = params["job"]
    if (job["trial"], job["until"]) != (folder.trial, folder.until):
        other = f"it is of trial {job['trial']} until epoch {job['until']}"
        raise DamagedRecord(file, f"{other}, which does not fit the folder's name")
    return params


def read_results(folder: JobFolder) -> list[Result]:
    """The results of a job in the order in which they were written, then what was recovered."""
    measured = _lines(folder.files.results, may_break_off=True)
    return [*measured, *_lines(folder.files.recovered, may_break_off=False)]


def read_error(folder: JobFolder) -> str:
    """What Ray wrote of a job's failures; empty if there was none."""
    return read_bytes(folder.files.error).decode(errors="replace").replace("\0", "")


def _whole(file: Path, shape: type[BaseModel]) -> Any:
    """What stands in a file that is written whole; None where there is none."""
    content = read_bytes(file)
    if not content:
        return None
    try:
        shape.model_validate_json(content)
    except ValidationError as error:
        raise DamagedRecord(file, describe(error)) from error
    return from_json(content)


def _lines(file: Path, may_break_off: bool) -> Iterator[Result]:
    *whole, last = read_bytes(file).split(b"\n")
    for number, line in enumerate([*whole, last], start=1):
        if not line:
            continue
        try:
            yield Line.model_validate_json(line)
        except ValidationError as error:
            cut = _breaks_off(error) or (line is last and _is_not_json(error))
            if not (may_break_off and cut):
                raise DamagedRecord(file, describe(error), number) from error


def _is_not_json(error: ValidationError) -> bool:
    return error.errors()[0]["type"] == "json_invalid"


def _breaks_off(error: ValidationError) -> bool:
    """Whether a line is the beginning of JSON and nothing else is wrong with it."""
    return _is_not_json(error) and "EOF while parsing" in error.errors()[0]["msg"]


def read_bytes(file: Path) -> bytes:
    """A file's content; empty where there is no file yet."""
    try:
        return file.read_bytes()
    except FileNotFoundError:
        _check_absence(file)
        return b""
    except OSError as error:
        raise DamagedRecord(file, f"it cannot be read ({error.strerror})") from error


def _check_absence(path: Path) -> None:
    """Raises DamagedRecord if a path is missing because a link is broken."""
    for place in (path, path.parent):
        if place.is_symlink() and not place.exists():
            raise DamagedRecord(place, "it is a link to something that is not there")
