"""Bring MLflow up to date with a study's record: at its end, and whenever that failed."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import yaml
from mlflow import MlflowClient
from mlflow.entities import Run
from mlflow.exceptions import MlflowException
from mlflow.utils.mlflow_tags import MLFLOW_RUN_NOTE

from entrypoints.commands import command_of, restore
from hypertuning.config import UserError
from hypertuning.learn.checkpoint import read_rows
from hypertuning.report.figures import trial_overfitting
from hypertuning.report.stages import Exhibit, exhibits
from hypertuning.search.study import write_ending
from hypertuning.tracking import runs
from hypertuning.tracking.mirror import mirror_study
from hypertuning.tracking.naming import run_name
from hypertuning.tracking.record import (
    parts,
    read_outcome,
    read_study,
    read_trials,
    study_outcome,
)
from hypertuning.tracking.recovery import recover_epochs
from hypertuning.tracking.store import insist, reason, without_password
from hypertuning.tracking.study_run import best_trial, close_study, is_closed
from hypertuning.tracking.trial import Trial
from hypertuning.tracking.view import address
from hypertuning.words import counted

FOUND = "\n\n**Found**"
BEST_CONFIG = "best.yaml"
"""The best trial's hyperparameters, for the stage train; with the record, and in MLflow."""

logger = logging.getLogger(__name__)


class Undelivered(UserError):
    """What the record has and the store has not, when waiting for the store was given up."""


def draw_trial(trial: Trial):
    """The figure that every trial gets: its train and validation loss."""
    return trial_overfitting(trial.epochs, f"{trial.trial_id}  {run_name(trial.config)}")


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
    except (MlflowException, OSError) as error:
        missing = {t.number: len(t.epochs) - known.get(t.number, 0) for t in read_trials(study_dir)}
        late = [number for number, epochs in missing.items() if epochs > 0]
        epochs = counted(sum(missing.values()), "epoch")
        what = f"up to {epochs} of {counted(len(late), 'trial')}" if late else "its end"
        sync = command_of("sync", study=study_dir.name, storage_path=study_dir.parent)
        raise Undelivered(
            f"study {study_dir.name} is on disk, but {what} did not reach the tracking store "
            f"{without_password(client.tracking_uri)} ({reason(error)}); once it is back, deliver "
            f"that by: {sync}"
        ) from error


def _deliver(client: MlflowClient, study_dir: Path, sent) -> None:
    study_id, study = study_dir.name, read_study(study_dir)
    if client.get_run(study_id).info.lifecycle_stage != "active":
        again = restore(study_id, without_password(client.tracking_uri))
        raise UserError(f"study {study_id} was deleted; to bring it back: {again}")
    mirror_study(client, study_id, study_dir, draw_trial, sent)
    found = read_trials(study_dir)
    # without an ending: it did not begin a part, or the disk is too full to say how that ended
    outcome = study_outcome(study_dir, found) or "interrupted"
    if is_closed(client.get_run(study_id), outcome, found):
        return
    tags = _model_use(study.get("model_needs"), found)
    try:
        shown = _exhibits(client, study_id, study["stage"])
        tags[MLFLOW_RUN_NOTE] = note_with(
            client.get_run(study_id), [line for exhibit in shown for line in exhibit.says]
        )
        _log_files(client, study_dir, shown)
    except (MlflowException, OSError):
        raise
    except Exception:  # a picture, or a store of artifacts, that fails holds up no number
        logger.warning("not all files of study %s were stored", study_id, exc_info=True)
    close_study(client, study_id, outcome, found, tags)


def _exhibits(client: MlflowClient, study_id: str, stage: str) -> list[Exhibit]:
    trials = runs.trials(client, [study_id])
    client.log_text(study_id, trials.to_csv(index=False), "tables/trials.csv")
    return exhibits(stage, trials, runs.curves_of(client, trials))


def note_with(run: Run, lines: Iterable[str]) -> str:
    """The note on a study, with what was found in place of what was found last time."""
    asked = run.data.tags.get(MLFLOW_RUN_NOTE, "").split(FOUND)[0]
    found = dict.fromkeys(f"- {line}" for line in lines)
    trials = f"[all trials, best first]({address(run)})"
    return "\n".join([f"{asked}{FOUND} ({trials})\n", *found]) if found else asked


def _log_files(client: MlflowClient, study_dir: Path, shown: Sequence[Exhibit]) -> None:
    study_id = study_dir.name
    client.log_text(study_id, (study_dir / "study.json").read_text(), "plan.json")
    if best := best_trial(read_trials(study_dir)):
        written = yaml.safe_dump(best.config, sort_keys=False)
        (study_dir / BEST_CONFIG).write_text(written)
        client.log_text(study_id, written, BEST_CONFIG)
    log_exhibits(client, study_id, shown)


def log_exhibits(client: MlflowClient, run_id: str, shown: Iterable[Exhibit]) -> None:
    """Every figure and its rows, and the numbers behind its sentences, to a run."""
    for exhibit in shown:
        if len(exhibit.rows):
            client.log_figure(run_id, exhibit.draw(), f"figures/{exhibit.name}.png")
            for name, rows in {exhibit.name: exhibit.rows, **exhibit.details}.items():
                client.log_text(run_id, rows.to_csv(index=False), f"tables/{name}.csv")


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
