"""Bring MLflow up to date with a study's record: at its end, and whenever that failed."""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd
from mlflow import MlflowClient
from mlflow.entities import Run
from mlflow.exceptions import MlflowException
from mlflow.utils.mlflow_tags import MLFLOW_RUN_NOTE

from hypertuning.addresses import without_password
from hypertuning.config import UserError
from hypertuning.learn.checkpoint import read_rows
from hypertuning.record.files import parts
from hypertuning.record.read import read_outcome, read_study, read_trials, study_outcome
from hypertuning.record.recovery import recover_epochs
from hypertuning.record.trial import Trial
from hypertuning.record.write import write_ending
from hypertuning.report.exhibit import Exhibit
from hypertuning.report.exhibits import exhibits, trial_overfitting
from hypertuning.stages.console.commands import command_of, restore
from hypertuning.stages.study.files import write_files
from hypertuning.tracking import runs
from hypertuning.tracking.artifacts import folder_of, send, send_what_is_missing
from hypertuning.tracking.labels import run_name
from hypertuning.tracking.mirror import mirror_study
from hypertuning.tracking.store import NotStored, insist, reason
from hypertuning.tracking.study_run import close_study, is_delivered, mark_delivered
from hypertuning.tracking.view import address
from hypertuning.words import counted

FOUND = "\n\n**Found**"

logger = logging.getLogger(__name__)


class Undelivered(UserError):
    """What the record has and the store has not, when waiting for the store was given up."""


def draw_trial(trial: Trial):
    """The figure that every trial gets: its train and validation loss."""
    return trial_overfitting.draw(trial.epochs, f"{trial.trial_id}  {run_name(trial.config)}")


def recover(study_dir: Path) -> None:
    """Complete the record of a study whose driver is gone; only for who drives it now."""
    recover_epochs(study_dir, lambda file, config: [asdict(row) for row in read_rows(file, config)])
    begun = parts(study_dir)
    if begun and not read_outcome(study_dir):
        write_ending(begun[-1], "interrupted")
    for unfinished in study_dir.glob("checkpoints/*.unfinished"):
        unfinished.unlink(missing_ok=True)


def finish(
    client: MlflowClient,
    study_dir: Path,
    patience_s: float,
    delivered: Mapping[int, int] | None = None,
) -> None:
    """Mirror a study whose part has ended, log what it is read by, and close its run.

    Args:
        patience_s: Seconds to wait for a store that is away.
        delivered: How many epochs of each trial the store is known to hold.

    Raises:
        Undelivered: not all arrived in time; says what is missing, and how to deliver it.
    """
    known = dict(delivered or {})

    def sent(trial: Trial) -> None:
        known[trial.number] = len(trial.epochs)

    try:
        insist(lambda: _deliver(client, study_dir, sent), patience_s)
    except (MlflowException, NotStored, OSError) as error:
        sync = command_of("sync", study=study_dir.name, storage_path=study_dir.parent)
        raise Undelivered(
            f"study {study_dir.name} is on disk, but {_missing(client, study_dir, known, error)}, "
            f"deliver that by: {sync}"
        ) from error


def _missing(
    client: MlflowClient, study_dir: Path, known: Mapping[int, int], error: Exception
) -> str:
    """What did not arrive, why, and when it may be tried again."""
    if isinstance(error, NotStored):
        return f"{error}; after that"
    missing = {t.number: len(t.epochs) - known.get(t.number, 0) for t in read_trials(study_dir)}
    late = [number for number, epochs in missing.items() if epochs > 0]
    epochs = counted(sum(missing.values()), "epoch")
    what = f"up to {epochs} of {counted(len(late), 'trial')}" if late else "its end"
    store = without_password(client.tracking_uri)
    return f"{what} did not reach the tracking store {store} ({reason(error)}); once it is back"


def _deliver(client: MlflowClient, study_dir: Path, sent: Callable[[Trial], None]) -> None:
    """Send the numbers, close the run, send the files; then note that nothing is left to do.

    Raises:
        NotStored: all numbers are there, but not all files.
    """
    study_id, found = study_dir.name, read_trials(study_dir)
    run = client.get_run(study_id)
    if run.info.lifecycle_stage != "active":
        again = restore(study_id, without_password(client.tracking_uri))
        raise UserError(f"study {study_id} was deleted; to bring it back: {again}")
    # without an ending: it did not begin a part, or the disk is too full to say how that ended
    outcome = study_outcome(study_dir, found) or "interrupted"
    delivered = is_delivered(run, outcome, found)
    not_stored = None
    try:
        mirror_study(client, study_id, study_dir, draw_trial, sent, look=delivered)
    except NotStored as error:
        not_stored = error
    if delivered and folder_of(study_dir, study_id).exists():
        send_what_is_missing(client, study_dir)
    else:
        trials, shown = _shown(client, study_dir)
        if not delivered:  # an earlier version closed it, and kept no files
            _close(client, study_dir, outcome, found, shown)
        if not_stored is None:
            write_files(study_dir, found, trials, shown)
            send(client, study_id, folder_of(study_dir, study_id))
            mark_delivered(client, study_id, found)
    if not_stored:
        raise not_stored


def _shown(client: MlflowClient, study_dir: Path) -> tuple[pd.DataFrame, list[Exhibit]]:
    """The trials of a study as MLflow has them, and what is shown of them."""
    trials = runs.trials(client, [study_dir.name])
    curves = runs.curves_of(client, trials)
    try:
        return trials, exhibits(read_study(study_dir)["stage"], trials, curves)
    except Exception as error:  # noqa: BLE001 - what cannot be shown holds up no number
        logger.warning("study %s has no figures and tables: %s", study_dir.name, reason(error))
        return trials, []


def _close(
    client: MlflowClient,
    study_dir: Path,
    outcome: str,
    found: Sequence[Trial],
    shown: Sequence[Exhibit],
) -> None:
    """Close a study's run, with what was found in its note."""
    study_id, study = study_dir.name, read_study(study_dir)
    tags = _model_use(study.get("model_needs"), found)
    if shown:
        says = [line for exhibit in shown for line in exhibit.says]
        tags[MLFLOW_RUN_NOTE] = note_with(client.get_run(study_id), says)
    close_study(client, study_id, outcome, found, tags)


def note_with(run: Run, lines: Iterable[str]) -> str:
    """The note on a study, with what was found in place of what was found last time."""
    asked = run.data.tags.get(MLFLOW_RUN_NOTE, "").split(FOUND)[0]
    found = dict.fromkeys(f"- {line}" for line in lines)
    trials = f"[all trials, best first]({address(run)})"
    return "\n".join([f"{asked}{FOUND} ({trials})\n", *found]) if found else asked


def _model_use(needed: int | None, trials: Sequence[Trial]) -> dict[str, Any]:
    """Tags that say what the model needed, when it first proposed, and what share it had."""
    if not needed:
        return {}
    proposed = [trial for trial in trials if trial.job.get("sampler") in ("model", "warm")]
    return {
        "model_needs": str(needed),
        "model_first_trial": proposed[0].trial_id if proposed else "none",
        "model_share": f"{len(proposed) / max(1, len(trials)):.3f}",
    }
