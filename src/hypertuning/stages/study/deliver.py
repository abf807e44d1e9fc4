"""Bring MLflow up to date with a study's record, at its end or later."""

import logging
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from mlflow import MlflowClient
from mlflow.entities import Run
from mlflow.exceptions import MlflowException
from mlflow.utils.mlflow_tags import MLFLOW_RUN_NOTE
from mlflow.utils.validation import MAX_TAG_VAL_LENGTH

from hypertuning.addresses import without_password
from hypertuning.config import UserError
from hypertuning.epoch import Row
from hypertuning.record import recovery
from hypertuning.record.read import Recorded, read_record
from hypertuning.record.trial import Trial
from hypertuning.search import outlook
from hypertuning.stages.console.commands import command_of, restore
from hypertuning.stages.study.files import write_files
from hypertuning.tracking import runs
from hypertuning.tracking.artifacts import send, send_what_is_missing
from hypertuning.tracking.labels import run_name
from hypertuning.tracking.mirror import mirror_study
from hypertuning.tracking.store import NotStored, insist, reason
from hypertuning.tracking.study_run import close_study, is_delivered, mark_delivered
from hypertuning.tracking.view import address
from hypertuning.words import counted

if TYPE_CHECKING:
    from hypertuning.report.exhibit import Exhibit

FOUND = "**Found**"
EARLIER = re.compile(rf"\n\n{re.escape(FOUND)}[^\n]*\n(\n- [^\n]*)+")
"""The findings that a note holds already."""

logger = logging.getLogger(__name__)


class Undelivered(UserError):
    """Raised when not everything reached the store in time."""


def draw_trial(trial: Trial):
    """Draw the figure of a trial: its training and validation loss."""
    from hypertuning.report.exhibits import trial_overfitting  # matplotlib: not before a study runs

    return trial_overfitting.draw(trial.epochs, f"{trial.trial_id}  {run_name(trial.config)}")


def recover(study_dir: PathLike[str]) -> None:
    """Complete the record of a study whose driver has ended; the caller must hold its lock."""
    recovery.recover(study_dir, _rows_of)


def _rows_of(file: Path, config: Mapping[str, Any]) -> list[Row]:
    """The rows of a checkpoint."""
    from hypertuning.learn.checkpoint import read_rows  # PyTorch takes seconds to import

    return [row.as_dict() for row in read_rows(file, config)]


def finish(
    client: MlflowClient,
    study_dir: PathLike[str],
    patience_s: float,
    delivered: Mapping[int, int] | None = None,
) -> Recorded:
    """Mirror a study whose part has ended, log its figures and tables, and close its run.

    Args:
        patience_s: Seconds to wait for a store that does not answer.
        delivered: How many epochs of each trial the store is known to hold.

    Returns:
        The record as it was read.

    Raises:
        Undelivered: not all arrived in time; the message says what is missing, and how to send it.
    """
    known, record = dict(delivered or {}), read_record(study_dir)

    def sent(trial: Trial) -> None:
        known[trial.number] = len(trial.epochs)

    try:
        insist(lambda: _deliver(client, record, sent), patience_s)
    except (MlflowException, NotStored, OSError) as error:
        sync = command_of("sync", study=record.id, storage_path=record.folder.storage_path)
        raise Undelivered(
            f"study {record.id} is on disk, but {_missing(client, record, known, error)}, "
            f"deliver that by: {sync}"
        ) from error
    return record


def _missing(
    client: MlflowClient, record: Recorded, known: Mapping[int, int], error: Exception
) -> str:
    """What did not arrive, why, and when to try again."""
    if isinstance(error, NotStored):
        return f"{error}; after that"
    missing = {t.number: len(t.epochs) - known.get(t.number, 0) for t in record.trials}
    late = [number for number, epochs in missing.items() if epochs > 0]
    epochs = counted(sum(missing.values()), "epoch")
    what = f"up to {epochs} of {counted(len(late), 'trial')}" if late else "its end"
    store = without_password(client.tracking_uri)
    return f"{what} did not reach the tracking store {store} ({reason(error)}); once it is back"


def _deliver(client: MlflowClient, record: Recorded, sent: Callable[[Trial], None]) -> None:
    """Send the numbers, close the run, send the files; then mark the study as delivered.

    Raises:
        NotStored: all numbers arrived, but not all files.
    """
    run = client.get_run(record.id)
    if run.info.lifecycle_stage != "active":
        again = restore(record.id, without_password(client.tracking_uri))
        raise UserError(f"study {record.id} was deleted; to bring it back: {again}")
    # no outcome: no part was begun, or the disk was too full to write how it ended
    outcome = record.outcome or "interrupted"
    delivered = is_delivered(run, outcome, record.trials)
    not_stored = None
    try:
        mirror_study(client, record.id, record.folder, draw_trial, sent, delivered, record.trials)
    except NotStored as error:
        not_stored = error
    files = record.folder.artifacts_of(record.id)
    if delivered and files.exists():
        send_what_is_missing(client, record.folder)
    else:
        trials, shown = _shown(client, record)
        if not delivered:  # otherwise an earlier version closed it, and kept no files
            _close(client, record, outcome, shown)
        if not_stored is None:
            write_files(record, trials, shown)
            send(client, record.id, files)
            mark_delivered(client, record.id, record.trials)
    if not_stored:
        raise not_stored


def _shown(client: MlflowClient, record: Recorded) -> "tuple[pd.DataFrame, list[Exhibit]]":
    """The trials of a study as MLflow has them, and their exhibits."""
    from hypertuning.report.exhibits import exhibits

    trials = runs.trials(client, [record.id])
    curves = runs.curves_of(client, trials)
    try:
        return trials, exhibits(record.study["stage"], trials, curves)
    except Exception as error:  # noqa: BLE001 - the numbers are sent anyway
        logger.warning("study %s has no figures and tables: %s", record.id, reason(error))
        return trials, []


def _close(
    client: MlflowClient, record: Recorded, outcome: str, shown: "Sequence[Exhibit]"
) -> None:
    """Close a study's run, and write the findings into its note."""
    tags = _model_use(record.study.get("model_needs"), record.trials)
    if shown:
        says = [line for exhibit in shown for line in exhibit.says]
        if record.expected_gain is not None:
            says.append(f"At its end, {outlook.words(record.expected_gain)}.")
        tags[MLFLOW_RUN_NOTE] = note_with(client.get_run(record.id), says)
    close_study(client, record.id, outcome, record.trials, tags)


def note_with(run: Run, lines: Iterable[str]) -> str:
    """The note on a study, in which these findings replace the earlier ones.

    MLflow cuts a note that is too long for it at any letter: before that, findings are left out.
    """
    asked = EARLIER.sub("", run.data.tags.get(MLFLOW_RUN_NOTE, ""))
    found = list(dict.fromkeys(f"- {line}" for line in lines))
    if not found:
        return asked
    # MLflow folds a long note: what was found stands before what it trained on
    first, _, rest = asked.partition("\n\n")
    heading = f"{FOUND} ([all trials, best first]({address(run)}))"

    def note(kept: int) -> str:
        more = [f"- … and {len(found) - kept} more, in the report"] if kept < len(found) else []
        listed = "\n".join([*found[:kept], *more])
        return "\n\n".join(filter(None, [first, heading, listed, rest]))

    fits = (n for n in range(len(found), -1, -1) if len(note(n)) <= MAX_TAG_VAL_LENGTH)
    return note(next(fits, 0))


def _model_use(needed: int | None, trials: Sequence[Trial]) -> dict[str, Any]:
    """Tags: results that the model needed, its first proposal, and its share of the trials."""
    if not needed:
        return {}
    proposed = [trial for trial in trials if trial.job.get("sampler") in ("model", "warm")]
    return {
        "model_needs": str(needed),
        "model_first_trial": proposed[0].trial_id if proposed else "none",
        "model_share": f"{len(proposed) / max(1, len(trials)):.3f}",
    }
