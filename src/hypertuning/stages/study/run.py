"""Run one search stage: data → Ray → record → MLflow → figures and leaderboard."""

import json
import time
from contextlib import ExitStack

from mlflow.exceptions import MlflowException
from rich.console import Console

from hypertuning.addresses import without_password, without_secrets
from hypertuning.config import OBJECTIVE, UserError
from hypertuning.record.files import parts
from hypertuning.record.layout import StudyDir
from hypertuning.record.locks import only_driver
from hypertuning.record.read import Recorded, read_trials
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
from hypertuning.stages.done import Done
from hypertuning.stages.options import NONE, Images, StudyOptions
from hypertuning.stages.start import check_can_be_written
from hypertuning.stages.study.deliver import Undelivered, draw_trial, finish, recover
from hypertuning.stages.study.ending import conclude
from hypertuning.stages.study.planning import description
from hypertuning.stages.study.prepare import Build, Prepared, prepare
from hypertuning.stages.study.resume import FILES, keep_files, read_past
from hypertuning.tracking.callback import MLflowMirror
from hypertuning.tracking.labels import study_name
from hypertuning.tracking.launch import file_launcher, find_launch
from hypertuning.tracking.store import reason
from hypertuning.tracking.study_run import Opening, close_study, open_study, reopen_study
from hypertuning.words import counted


def run_stage(stage: str, build: Build, options: StudyOptions) -> Done:
    """Run a stage from the data to the leaderboard; return its study, or nothing after a dry run.

    Raises:
        UserError: something is missing, every trial failed, or MLflow did not get everything.
    """
    console = Console()
    if prepared := prepare(console, stage, build, options):
        return conclude(console, prepared, *carry_out(console, prepared))
    return Done()


def carry_out(console: Console, prepared: Prepared) -> tuple[Recorded, bool]:
    """Search, and bring MLflow up to date; return the record, and whether the user stopped it."""
    if prepared.warm:
        prepared.search.model.warm_start(prepared.warm.start.results)
    study_dir = prepared.resumed and prepared.resumed.study_dir
    patience_s = prepared.options.sync_timeout_s
    with ExitStack() as driven:
        if study_dir:
            driven.enter_context(only_driver(study_dir))
            recover(study_dir)
        past = read_past(study_dir) if study_dir else []
        searcher = LadderSearcher(prepared.search.ladder(), prepared.search.sampler, 1, past)
        if past and searcher.done:
            say(console, [f"nothing is left to do of study {study_dir.id}"])
            write_ending(parts(study_dir)[-1], "completed")  # missing if killed at the end
            record = finish(prepared.client, study_dir, patience_s)
            launch = find_launch(prepared.client, free=False)
            file_launcher(prepared.client, launch, study_dir.id, prepared.search.stage)
            return record, False
        try:
            with ExitStack() as ray:
                with waiting("Ray", console):
                    asked = (
                        prepared.resources,
                        prepared.options.storage_path,
                        prepared.options.verbose,
                    )
                    searcher.concurrency = ray.enter_context(ray_started(*asked))
                stop = driven.enter_context(signals_caught())  # after Ray has set its own handlers
                study_dir = _open(prepared, driven)
                name = f"study {study_dir.id} ({prepared.search.stage})"
                say(console, [f"{name}, record in {study_dir}"])
                mirror = _mirror(prepared, study_dir)
                outcome = _search(prepared, searcher, study_dir, mirror, stop)
            recover(study_dir)  # add what workers measured while they were stopped
            record = finish(prepared.client, study_dir, patience_s, mirror.delivered)
        except KeyboardInterrupt:  # the second Ctrl-C: leave at once
            if study_dir:
                say(console, [how_to_go_on(prepared.search.stage, study_dir.id, prepared.options)])
            raise
        except Undelivered:
            raise
        except Exception:
            if study_dir:
                _keep_what_there_is(console, prepared, study_dir)
            raise
    late = searcher.deadline is not None and time.monotonic() > searcher.deadline
    return record, outcome == "interrupted" and not late


def _keep_what_there_is(console: Console, prepared: Prepared, study_dir: StudyDir) -> None:
    """After an error in the search, send what was measured; only print errors of the sending."""
    try:
        recover(study_dir)
        finish(prepared.client, study_dir, patience_s=0)
    except (UserError, OSError) as error:
        say(console, [str(error)])


def _open(prepared: Prepared, driven: ExitStack) -> StudyDir:
    """Open the study's run and its record; return the record's folder.

    Args:
        driven: Holds the lock on the record while this process drives the study.

    Raises:
        UserError: the disk is full, or the store does not answer.
    """
    storage_path = prepared.options.storage_path
    check_can_be_written(storage_path)
    try:
        if prepared.resumed:
            reopen_study(prepared.client, prepared.resumed.study_dir.id, _opening(prepared))
            _write_record(prepared, prepared.resumed.study_dir)
            return prepared.resumed.study_dir
        study_id = open_study(
            prepared.client,
            _opening(prepared),
            _parameters(prepared),
            prepared.images,
            storage_path,
        )
    except MlflowException as error:
        store = without_password(prepared.client.tracking_uri)
        raise UserError(
            f"the tracking store {store} did not open a study: {reason(error)}; nothing has been "
            "started"
        ) from error
    try:
        driven.enter_context(only_driver(StudyDir.of(storage_path, study_id)))
        _write_record(prepared, StudyDir.of(storage_path, study_id))
    except OSError as error:
        close_study(prepared.client, study_id, "failed")
        raise UserError(f"the record could not be begun: {error.strerror}") from error
    return StudyDir.of(storage_path, study_id)


def _opening(prepared: Prepared) -> Opening:
    search = prepared.search
    what = search.title or counted(prepared.planned.trials, "trial")
    return Opening(
        stage=search.stage,
        name=study_name(search.stage, prepared.images["name"], what),
        note=description(search, prepared.planned, prepared.trains_on, prepared.notes),
        tags=_tags(prepared),
        searched=search.searched,
    )


def _tags(prepared: Prepared) -> dict[str, str]:
    """Tags that distinguish a study from others of its stage, in MLflow and in a report."""
    space = {"space": json.dumps(prepared.search.space)} if prepared.search.space else {}
    return {
        "strategy": prepared.search.strategy,
        "planned_trials": str(prepared.planned.trials),
        "images": without_secrets(prepared.asked_images.dataset),
        **space,
    }


def _write_record(prepared: Prepared, study_dir: StudyDir) -> None:
    """Write what the study was asked for; if it is resumed, what may have changed."""
    begun = {
        "stage": prepared.search.stage,
        "strategy": prepared.search.strategy,
        "dataset": prepared.images,
        "model_needs": prepared.search.model and prepared.search.model.needed,
        "warm_start": prepared.warm
        and {"studies": prepared.warm.studies, **prepared.warm.start._asdict()},
        "given": prepared.search.given,
    }
    now = {
        "tracking_uri": without_password(prepared.client.tracking_uri),
        "max_epochs": prepared.search.max_epochs,
        "num_samples": prepared.planned.trials,
        "parameters": _parameters(prepared),
        "plan": prepared.planned.as_dict(),
    }
    if prepared.resumed:
        had = prepared.resumed.study["parameters"]
        files = {name: had[name] for name in FILES if name in had}
        now["parameters"] |= {**files, "resume": NONE}
    else:
        keep_files(study_dir, prepared.options)
    write_study(study_dir, {**(prepared.resumed.study if prepared.resumed else begun), **now})


def _mirror(prepared: Prepared, study_dir: StudyDir) -> MLflowMirror:
    return MLflowMirror(study_dir.id, study_dir, draw_trial)


def _search(
    prepared: Prepared,
    searcher: LadderSearcher,
    study_dir: StudyDir,
    mirror: MLflowMirror,
    stop: Stop,
) -> str:
    """Run one part of the study to its end; return its outcome."""
    measured = {
        (trial.number, row["epoch"]): row[OBJECTIVE]
        for trial in read_trials(study_dir)
        for row in trial.epochs
    }
    return run(
        study_dir,
        searcher,
        trainable(prepared.problem._replace(checkpoints=study_dir.checkpoints)),
        prepared.resources,
        [
            mirror,
            FirstEpoch(tell_first_epoch),
            LiveView(prepared.planned, measured, searcher.concurrency),
        ],
        prepared.options.max_failures,
        prepared.options.time_budget_s,
        stop,
    )


def _parameters(prepared: Prepared) -> dict[str, str]:
    """The stage's parameters as text, in the form in which `mlflow run` logs them."""
    images = prepared.asked_images.parameters()
    asked = {n: images[n] for n in Images.names()} | prepared.options.parameters()
    return {name: without_secrets(text) for name, text in asked.items()}
