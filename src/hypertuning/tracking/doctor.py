"""Compare the record of studies with the store, and say where they disagree."""

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from mlflow import MlflowClient
from mlflow.entities import Run, RunTag
from mlflow.exceptions import MlflowException
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID

from hypertuning.epoch import REQUIRED
from hypertuning.record.locks import is_driven
from hypertuning.record.read import Recorded, read_record
from hypertuning.tracking import queries, runs
from hypertuning.tracking.artifacts import missing_files, stores
from hypertuning.tracking.launch import LAUNCHER
from hypertuning.tracking.leftovers import NEW_SECONDS
from hypertuning.tracking.mirror import FIGURE, STATUS
from hypertuning.tracking.store import NotStored
from hypertuning.tracking.study_run import RECORD_TAG, find_record, record_here


class Finding(NamedTuple):
    """One thing that is not as it should be."""

    study_id: str
    about: str
    """`study`, a trial id, or a run id."""
    what: str


class StudyAndRecord(NamedTuple):
    """A study and its record."""

    run: Run
    study_dir: Path | None
    """None if the record was not found."""

    @property
    def record_is_elsewhere(self) -> bool:
        """Whether a process on another machine may be driving it."""
        return self.study_dir is None and record_here(self.run) is None


def with_records(
    client: MlflowClient, study_ids: Sequence[str], storage_path: Path
) -> list[StudyAndRecord]:
    """Studies with their records: in `storage_path`, or where they were written."""
    studies = [client.get_run(study_id) for study_id in study_ids]
    return [StudyAndRecord(run, find_record(run, storage_path)) for run in studies]


def examine(client: MlflowClient, study: StudyAndRecord) -> list[Finding]:
    """Compare one study with its record; a study that is being run has no findings."""
    run, study_dir = study
    if study_dir and is_driven(study_dir):
        return []
    children = queries.find_trials(client, run.info.experiment_id, run.info.run_id)
    found = [*_open_runs(study, [*children, *_others(client, run)]), *_doubles(children)]
    if study_dir:
        recorded = read_record(study_dir)
        found += [*_endings(run, children, recorded), *_epochs(client, run, recorded)]
        if run.info.status != "RUNNING":
            found += _files(client, children, recorded)
    return [Finding(run.info.run_id, about, what) for about, what in found]


def _others(client: MlflowClient, study: Run) -> list[Run]:
    """The runs below a study besides its trials: of commands that resumed it, and of its refit."""
    place = study.info.experiment_id, study.info.run_id
    return [*queries.find_launchers(client, *place), *queries.find_refits(client, *place)]


def _open_runs(study: StudyAndRecord, others: Sequence[Run]) -> Iterator[tuple[str, str]]:
    if study.study_dir:
        why = "its driver is gone"
    elif study.record_is_elsewhere:
        why = f"its record is not here ({study.run.data.tags.get(RECORD_TAG, 'unknown')})"
    elif time.time() - study.run.info.start_time / 1000 < NEW_SECONDS:
        return  # its record may not have begun yet
    else:
        why = "its record is gone"
    for run in (study.run, *others):
        if run.info.status == "RUNNING":
            yield _name(run), f"is RUNNING, but {why}"


def _doubles(children: Sequence[Run]) -> Iterator[tuple[str, str]]:
    for trial_id, count in Counter(run.data.tags["trial_id"] for run in children).items():
        if count > 1:
            yield trial_id, f"has {count} runs"


def _endings(run: Run, children: Sequence[Run], recorded: Recorded) -> Iterator[tuple[str, str]]:
    """Runs whose outcome or status is not that of the record."""
    ended = {trial.trial_id: trial.outcome for trial in recorded.trials}
    expected = {**ended, "study": recorded.outcome}
    for child in (run, *children):
        outcome, status = child.data.tags.get("outcome"), child.info.status
        if _name(child) not in expected:
            continue
        should = expected[_name(child)] or "interrupted"
        if status != "RUNNING" and not _says(outcome, status, should):
            said = f"is {outcome} ({status})" if outcome else f"is {status} and has no outcome"
            yield _name(child), f"{said}, but by its record it is {should} ({STATUS[should]})"


def _says(outcome: str | None, status: str, should: str) -> bool:
    """Whether a run has an outcome and its status. An earlier version set KILLED for pruned."""
    return outcome == should and status in (STATUS[should], "KILLED" if should == "pruned" else "")


def _epochs(client: MlflowClient, run: Run, recorded: Recorded) -> Iterator[tuple[str, str]]:
    """Epochs and trials that only the record has, or only the store."""
    trials = runs.trials(client, [run.info.run_id])
    curves = runs.curves_of(client, trials).dropna(subset=list(REQUIRED))
    stored = {trial_id: set(rows["epoch"]) for trial_id, rows in curves.groupby("trial_id")}
    measured = {trial.trial_id: {row["epoch"] for row in trial.epochs} for trial in recorded.trials}
    known = set(trials["trial_id"])
    for trial_id in sorted(measured.keys() | known):
        if trial_id not in known:
            yield trial_id, "has no run"
        here, there = measured.get(trial_id, set()), stored.get(trial_id, set())
        if missing := sorted(here - there):
            yield trial_id, f"lacks epochs {_list(missing)} of its record"
        if extra := sorted(there - here):
            yield trial_id, f"has epochs {_list(extra)} that its record lacks"


def _files(
    client: MlflowClient, children: Sequence[Run], recorded: Recorded
) -> Iterator[tuple[str, str]]:
    """Files of the record and figures of trials that the store lacks."""
    try:
        for run_id, what in missing_files(client, recorded.folder):
            yield "study" if run_id == recorded.id else f"refit {run_id}", what
        for run in children:
            has_curve = "outcome" in run.data.tags and run.data.metrics.get("epochs_run", 0) > 1
            if has_curve and not stores(client, run, FIGURE):
                yield _name(run), f"lacks {FIGURE}"
    except NotStored as error:
        yield "study:", str(error)


def _name(run: Run) -> str:
    tags = run.data.tags
    if "trial_id" in tags:
        return tags["trial_id"]
    if tags.get("outcome") == LAUNCHER:
        return f"launcher {run.info.run_id}"
    return f"refit {run.info.run_id}" if "refit" in tags else "study"


def _list(epochs: Sequence[int]) -> str:
    return ", ".join(map(str, epochs))


def find_orphans(client: MlflowClient, experiment_ids: Sequence[str]) -> list[Finding]:
    """Runs of trials whose study was deleted, or is not in the store."""
    parents: dict[str, list[Run]] = {}
    for run in queries.all_trials(client, experiment_ids):
        parents.setdefault(run.data.tags.get(MLFLOW_PARENT_RUN_ID, "none"), []).append(run)
    stages = {parent: _stage(client, parent) for parent in parents}
    return [
        Finding(parent, run.info.run_id, f"is a trial of a study that is {stages[parent]}")
        for parent, children in parents.items()
        for run in children
        if stages[parent] != "active"
    ]


def _stage(client: MlflowClient, run_id: str) -> str:
    try:
        return client.get_run(run_id).info.lifecycle_stage
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        return "not there"


def close_without_record(client: MlflowClient, study: StudyAndRecord) -> None:
    """End the runs of a study whose record is gone, and with it its driver."""
    run = study.run
    children = queries.find_trials(client, run.info.experiment_id, run.info.run_id)
    for open_run in (run, *children):
        if open_run.info.status == "RUNNING":
            client.log_batch(open_run.info.run_id, tags=[RunTag("outcome", "interrupted")])
            client.set_terminated(open_run.info.run_id, STATUS["interrupted"])


def close_others(client: MlflowClient, study: StudyAndRecord) -> None:
    """End the runs of commands that resumed a study, and of its refit, where they are gone."""
    for run in _others(client, study.run):
        if run.info.status == "RUNNING":
            client.set_terminated(run.info.run_id, STATUS["interrupted"])
