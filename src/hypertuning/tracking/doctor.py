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

from hypertuning.record.files import has_record
from hypertuning.record.locks import is_driven
from hypertuning.record.read import read_trials, study_outcome
from hypertuning.tracking import queries, runs
from hypertuning.tracking.artifacts import missing_files, stored_files
from hypertuning.tracking.mirror import FIGURE, STATUS
from hypertuning.tracking.store import NotStored
from hypertuning.tracking.study_run import RECORD_TAG, record_here

NEW_SECONDS = 10
"""So old is a run, at least, whose driver should have begun its record."""


class Finding(NamedTuple):
    """One thing that is not as it should be."""

    study_id: str
    about: str
    """`study`, a trial id, or a run id."""
    what: str


class Patient(NamedTuple):
    """A study and its record."""

    run: Run
    study_dir: Path | None
    """None where the record is not to be found."""

    @property
    def record_is_elsewhere(self) -> bool:
        """Whether somebody out of sight may be driving it."""
        return self.study_dir is None and record_here(self.run) is None


def find_patients(client: MlflowClient, study_ids: Sequence[str], storage: Path) -> list[Patient]:
    """Studies with their records: in `storage`, or where they were written."""
    return [_patient(client.get_run(study_id), storage) for study_id in study_ids]


def _patient(run: Run, storage: Path) -> Patient:
    places = [storage / run.info.run_id, record_here(run)]
    found = (place for place in places if place and has_record(place))
    return Patient(run, next(found, None))


def examine(client: MlflowClient, patient: Patient) -> list[Finding]:
    """Look at one study; one that is being run is its driver's business, and has no findings."""
    run, study_dir = patient
    if study_dir and is_driven(study_dir):
        return []
    children = queries.find_trials(client, run.info.experiment_id, run.info.run_id)
    found = [*_open_runs(patient, [*children, *_others(client, run)]), *_doubles(children)]
    if study_dir:
        found += [*_endings(run, children, study_dir), *_epochs(client, run, study_dir)]
        if run.info.status != "RUNNING":
            found += _files(client, children, study_dir)
    return [Finding(run.info.run_id, about, what) for about, what in found]


def _others(client: MlflowClient, study: Run) -> list[Run]:
    """The runs below a study that are no trials: of commands that resumed it, and of its refit."""
    place = study.info.experiment_id, study.info.run_id
    return [*queries.find_launchers(client, *place), *queries.find_refits(client, *place)]


def _open_runs(patient: Patient, others: Sequence[Run]) -> Iterator[tuple[str, str]]:
    if patient.study_dir:
        why = "its driver is gone"
    elif patient.record_is_elsewhere:
        why = f"its record is not here ({patient.run.data.tags.get(RECORD_TAG, 'unknown')})"
    elif time.time() - patient.run.info.start_time / 1000 < NEW_SECONDS:
        return  # its record may be about to begin
    else:
        why = "its record is gone"
    for run in (patient.run, *others):
        if run.info.status == "RUNNING":
            yield _name(run), f"is RUNNING, but {why}"


def _doubles(children: Sequence[Run]) -> Iterator[tuple[str, str]]:
    for trial_id, count in Counter(run.data.tags["trial_id"] for run in children).items():
        if count > 1:
            yield trial_id, f"has {count} runs"


def _endings(run: Run, children: Sequence[Run], study_dir: Path) -> Iterator[tuple[str, str]]:
    """Runs that say of an ending something else than the record."""
    trials = read_trials(study_dir)
    expected = {trial.trial_id: trial.outcome or "interrupted" for trial in trials}
    expected["study"] = study_outcome(study_dir, trials) or "interrupted"
    for child in (run, *children):
        outcome, status = child.data.tags.get("outcome"), child.info.status
        should = expected.get(_name(child))
        if should and status != "RUNNING" and not _says(outcome, status, should):
            said = f"is {outcome} ({status})" if outcome else f"is {status} and has no outcome"
            yield _name(child), f"{said}, but by its record it is {should} ({STATUS[should]})"


def _says(outcome: str | None, status: str, should: str) -> bool:
    """Whether a run shows an outcome. To an earlier version, pruned trials were KILLED."""
    return outcome == should and status in (STATUS[should], "KILLED" if should == "pruned" else "")


def _epochs(client: MlflowClient, run: Run, study_dir: Path) -> Iterator[tuple[str, str]]:
    """Epochs, and whole trials, that only one of the two has."""
    curves = runs.curves(client, [run.info.run_id]).dropna()
    stored = {trial_id: set(rows["epoch"]) for trial_id, rows in curves.groupby("trial_id")}
    trials = {trial.trial_id: trial for trial in read_trials(study_dir)}
    known = set(runs.trials(client, [run.info.run_id])["trial_id"])
    for trial_id in sorted(trials.keys() | known):
        if trial_id not in known:
            yield trial_id, "has no run"
        recorded = (
            {row["epoch"] for row in trials[trial_id].epochs} if trial_id in trials else set()
        )
        there = stored.get(trial_id, set())
        if missing := sorted(recorded - there):
            yield trial_id, f"lacks epochs {_list(missing)} of its record"
        if extra := sorted(there - recorded):
            yield trial_id, f"has epochs {_list(extra)} that its record lacks"


def _files(
    client: MlflowClient, children: Sequence[Run], study_dir: Path
) -> Iterator[tuple[str, str]]:
    """Files that the record keeps, and figures of trials, which the store lacks."""
    try:
        for run_id, what in missing_files(client, study_dir):
            yield "study" if run_id == study_dir.name else f"refit {run_id}", what
        for run in children:
            measured = "outcome" in run.data.tags and run.data.metrics.get("epochs_run")
            if measured and FIGURE not in stored_files(client, run.info.run_id, nested=False):
                yield _name(run), f"lacks {FIGURE}"
    except NotStored as error:
        yield "study:", str(error)


def _name(run: Run) -> str:
    tags = run.data.tags
    if "trial_id" in tags:
        return tags["trial_id"]
    if tags.get("outcome") == "launcher":
        return f"launcher {run.info.run_id}"
    return f"refit {run.info.run_id}" if "refit" in tags else "study"


def _list(epochs: Sequence[int]) -> str:
    return ", ".join(map(str, epochs))


def find_orphans(client: MlflowClient, experiment_ids: Sequence[str]) -> list[Finding]:
    """Runs of trials whose study the store does not show."""
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


def close_without_record(client: MlflowClient, patient: Patient) -> None:
    """End the runs of a study whose record is gone, and with it whoever drove it."""
    run = patient.run
    children = queries.find_trials(client, run.info.experiment_id, run.info.run_id)
    for open_run in (run, *children):
        if open_run.info.status == "RUNNING":
            client.log_batch(open_run.info.run_id, tags=[RunTag("outcome", "interrupted")])
            client.set_terminated(open_run.info.run_id, STATUS["interrupted"])


def close_others(client: MlflowClient, patient: Patient) -> None:
    """End the runs of commands and of a refit which are no more."""
    for run in _others(client, patient.run):
        if run.info.status == "RUNNING":
            client.set_terminated(run.info.run_id, STATUS["interrupted"])
