"""The files of a study's record: their names, their shapes, and when one is damaged.

    <study>/study.json                           what was asked for
    <study>/checkpoints/t0007.pt                 the trial's state, and its epochs so far
    <study>/part-001/t0007-e009/params.json      hyperparameters, and the job: trial 7 until epoch 9
                               /result.json      one result a line
                               /recovered.json   what a checkpoint knew and result.json did not
                               /error.txt        only of a job that failed
    <study>/part-001/ended.json                  how the part ended; absent while it lives
    <study>/driver.lock, mirror.lock             held by who runs the study, by who mirrors it

A record may be read while it is written, and after the writer was killed at any byte:

- study.json, params.json, recovered.json, ended.json and the checkpoints are written whole: beside
  their place, then moved there. A reader finds the old file, the new one, or none.
- result.json grows. Its last line may be cut off by a kill, and any line may break off where the
  disk was full. Such a line is passed over: its epoch is in the checkpoint.
- error.txt is for people, and may hold anything.
- An empty file counts as absent: a power cut leaves one behind.

Everything else that cannot be read is damage. It raises DamagedRecord, and nothing is deleted or
rewritten to get around it. Only a damaged checkpoint counts as none: its trial is trained again.
Files and keys that are not listed here may have been added by a newer version; they are ignored.
"""

import json
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel, ValidationError
from pydantic_core import from_json

from hypertuning.complaints import describe
from hypertuning.config import UserError
from hypertuning.record.shapes import Ended, Line, Params, Result, Study
from hypertuning.record.trial import Row

_PART = re.compile(r"part-(\d{3,9})")
_JOB = re.compile(r"t(\d{4,9})-e(\d{3,9})")
_LONGEST_COMPLAINT = 200
"""Characters: a damaged value may be of any length."""


class DamagedRecord(UserError):
    """A file of a record is not what it was when it was written."""

    def __init__(self, file: Path, what: str, line: int | None = None) -> None:
        place = f"{file}, line {line}" if line else f"{file}"
        self.where = (
            f"{place}: {' '.join(what.split())[:_LONGEST_COMPLAINT]}; restore the file from a "
            "copy, until then the study's runs in MLflow stay as they are"
        )
        super().__init__(f"this study's record is damaged: {self.where}")


def checkpoint_file(study_dir: Path, trial_id: str) -> Path:
    return study_dir / "checkpoints" / f"{trial_id}.pt"


class JobFolder(NamedTuple):
    """The folder of a job; they sort in the order in which the jobs of a trial ran."""

    part: int
    trial: int
    until: int
    path: Path

    @property
    def params(self) -> Path:
        return self.path / "params.json"


def has_record(study_dir: Path) -> bool:
    """Whether a folder is that of a study, be it damaged."""
    return os.path.lexists(study_dir / "study.json")


def records_in(storage_path: Path) -> list[Path]:
    """The folders of studies below a folder."""
    folders = (storage_path / entry for entry in sorted(_entries(storage_path)))
    return [folder for folder in folders if has_record(folder)]


def parts(study_dir: Path) -> list[Path]:
    """The folders of the study's parts, the first one first."""
    return [folder for _, folder in _numbered(study_dir)]


def job_folders(study_dir: Path, trial: int | None = None) -> list[JobFolder]:
    """The folders of the study's jobs, or of one trial's."""
    start = "t" if trial is None else f"t{trial:04d}-"
    return sorted(
        JobFolder(part, int(name[1]), int(name[2]), folder / entry)
        for part, folder in _numbered(study_dir)
        for entry in _entries(folder)
        if entry.startswith(start) and (name := _JOB.fullmatch(entry))
    )


def _numbered(study_dir: Path) -> list[tuple[int, Path]]:
    names = filter(None, map(_PART.fullmatch, _entries(study_dir)))
    return sorted((int(name[1]), study_dir / name[0]) for name in names)


def _entries(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)
    except FileNotFoundError:
        _check_absence(folder)
        return []
    except OSError as error:
        raise DamagedRecord(folder, f"it cannot be read ({error.strerror})") from error


def read_study_file(study_dir: Path) -> dict[str, Any] | None:
    """What a study was asked for; None if the folder is no study's."""
    return _whole(study_dir / "study.json", Study)


def read_ended(part: Path) -> dict[str, Any] | None:
    """How a part ended: `outcome` and `timestamp`; None if it has not, or its driver died."""
    return _whole(part / "ended.json", Ended)


def read_params(folder: JobFolder) -> dict[str, Any] | None:
    """`config` and `job`; None if the job has not begun."""
    params = _whole(folder.params, Params)
    if params is None:
        if os.path.lexists(folder.path / "result.json"):
            raise DamagedRecord(folder.params, "it is missing, but the job has results")
        return None
    job = params["job"]
    if (job["trial"], job["until"]) != (folder.trial, folder.until):
        other = f"it is of trial {job['trial']} until epoch {job['until']}"
        raise DamagedRecord(folder.params, f"{other}, which does not fit the folder's name")
    return params


def read_results(folder: JobFolder) -> list[Result]:
    """The results of a job in the order in which they were written, then what was recovered."""
    measured = _lines(folder.path / "result.json", may_break_off=True)
    return [*measured, *_lines(folder.path / "recovered.json", may_break_off=False)]


def add_recovered(folder: JobFolder, rows: Iterable[Row]) -> None:
    """Put rows behind those that were recovered before."""
    file = folder.path / "recovered.json"
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    write_whole(file, _read(file) + lines.encode())


def read_error(folder: JobFolder) -> str:
    """What Ray wrote of a job's failures; empty if there was none."""
    return _read(folder.path / "error.txt").decode(errors="replace").replace("\0", "")


def write_whole(file: Path, content: bytes) -> None:
    """Write a file so that a reader finds the old one or the new one, also after a power cut."""
    unfinished = file.with_name(f"{file.name}.unfinished")
    with unfinished.open("wb") as written:
        written.write(content)
        written.flush()
        os.fsync(written.fileno())
    unfinished.replace(file)


def _whole(file: Path, shape: type[BaseModel]) -> Any:
    """What a file holds that is written whole, as it stands there; None where there is none."""
    content = _read(file)
    if not content:
        return None
    try:
        shape.model_validate_json(content)
    except ValidationError as error:
        raise DamagedRecord(file, describe(error)) from error
    return from_json(content)


def _lines(file: Path, may_break_off: bool) -> Iterator[Result]:
    *whole, last = _read(file).split(b"\n")
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
    """Whether a line is the beginning of JSON, and no more than that."""
    return _is_not_json(error) and "EOF while parsing" in error.errors()[0]["msg"]


def _read(file: Path) -> bytes:
    """A file's content, which is empty where there is no file yet."""
    try:
        return file.read_bytes()
    except FileNotFoundError:
        _check_absence(file)
        return b""
    except OSError as error:
        raise DamagedRecord(file, f"it cannot be read ({error.strerror})") from error


def _check_absence(path: Path) -> None:
    """Raises DamagedRecord where something is missing because a link leads nowhere."""
    for place in (path, path.parent):
        if place.is_symlink() and not place.exists():
            raise DamagedRecord(place, "it is a link to something that is not there")
