"""Bring MLflow up to date with a study's record: at its end, and whenever that failed."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from hypertuning.config import OBJECTIVE, UserError
from hypertuning.learn.training import read_rows
from hypertuning.report.figures import trial_overfitting
from hypertuning.report.stages import stage_figures
from hypertuning.search.study import write_ending
from hypertuning.tracking import runs
from hypertuning.tracking.mirror import STATUS, mirror_study
from hypertuning.tracking.naming import run_name
from hypertuning.tracking.record import parts, read_study, read_trials, study_outcome
from hypertuning.tracking.recovery import recover_epochs
from hypertuning.tracking.store import insist, reason, without_password
from hypertuning.tracking.study_run import close_study
from hypertuning.tracking.trial import Trial

logger = logging.getLogger(__name__)


def draw_trial(trial: Trial):
    """The figure that every trial gets: its train and validation loss."""
    return trial_overfitting(trial.epochs, f"{trial.trial_id}  {run_name(trial.config)}")


def recover(study_dir: Path) -> None:
    """Complete the record of a study whose driver is gone; only for who drives it now."""
    recover_epochs(study_dir, lambda file: [asdict(row) for row in read_rows(file)])
    for part in parts(study_dir)[-1:]:
        if not (part / "ended.json").exists():
            write_ending(part, "interrupted")
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
        UserError: not all arrived in time; says what is missing, and how to deliver it.
    """
    known = dict(delivered or {})

    def sent(trial: Trial) -> None:
        known[trial.number] = len(trial.epochs)

    try:
        insist(lambda: _deliver(client, study_dir, sent), patience_s)
    except (MlflowException, OSError) as error:
        missing = {t.number: len(t.epochs) - known.get(t.number, 0) for t in read_trials(study_dir)}
        late = [number for number, epochs in missing.items() if epochs > 0]
        what = f"{sum(missing.values())} epochs of {len(late)} trials" if late else "its end"
        raise UserError(
            f"study {study_dir.name} is on disk, but {what} did not reach the tracking store "
            f"{without_password(client.tracking_uri)} ({reason(error)}); once it is back, deliver "
            f"that by: python -m entrypoints.sync --study {study_dir.name} "
            f"--storage-path {study_dir.parent}"
        ) from error


def _deliver(client: MlflowClient, study_dir: Path, sent) -> None:
    study_id, study = study_dir.name, read_study(study_dir)
    mirror_study(client, study_id, study_dir, draw_trial, sent)
    found = read_trials(study_dir)
    outcome = study_outcome(study_dir, found)
    run = client.get_run(study_id)
    if (run.data.tags.get("outcome"), run.info.status) == (outcome, STATUS[outcome]):
        return  # closed, and nothing has happened since
    client.log_text(study_id, (study_dir / "study.json").read_text(), "plan.json")
    _log_results(client, study_id, study["stage"])
    close_study(client, study_id, outcome, _best(found), _model_use(study["model_needs"], found))


def _log_results(client: MlflowClient, study_id: str, stage: str) -> None:
    trials, curves = runs.trials(client, [study_id]), runs.curves(client, [study_id])
    client.log_text(study_id, trials.to_csv(index=False), "tables/trials.csv")
    try:
        figures = stage_figures(stage, trials, curves)
    except Exception:  # a picture that fails holds up no number
        logger.warning("the figures of study %s could not be drawn", study_id, exc_info=True)
        return
    for name, figure in figures.items():
        client.log_figure(study_id, figure, f"figures/{name}.png")


def _model_use(needed: int | None, trials: Sequence[Trial]) -> dict[str, Any]:
    """Tags that say what the model needed, when it first proposed, and what share it had."""
    if not needed:
        return {}
    proposed = [trial for trial in trials if trial.job["sampler"] in ("model", "warm")]
    return {
        "model_needs": str(needed),
        "model_first_trial": proposed[0].trial_id if proposed else "none",
        "model_share": f"{len(proposed) / max(1, len(trials)):.3f}",
    }


def _best(trials: Sequence[Trial]) -> Trial | None:
    measured = [trial for trial in trials if trial.epochs]
    return min(
        measured, key=lambda trial: trial.summary()[f"best_{OBJECTIVE.metric}"], default=None
    )
