"""Run one search stage: data → Ray → record → MLflow → figures and leaderboard."""

import json
from collections.abc import Mapping
from pathlib import Path

from mlflow import MlflowClient
from rich.console import Console

from entrypoints.options import show_log, usage
from entrypoints.searches import Search
from entrypoints.show import show_leaderboard, show_plan
from hypertuning.config import OBJECTIVE, UserError
from hypertuning.learn import data
from hypertuning.learn.sources import find_source
from hypertuning.report.figures import trial_overfitting
from hypertuning.report.stages import stage_figures
from hypertuning.search.live import LiveView
from hypertuning.search.plan import Plan, plan
from hypertuning.search.searcher import LadderSearcher
from hypertuning.search.study import Resources, ray_started, run
from hypertuning.search.trial import Problem, trainable
from hypertuning.tracking import runs
from hypertuning.tracking.callback import MLflowMirror
from hypertuning.tracking.mirror import mirror_study
from hypertuning.tracking.naming import run_name
from hypertuning.tracking.record import read_trials
from hypertuning.tracking.store import connect
from hypertuning.tracking.study_run import DatasetInfo, close_study, open_study
from hypertuning.tracking.trial import Trial


def run_stage(search: Search, options: Mapping) -> None:
    """Run a stage from the data to the leaderboard; everything that can be wrong is seen first.

    Raises:
        UserError: something is lacking, or every trial failed.
    """
    console, planned = Console(), plan(search.ladder)
    if options["dry_run"]:
        return show_plan(console, search, planned)
    with usage():
        resources = _resources(options)
        find_source(options["dataset"], options["data_dir"])
    client = connect()
    show_log()
    cache = data.prepare(options["dataset"], options["data_dir"])
    with usage():
        train, val = data.sizes(cache, options["train_size"], options["val_size"])
    with ray_started(resources, options["verbose"]) as room:
        images = _images(cache, train, val)
        note = _note(search, planned)
        study_run_id = open_study(client, search.stage, _parameters(options), note, images)
        study_dir = options["storage_path"] / study_run_id
        _begin_record(study_dir, search, planned, options)
        console.print(
            f"study {study_run_id} ({search.stage}), record in {study_dir}", soft_wrap=True
        )
        try:
            outcome = _search(client, search, options, cache, study_dir, room, [LiveView(planned)])
        except KeyboardInterrupt:  # the second one: leave at once
            close_study(client, study_run_id, "interrupted", None)
            raise
        except Exception:
            _finish(client, search.stage, study_run_id, study_dir, "failed")
            raise
        _finish(client, search.stage, study_run_id, study_dir, outcome)
    _conclude(console, client, study_run_id, read_trials(study_dir), outcome)


def draw_trial(trial: Trial):
    """The figure that every trial gets: its train and validation loss."""
    return trial_overfitting(trial.epochs, f"{trial.trial_id}  {run_name(trial.config)}")


def _resources(options: Mapping) -> Resources:
    names = ("ray_address", "cpus_per_trial", "gpus_per_trial", "concurrency")
    return Resources(*(options[name] for name in names))


def _parameters(options: Mapping) -> dict[str, str]:
    """The stage's parameters as MLflow stores them: text, as `mlflow run` writes them too."""
    return {
        name: str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in options.items()
    }


def _images(cache: Path, train: int, val: int) -> DatasetInfo:
    meta = json.loads((cache / "meta.json").read_text())
    return DatasetInfo(
        name=meta["dataset"], digest=meta["digest"], classes=meta["classes"], train=train, val=val
    )


def _note(search: Search, planned: Plan) -> str:
    return (
        f"**{search.stage}**: {planned.trials} trials, {planned.epochs} epochs planned, "
        f"strategy {search.strategy}. Its trials are the runs nested under it; "
        "its figures stand under Artifacts."
    )


def _begin_record(study_dir: Path, search: Search, planned: Plan, options: Mapping) -> None:
    study_dir.mkdir(parents=True)
    study = {
        "stage": search.stage,
        "strategy": search.strategy,
        "num_samples": planned.trials,
        "max_epochs": search.max_epochs,
        "parameters": _parameters(options),
        "plan": planned.as_dict(),
    }
    (study_dir / "study.json").write_text(json.dumps(study, indent=2))


def _search(
    client: MlflowClient,
    search: Search,
    options: Mapping,
    cache: Path,
    study_dir: Path,
    room: int,
    views: list,
) -> str:
    resources = _resources(options)
    problem = Problem(
        cache=cache,
        train_size=options["train_size"],
        val_size=options["val_size"],
        split_seed=options["split_seed"],
        horizon=search.max_epochs,
        device=resources.device(),
        precision=options["precision"],
        threads=resources.cpus_per_trial,
        checkpoints=study_dir / "checkpoints",
    )
    return run(
        study_dir,
        LadderSearcher(search.ladder(), search.sampler, room),
        trainable(problem),
        resources,
        [MLflowMirror(study_dir.name, study_dir, client.tracking_uri, draw_trial), *views],
        options["max_failures"],
        options["time_budget_s"],
    )


def _finish(
    client: MlflowClient, stage: str, study_run_id: str, study_dir: Path, outcome: str
) -> None:
    """Mirror every trial once more, log what the study is read by, and close its run."""
    best = None
    try:
        mirror_study(client, study_run_id, study_dir, draw_trial)
        best = _best(read_trials(study_dir))
        client.log_text(study_run_id, (study_dir / "study.json").read_text(), "plan.json")
        trials, curves = runs.trials(client, [study_run_id]), runs.curves(client, [study_run_id])
        client.log_text(study_run_id, trials.to_csv(index=False), "tables/trials.csv")
        for name, figure in stage_figures(stage, trials, curves).items():
            client.log_figure(study_run_id, figure, f"figures/{name}.png")
    finally:
        close_study(client, study_run_id, outcome if best else "failed", best)


def _best(trials: list[Trial]) -> Trial | None:
    measured = [trial for trial in trials if trial.epochs]
    return min(
        measured, key=lambda trial: trial.summary()[f"best_{OBJECTIVE.metric}"], default=None
    )


def _conclude(
    console: Console, client: MlflowClient, study_run_id: str, trials: list[Trial], outcome: str
) -> None:
    """Print the leaderboard.

    Raises:
        UserError: no trial got as far as one epoch.
    """
    if not any(trial.epochs for trial in trials):
        cause = next((t.error or t.outcome for t in trials if t.outcome), "nothing was started")
        raise UserError(
            f"study {study_run_id}: none of its {len(trials)} trials finished an epoch; "
            f"the first cause: {cause}"
        )
    if outcome == "interrupted":
        console.print("interrupted before its end; all that was measured stands in MLflow")
    show_leaderboard(console, runs.trials(client, [study_run_id]), client.tracking_uri)
