"""The folder of a study, and the name of everything in it.

<study>/study.json                           what was asked for
<study>/space.yaml, points.yaml              the files that the study was given
       /space-002.yaml                       the space after its first change
       /wider-001.yaml                       a space that goes beyond, where the best lie at an end
<study>/checkpoints/t0007.pt                 the trial's state, at times a few epochs behind
                   /t0007.json               its epochs so far, all of them
<study>/part-001/t0007-e009/params.json      hyperparameters, and the job: trial 7 until epoch 9
                           /result.json      one result a line
                           /recovered.json   what a trial had measured and result.json lacked
                           /error.txt        only of a job that failed
<study>/part-001/ended.json                  how the part ended; absent while it lives
<study>/best.yaml                            the best trial's hyperparameters
<study>/refit.pt                             the state of the refit, of stage register
<study>/artifacts/<run id>/                  what was made for a run, as it was sent to MLflow
<study>/driver.lock, mirror.lock             held by who runs the study, by who mirrors it
"""

import os
import re
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import NamedTuple

_PART = re.compile(r"part-(\d{3,9})")
_JOB = re.compile(r"t(\d{4,9})-e(\d{3,9})")


@dataclass(frozen=True)
class StudyDir(PathLike[str]):
    """The folder of a study. Functions that take one also take its path."""

    path: Path

    def __post_init__(self) -> None:
        object.__setattr__(self, "path", Path(self.path))

    @classmethod
    def of(cls, storage_path: Path, study_id: str) -> "StudyDir":
        """The folder of a study among the records in `storage_path`."""
        return cls(storage_path / study_id)

    def __fspath__(self) -> str:
        return os.fspath(self.path)

    def __str__(self) -> str:
        return str(self.path)

    @property
    def id(self) -> str:
        """The id of the study's run."""
        return self.path.name

    @property
    def storage_path(self) -> Path:
        """The folder that holds the records of studies."""
        return self.path.parent

    @property
    def study_file(self) -> Path:
        return self.path / "study.json"

    def given_file(self, option: str) -> Path:
        """The copy of a file that the study was given by an option, such as `space`."""
        return self.path / f"{option}.yaml"

    def changed_space(self, changes: int) -> Path:
        """The file of a space with which the study went on, after so many changes."""
        return self.path / f"space-{changes + 1:03d}.yaml"

    def wider_space(self, changes: int) -> Path:
        """The file of a space that is offered after so many changes."""
        return self.path / f"wider-{changes + 1:03d}.yaml"

    @property
    def checkpoints(self) -> Path:
        return self.path / "checkpoints"

    def checkpoint(self, trial: int) -> Path:
        return self.checkpoints / checkpoint_name(trial)

    def measured(self, trial: int) -> Path:
        return self.checkpoints / measured_name(trial)

    def part(self, number: int) -> Path:
        return self.path / f"part-{number:03d}"

    @property
    def best_file(self) -> Path:
        return self.path / "best.yaml"

    @property
    def refit_checkpoint(self) -> Path:
        return self.path / "refit.pt"

    @property
    def artifacts(self) -> Path:
        """The folders of the runs for which files were made."""
        return self.path / "artifacts"

    def artifacts_of(self, run_id: str) -> Path:
        return self.artifacts / run_id

    @property
    def driver_lock(self) -> Path:
        return self.path / "driver.lock"

    @property
    def mirror_lock(self) -> Path:
        return self.path / "mirror.lock"


class JobFiles(NamedTuple):
    """The files in the folder of a job."""

    folder: Path

    @property
    def params(self) -> Path:
        return self.folder / "params.json"

    @property
    def results(self) -> Path:
        return self.folder / "result.json"

    @property
    def recovered(self) -> Path:
        return self.folder / "recovered.json"

    @property
    def error(self) -> Path:
        return self.folder / "error.txt"


def ended_file(part: Path) -> Path:
    return part / "ended.json"


def trial_id(trial: int) -> str:
    """`t0007`"""
    return f"t{trial:04d}"


def checkpoint_name(trial: int) -> str:
    return f"{trial_id(trial)}.pt"


def measured_name(trial: int) -> str:
    return f"{trial_id(trial)}.json"


def job_name(trial: int, until: int) -> str:
    """The folder of a job in its part: which trial, until which epoch."""
    return f"{trial_id(trial)}-e{until:03d}"


def part_number(name: str) -> int | None:
    """The number of a part, by the name of its folder; None for another file or folder."""
    found = _PART.fullmatch(name)
    return int(found[1]) if found else None


def job_numbers(name: str) -> tuple[int, int] | None:
    """A job's trial and last epoch, by the name of its folder; None for another file or folder."""
    found = _JOB.fullmatch(name)
    return (int(found[1]), int(found[2])) if found else None
