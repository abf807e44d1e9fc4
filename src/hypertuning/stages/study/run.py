"""Run one search stage: data → Ray → record → MLflow → figures and leaderboard."""

import json
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from mlflow.exceptions import MlflowException
from rich.console import Console

from hypertuning.addresses import without_password, without_secrets
from hypertuning.config import OBJECTIVE, UserError
from hypertuning.record.files import parts
from hypertuning.record.locks import only_driver
from hypertuning.record.read import read_trials
from hypertuning.record.write import write_ending, write_study
from hypertuning.search.first_epoch import FirstEpoch
from hypertuning.search.live import LiveView
from hypertuning.search.ray_start import ray_started
from hypertuning.search.searcher import LadderSearcher
from hypertuning.search.stop import Stop, signals_caught
from hypertuning.search.study import run
from hypertuning.search.trainable import trainable
from hypertuning.stages.console.next_steps import how_to_go_on
from hypertuning.stages.console.show import say
from hypertuning.stages.console.waiting import tell_first_epoch, waiting
from hypertuning.stages.options import NONE
from hypertuning.stages.start import check_writable
from hypertuning.stages.study.deliver import Undelivered, draw_trial, finish, recover
from hypertuning.stages.study.ending import conclude
from hypertuning.stages.study.planning import description
from hypertuning.stages.study.prepare import Build, Job, prepare
from hypertuning.stages.study.resume import FILES, keep_files, read_past
from hypertuning.tracking.callback import MLflowMirror
from hypertuning.tracking.labels import study_name
from hypertuning.tracking.launch import file_launcher, find_launch
from hypertuning.tracking.store import reason
from hypertuning.tracking.study_run import Opening, close_study, open_study, reopen_study
from hypertuning.words import counted


def run_stage(stage: str, build: Build, options: Mapping) -> None:
    """Run a stage from the data to the leaderboard.

    Raises:
        UserError: something is missing, every trial failed, or not everything reached MLflow.
    """
    console = Console()
    if job := prepare(console, stage, build, options):
        conclude(console, job, *carry_out(console, job))


def carry_out(console: Console, job: Job) -> tuple[Path, bool]:
    """Search, and bring MLflow up to date; give the record, and whether somebody stopped it."""
    if job.warm:
        job.search.model.warm_start(job.warm.start.results)
    study_dir = job.earlier and job.earlier.study_dir
    patience_s = job.options["sync_timeout_s"]
    with ExitStack() as driven:
        if study_dir:
            driven.enter_context(only_driver(study_dir))
            recover(study_dir)
        past = read_past(study_dir) if study_dir else []
        searcher = LadderSearcher(job.search.ladder(), job.search.sampler, 1, past)
        if past and searcher.done:
            say(console, [f"nothing is left to do of study {study_dir.name}"])
            write_ending(parts(study_dir)[-1], "completed")  # if killed at the very end
            finish(job.client, study_dir, patience_s)
            launch = find_launch(job.client, free=False)
            file_launcher(job.client, launch, study_dir.name, job.search.stage)
            return study_dir, False
        try:
            with ExitStack() as ray:
                with waiting("Ray", console):
                    asked = (job.resources, job.options["storage_path"], job.options["verbose"])
                    searcher.concurrency = ray.enter_context(ray_started(*asked))
                stop = driven.enter_context(signals_caught())  # after Ray has set its own handlers
                study_dir = _open(job, driven)
                name = f"study {study_dir.name} ({job.search.stage})"
                say(console, [f"{name}, record in {study_dir}"])
                mirror = _mirror(job, study_dir)
                outcome = _search(job, searcher, study_dir, mirror, stop)
            recover(study_dir)  # what a worker measured while it was being stopped
            finish(job.client, study_dir, patience_s, mirror.delivered)
        except KeyboardInterrupt:  # the second one: leave at once
            if study_dir:
                say(console, [how_to_go_on(job.search.stage, study_dir, job.options)])
            raise
        except Undelivered:
            raise
        except Exception:
            if study_dir:
                _keep_what_there_is(console, job, study_dir)
            raise
    late = searcher.deadline is not None and time.monotonic() > searcher.deadline
    return study_dir, outcome == "interrupted" and not late


def _keep_what_there_is(console: Console, job: Job, study_dir: Path) -> None:
    """After something went wrong in the search, which matters more than what goes wrong here."""
    try:
        recover(study_dir)
        finish(job.client, study_dir, patience_s=0)
    except (UserError, OSError) as error:
        say(console, [str(error)])


def _open(job: Job, driven: ExitStack) -> Path:
    """Open the study's run and its record; give the record.

    Args:
        driven: Holds the record for as long as it is driven from here.

    Raises:
        UserError: no disk space, or the store went away.
    """
    storage_path = job.options["storage_path"]
    check_writable(storage_path)
    try:
        if job.earlier:
            reopen_study(job.client, job.earlier.study_dir.name, _opening(job))
            _write_record(job, job.earlier.study_dir)
            return job.earlier.study_dir
        study_id = open_study(
            job.client, _opening(job), _parameters(job.options), job.images, storage_path
        )
    except MlflowException as error:
        raise UserError(
            f"the tracking store {without_password(job.client.tracking_uri)} did not open a study: "
            f"{reason(error)}; nothing has been started"
        ) from error
    try:
        driven.enter_context(only_driver(storage_path / study_id))
        _write_record(job, storage_path / study_id)
    except OSError as error:
        close_study(job.client, study_id, "failed")
        raise UserError(f"the record could not be begun: {error.strerror}") from error
    return storage_path / study_id


def _opening(job: Job) -> Opening:
    search = job.search
    what = search.title or counted(job.planned.trials, "trial")
    return Opening(
        stage=search.stage,
        name=study_name(search.stage, job.images["name"], what),
        note=description(search, job.planned, job.trains_on, job.notes),
        tags=_tags(job),
        searched=search.searched,
    )


def _tags(job: Job) -> dict[str, str]:
    """What tells a study from others of its stage, in MLflow's table of runs and in a report."""
    space = {"space": json.dumps(job.search.space)} if job.search.space else {}
    return {
        "strategy": job.search.strategy,
        "planned_trials": str(job.planned.trials),
        "images": without_secrets(job.options["dataset"]),
        **space,
    }


def _write_record(job: Job, study_dir: Path) -> None:
    """Write what the study was asked for; of one that goes on, what may have changed."""
    begun = {
        "stage": job.search.stage,
        "strategy": job.search.strategy,
        "dataset": job.images,
        "model_needs": job.search.model and job.search.model.needed,
        "warm_start": job.warm and {"studies": job.warm.studies, **job.warm.start._asdict()},
        "given": job.search.given,
    }
    now = {
        "tracking_uri": without_password(job.client.tracking_uri),
        "max_epochs": job.search.max_epochs,
        "num_samples": job.planned.trials,
        "parameters": _parameters(job.options),
        "plan": job.planned.as_dict(),
    }
    if job.earlier:
        had = job.earlier.study["parameters"]
        files = {name: had[name] for name in FILES if name in had}
        now["parameters"] |= {**files, "resume": NONE}
    else:
        keep_files(study_dir, job.options)
    write_study(study_dir, {**(job.earlier.study if job.earlier else begun), **now})


def _mirror(job: Job, study_dir: Path) -> MLflowMirror:
    return MLflowMirror(study_dir.name, study_dir, draw_trial)


def _search(
    job: Job, searcher: LadderSearcher, study_dir: Path, mirror: MLflowMirror, stop: Stop
) -> str:
    """Run one part of the study to its end; give its outcome."""
    measured = {
        (trial.number, row["epoch"]): row[OBJECTIVE.metric]
        for trial in read_trials(study_dir)
        for row in trial.epochs
    }
    return run(
        study_dir,
        searcher,
        trainable(job.problem._replace(checkpoints=study_dir / "checkpoints")),
        job.resources,
        [
            mirror,
            FirstEpoch(tell_first_epoch),
            LiveView(job.planned, measured, searcher.concurrency),
        ],
        job.options["max_failures"],
        job.options["time_budget_s"],
        stop,
    )


def _parameters(options: Mapping) -> dict[str, str]:
    """The stage's parameters as MLflow stores them: text, as `mlflow run` writes them too."""
    return {
        name: str(value).lower() if isinstance(value, bool) else without_secrets(str(value))
        for name, value in options.items()
    }
