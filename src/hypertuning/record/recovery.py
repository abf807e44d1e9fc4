"""Complete the record of a study whose driver is gone."""

from collections.abc import Callable, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from hypertuning.epoch import Row, row_of
from hypertuning.record.files import parts
from hypertuning.record.jobs import last_job
from hypertuning.record.layout import StudyDir
from hypertuning.record.measured import read_measured
from hypertuning.record.read import read_outcome, read_trials
from hypertuning.record.trial import Trial
from hypertuning.record.write import add_recovered, write_ending
from hypertuning.whole_file import remove_unfinished

RowsOf = Callable[[Path, dict[str, Any]], Sequence[Row]]
"""Reads the rows of a configuration from its checkpoint, where earlier versions kept them; none if
there is no checkpoint."""


def recover(study_dir: PathLike[str], rows_of: RowsOf) -> None:
    """Complete a record: its epochs, and how its last part ended. Only for the driver of the study.

    Raises:
        DamagedRecord: what was measured cannot be known.
    """
    recover_epochs(study_dir, rows_of)
    begun = parts(study_dir)
    if begun and not read_outcome(study_dir):
        write_ending(begun[-1], "interrupted")
    remove_unfinished(StudyDir(study_dir).checkpoints)


def recover_epochs(study_dir: PathLike[str], rows_of: RowsOf) -> int:
    """Take into the record what only the workers knew; give how many epochs that was.

    A worker writes down what it measured before the driver hears of it. An epoch that was measured
    while the driver died, or while the disk was full, stands there alone.
    """
    study, recovered = StudyDir(study_dir), 0
    for trial in filter(_may_lack_rows, read_trials(study)):
        measured = read_measured(study.measured(trial.number), trial.config)
        kept = [row.as_dict() for row in measured]
        # without them, what an earlier version kept: reading weights needs PyTorch
        kept = kept or rows_of(study.checkpoint(trial.number), trial.config)
        if rows := _new_rows(trial, kept):
            add_recovered(last_job(study, trial.number), rows)
        recovered += len(rows)
    return recovered


def _may_lack_rows(trial: Trial) -> bool:
    """Whether its worker may have known more: the last job began, and lacks some of its epochs."""
    return len(trial.epochs) < trial.job["until"]


def _new_rows(trial: Trial, kept: Sequence[Row]) -> list[Row]:
    """Those of the rows kept by a worker that the record lacks."""
    known = {row["epoch"] for row in trial.epochs}
    return [row for row in map(row_of, kept) if row and row["epoch"] not in known]
