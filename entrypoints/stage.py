"""Run one search stage: data → Ray → record → MLflow → figures and leaderboard."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from tempfile import TemporaryFile

from mlflow import MlflowClient
from rich.console import Console

from entrypoints.options import show_log, usage
from entrypoints.planning import (
    NO_ESTIMATE,
    UNREAD,
    description,
    estimate,
    notes_on,
    plan_of,
)
from entrypoints.searches import Search
from entrypoints.show import show_leaderboard, show_plan
from entrypoints.warm import Warm, read_warm_start, warm_start_wanted
from hypertuning.config import OBJECTIVE, UserError
from hypertuning.learn import data
from hypertuning.learn.sources import find_source
from hypertuning.report.figures import trial_overfitting
from hypertuning.report.stages import stage_figures
from hypertuning.search.live import LiveView
from hypertuning.search.plan import Plan
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
    console = Console()
    with usage():
        resources = _resources(options)
        source = find_source(options["dataset"], options["data_dir"])
    if options["dry_run"] and source is None:
        planned = plan_of(search)
        notes = [UNREAD] if warm_start_wanted(options) else notes_on(search, planned, None)
        _say(console, notes)
        return show_plan(console, search, planned, NO_ESTIMATE)
    client = connect() if not options["dry_run"] or warm_start_wanted(options) else None
    show_log()
    cache = data.prepare(options["dataset"], options["data_dir"])
    with usage():
        images = _images(cache, options)
        warm = read_warm_start(client, search, options, images) if client else None
    planned = plan_of(search, warm)
    notes = notes_on(search, planned, warm)
    _say(console, notes)
    if options["dry_run"]:
        return show_plan(
            console,
            search,
            planned,
            estimate(search, planned, _problem(search, options, cache, Path()), resources),
        )
    if warm:
        search.model.warm_start(warm.start.results)
    with ray_started(resources, options["verbose"]) as room:
        _check_writable(options["storage_path"])
        note = description(search, planned, notes)
        study_run_id = open_study(client, search.stage, _parameters(options), note, images)
        study_dir = options["storage_path"] / study_run_id
        console.print(
            f"study {study_run_id} ({search.stage}), record in {study_dir}", soft_wrap=True
        )
        try:
            _begin_record(study_dir, search, planned, warm, options)
            outcome = _search(client, search, options, cache, study_dir, room, [LiveView(planned)])
        except KeyboardInterrupt:  # the second one: leave at once
            close_study(client, study_run_id, "interrupted", None)
            raise
        except Exception:
            _finish(client, search, study_run_id, study_dir, "failed")
            raise
        _finish(client, search, study_run_id, study_dir, outcome)
    _conclude(console, client, study_run_id, read_trials(study_dir), outcome)


def _say(console: Console, lines: Iterable[str]) -> None:
    for line in lines:
        console.print(line, highlight=False, soft_wrap=True, markup=False)


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


def _images(cache: Path, options: Mapping) -> DatasetInfo:
    train, val = data.sizes(cache, options["train_size"], options["val_size"])
    meta = json.loads((cache / "meta.json").read_text())
    return DatasetInfo(
        name=meta["dataset"], digest=meta["digest"], classes=meta["classes"], train=train, val=val
    )


def _check_writable(storage_path: Path) -> None:
    """Refuse a folder that cannot take the record, while no run has been opened."""
    try:
        storage_path.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=storage_path):
            pass
    except OSError as error:
        raise UserError(
            f"`storage_path` {storage_path} cannot be written to: {error.strerror}; name another"
        ) from error


def _begin_record(
    study_dir: Path, search: Search, planned: Plan, warm: Warm | None, options: Mapping
) -> None:
    study_dir.mkdir(parents=True)
    study = {
        "stage": search.stage,
        "strategy": search.strategy,
        "num_samples": planned.trials,
        "max_epochs": search.max_epochs,
        "parameters": _parameters(options),
        "plan": planned.as_dict(),
        "warm_start": warm and {"studies": warm.studies, **warm.start._asdict()},
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
    return run(
        study_dir,
        LadderSearcher(search.ladder(), search.sampler, room),
        trainable(_problem(search, options, cache, study_dir / "checkpoints")),
        _resources(options),
        [MLflowMirror(study_dir.name, study_dir, client.tracking_uri, draw_trial), *views],
        options["max_failures"],
        options["time_budget_s"],
    )


def _problem(search: Search, options: Mapping, cache: Path, checkpoints: Path) -> Problem:
    resources = _resources(options)
    return Problem(
        cache=cache,
        train_size=options["train_size"],
        val_size=options["val_size"],
        split_seed=options["split_seed"],
        horizon=search.max_epochs,
        device=resources.device(),
        precision=options["precision"],
        threads=resources.cpus_per_trial,
        checkpoints=checkpoints,
    )


def _finish(
    client: MlflowClient, search: Search, study_run_id: str, study_dir: Path, outcome: str
) -> None:
    """Mirror every trial once more, log what the study is read by, and close its run."""
    best, tags = None, {}
    try:
        mirror_study(client, study_run_id, study_dir, draw_trial)
        found = read_trials(study_dir)
        best, tags = _best(found), _model_use(search, found)
        client.log_text(study_run_id, (study_dir / "study.json").read_text(), "plan.json")
        trials, curves = runs.trials(client, [study_run_id]), runs.curves(client, [study_run_id])
        client.log_text(study_run_id, trials.to_csv(index=False), "tables/trials.csv")
        for name, figure in stage_figures(search.stage, trials, curves).items():
            client.log_figure(study_run_id, figure, f"figures/{name}.png")
    finally:
        close_study(client, study_run_id, outcome if best else "failed", best, tags)


def _model_use(search: Search, trials: list[Trial]) -> dict[str, str]:
    """Tags that say what the model needed, when it first proposed, and what share it had."""
    if not search.model:
        return {}
    proposed = [trial for trial in trials if trial.job["sampler"] in ("model", "warm")]
    return {
        "model_needs": str(search.model.needed),
        "model_first_trial": proposed[0].trial_id if proposed else "none",
        "model_share": f"{len(proposed) / max(1, len(trials)):.3f}",
    }


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
