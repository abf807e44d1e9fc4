"""The end of a stage: the leaderboard, what comes next, and where to see all of it."""

import sys
from pathlib import Path

from mlflow import MlflowClient
from rich.console import Console

from entrypoints.next_steps import how_to_go_on, next_steps
from entrypoints.show import say, show_leaderboard
from hypertuning.config import UserError
from hypertuning.tracking import runs
from hypertuning.tracking.record import read_study, read_trials, study_outcome
from hypertuning.tracking.store import without_password
from hypertuning.tracking.view import address


def conclude(console: Console, client: MlflowClient, study_dir: Path, stopped: bool) -> None:
    """Print the leaderboard; of a study that was stopped, how it goes on, and exit as stopped.

    Raises:
        UserError: no trial got as far as one epoch.
    """
    trials = read_trials(study_dir)
    outcome, stage = study_outcome(study_dir, trials), read_study(study_dir)["stage"]
    if outcome == "failed" or (not any(trial.epochs for trial in trials) and not stopped):
        cause = next((t.error or t.outcome for t in trials if t.outcome), "nothing was started")
        raise UserError(
            f"study {study_dir.name}: none of its {len(trials)} trials finished an epoch; "
            f"the first cause: {cause}"
        )
    if any(trial.epochs for trial in trials):
        page = address(client.get_run(study_dir.name).info.experiment_id)
        uri = without_password(client.tracking_uri).rstrip("/")
        show_leaderboard(console, runs.trials(client, [study_dir.name]), uri, page)
        if outcome == "completed":
            say(console, next_steps(stage, study_dir.name))
    if outcome == "interrupted":
        say(console, [how_to_go_on(stage, study_dir)])
    if stopped:
        sys.exit(130)
