"""Run `sync` and `doctor`: make the tracking store agree with the records."""

from collections.abc import Sequence
from os import PathLike
from pathlib import Path

from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from mlflow.utils.mlflow_tags import MLFLOW_PROJECT_ENTRY_POINT
from rich.console import Console

from hypertuning.addresses import without_password
from hypertuning.config import UserError
from hypertuning.record.files import records_in
from hypertuning.record.layout import StudyDir
from hypertuning.record.locks import is_driven, only_driver
from hypertuning.record.read import Recorded, read_study
from hypertuning.stages.console.commands import command_of
from hypertuning.stages.console.show import say
from hypertuning.stages.done import Done
from hypertuning.stages.options import UsageError
from hypertuning.stages.repair import Doctor, Sync
from hypertuning.stages.repair.records import ALL, find_records
from hypertuning.stages.study.deliver import finish, recover
from hypertuning.tracking import runs
from hypertuning.tracking.doctor import (
    Finding,
    StudyAndRecord,
    close_others,
    close_without_record,
    examine,
    find_orphans,
    with_records,
)
from hypertuning.tracking.leftovers import close_leftover, find_leftovers
from hypertuning.tracking.queries import find_experiments
from hypertuning.tracking.store import connect, insist, is_named, reason
from hypertuning.words import counted


def run_sync(options: Sync) -> Done:
    """Send the records of studies that are not running, one line each.

    Raises:
        UserError: there is no such record, or not everything could be delivered.
    """
    failures, named = [], is_named()
    for study_dir in find_records(options.study, options.storage_path):
        try:
            say(Console(), [_sync(study_dir, named, options.sync_timeout_s)])
        except (UserError, OSError) as error:
            failures.append(f"study {study_dir.id}: {error}")
    if failures:
        raise UserError("\n".join(failures))
    return Done()


def _sync(study_dir: StudyDir, named: bool, patience_s: float) -> str:
    asked = read_study(study_dir)
    name = f"study {study_dir.id} ({asked['stage']})"
    if is_driven(study_dir):
        return f"{name}: it is running, and delivers what it measures itself"
    tracked = asked.get("tracking_uri")
    client = connect(uri=None if named else tracked, must_exist=True)
    try:
        insist(lambda: client.get_run(study_dir.id), patience_s)
    except MlflowException as error:
        raise UserError(
            f"it is not in the tracking store {without_password(client.tracking_uri)} "
            f"({reason(error)}); it was tracked in {without_password(tracked or 'another one')}, "
            "which MLFLOW_TRACKING_URI may name"
        ) from error
    record = _deliver(client, study_dir, patience_s)
    counts = f"{counted(len(record.trials), 'trial')}, {counted(record.epochs, 'epoch')}"
    return f"{name}: {record.outcome}, {counts}, all of it in MLflow"


def _deliver(client: MlflowClient, study_dir: PathLike[str], patience_s: float) -> Recorded:
    with only_driver(study_dir):
        recover(study_dir)
        return finish(client, study_dir, patience_s)


def run_doctor(options: Doctor) -> Done:
    """Print what is wrong, and mend it if asked to; return how many findings are left.

    Raises:
        UsageError: there is no such study.
        MlflowException: the store went away.
    """
    console, client = Console(), connect(must_exist=True)
    study, storage_path = options.study, options.storage_path
    known = runs.studies(client)["study_id"].tolist()
    if study not in (ALL, *known):
        raise UsageError(f"`study` must be all or the run id of a study, got {study!r}")
    studies = with_records(client, known if study == ALL else [study], storage_path)
    examined = [_examine(console, client, kept, options) for kept in studies]
    others = _others(client, known, storage_path) if study == ALL else []
    say(console, map(_line, others))
    to_mend = sum(here for here, _ in examined)
    if study == ALL:
        to_mend += _leftovers(console, client, options.fix)
    left = to_mend + sum(beyond for _, beyond in examined) + len(others)
    number = counted(len(studies), "study", "studies")
    found = counted(left, "finding") if left else "all is well"
    if gone := sum(kept.study_dir is None for kept in studies):
        found += f"; {gone} could not be compared and cannot go on: no record here"
    say(console, [f"{number} in {without_password(client.tracking_uri)}: {found}"])
    if to_mend and not options.fix:
        given = options.changed(["study", "storage_path"])
        say(console, [f"to mend what can be mended: {command_of('doctor', fix=True, **given)}"])
    return Done(left, 1 if left else 0)


def _examine(
    console: Console, client: MlflowClient, kept: StudyAndRecord, options: Doctor
) -> tuple[int, int]:
    """Examine one study, and mend it if asked to.

    Returns:
        How many findings are left that could be mended here, and how many others.
    """
    try:
        findings = examine(client, kept)
    except UserError as error:  # how it ended is unknown: its runs are not touched
        say(console, [_line(Finding(kept.run.info.run_id, "record:", str(error)))])
        return 0, 1
    say(console, map(_line, findings))
    if findings and options.fix:
        findings = _mend(console, client, kept, findings, options.sync_timeout_s)
    return (0, len(findings)) if kept.record_is_elsewhere else (len(findings), 0)


def _mend(
    console: Console,
    client: MlflowClient,
    kept: StudyAndRecord,
    findings: list[Finding],
    patience_s: float,
) -> list[Finding]:
    """Mirror and close a study; return the findings that are left."""
    if kept.record_is_elsewhere:
        return findings
    try:
        if kept.study_dir:
            _deliver(client, kept.study_dir, patience_s)
        else:
            close_without_record(client, kept)
        close_others(client, kept)
    except (UserError, OSError) as error:
        say(console, [str(error)])
        return findings
    study_id = kept.run.info.run_id
    left = examine(client, kept._replace(run=client.get_run(study_id)))
    say(console, [f"study {study_id}: mended" if not left else f"study {study_id}: mended, but"])
    say(console, map(_line, left))
    return left


def _others(client: MlflowClient, known: Sequence[str], storage_path: Path) -> list[Finding]:
    """Trials without a study, and records without a run: only one of the two was deleted."""
    experiments = [e.experiment_id for e in find_experiments(client)]
    unknown = [each for each in map(StudyDir, records_in(storage_path)) if each.id not in known]
    here = without_password(client.tracking_uri)
    records = [finding for folder in unknown if (finding := _without_run(folder, here))]
    return find_orphans(client, experiments) + records


def _leftovers(console: Console, client: MlflowClient, fix: bool) -> int:
    """Print the runs whose process has ended, close them if asked to; return how many are open."""
    experiments = [e.experiment_id for e in find_experiments(client)]
    found = find_leftovers(client, experiments)
    for run in found:
        if fix:
            close_leftover(client, run)
        command = run.data.tags.get(MLFLOW_PROJECT_ENTRY_POINT, "python -m")
        said = "is RUNNING, belongs to no study, and its command"
        end = "was not running: closed" if fix else "is not running"
        say(console, [f"run {run.info.run_id}: {said} ({command}) {end}"])
    return 0 if fix else len(found)


def _without_run(study_dir: StudyDir, store: str) -> Finding | None:
    """The finding on a record without a run in this store; None if it belongs to another store."""
    try:
        asked = read_study(study_dir)
    except UserError as error:
        return Finding(study_dir.id, "record:", str(error))
    if without_password(asked.get("tracking_uri") or "") != store:
        return None
    return Finding(study_dir.id, "study", f"has a record in {study_dir}, but no run here")


def _line(finding: Finding) -> str:
    return f"study {finding.study_id}: {finding.about} {finding.what}"
