"""The end of a stage: the best trials, the files, what comes next, and where to see all of it."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

from rich.console import Console

from hypertuning.config import UserError
from hypertuning.record.read import read_study, read_trials, study_outcome
from hypertuning.record.trial import Trial
from hypertuning.stages.console.invocation import seconds_running
from hypertuning.stages.console.next_steps import how_to_go_on, next_steps
from hypertuning.stages.console.pages import files_of, how_to_see
from hypertuning.stages.console.show import say, show_leaderboard
from hypertuning.stages.done import STOPPED, Done
from hypertuning.stages.results import Study
from hypertuning.stages.study.prepare import Prepared
from hypertuning.tracking import runs
from hypertuning.tracking.view import address
from hypertuning.words import counted


def conclude(console: Console, prepared: Prepared, study_dir: Path, stopped: bool) -> Done:
    """Print what a study has come to, its page last; give the study.

    Raises:
        UserError: no trial got as far as one epoch.
    """
    trials = read_trials(study_dir)
    outcome, stage = study_outcome(study_dir, trials), read_study(study_dir)["stage"]
    measured = any(trial.epochs for trial in trials)
    if outcome == "failed" or not (measured or stopped):
        raise UserError(_nothing(study_dir.name, trials))
    if measured:
        show_leaderboard(console, runs.trials(prepared.client, [study_dir.name]))
        say(console, _told(prepared, study_dir.name, trials))
    if outcome == "interrupted":
        say(console, [how_to_go_on(stage, study_dir, prepared.options)])
    elif measured:
        say(console, next_steps(stage, study_dir.name, prepared.options))
    if measured:
        page = address(prepared.client.get_run(study_dir.name))
        say(console, how_to_see(prepared.client, page))
    return Done(Study(study_dir.name, prepared.client), STOPPED if stopped else 0)


def _nothing(study_id: str, trials: Sequence[Trial]) -> str:
    cause = next((t.error or t.outcome for t in trials if t.outcome), "nothing was started")
    none = (
        "its only trial did not finish"
        if len(trials) == 1
        else (f"none of its {counted(len(trials), 'trial')} finished")
    )
    return f"study {study_id}: {none} an epoch; the first cause: {cause}"


def _told(prepared: Prepared, study_id: str, trials: Sequence[Trial]) -> Iterator[str]:
    epochs = counted(sum(len(trial.epochs) for trial in trials), "epoch")
    took = timedelta(seconds=round(seconds_running()))
    yield f"{counted(len(trials), 'trial')}, {epochs}; this command took {took}"
    yield f"figures and tables: {files_of(prepared.client, study_id)}"
