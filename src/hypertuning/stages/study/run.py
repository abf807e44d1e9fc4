"""Run one search stage: data → Ray → record → MLflow → figures and leaderboard."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext

from rich.console import Console

from hypertuning.config import OBJECTIVE, UserError
from hypertuning.record.files import parts
from hypertuning.record.layout import StudyDir
from hypertuning.record.locks import only_driver
from hypertuning.record.read import Recorded, read_trials
from hypertuning.record.write import write_ending
from hypertuning.search.few_processes import workers_inherit
from hypertuning.search.first_epoch import FirstEpoch
from hypertuning.search.live import LiveView
from hypertuning.search.outlook import enough_to_go_on, words
from hypertuning.search.ray_start import RayStart
from hypertuning.search.searcher import LadderSearcher
from hypertuning.search.stop import Stop, signals_caught
from hypertuning.search.study import run
from hypertuning.search.trainable import trainable
from hypertuning.stages.console.next_steps import how_to_go_on
from hypertuning.stages.console.show import say
from hypertuning.stages.console.waiting import tell_first_epoch, waiting
from hypertuning.stages.done import Done
from hypertuning.stages.options import StudyOptions
from hypertuning.stages.study.amended import check_unchanged
from hypertuning.stages.study.begin import begin, write_record
from hypertuning.stages.study.deliver import Undelivered, draw_trial, finish, recover
from hypertuning.stages.study.ending import conclude
from hypertuning.stages.study.past import read_past
from hypertuning.stages.study.prepare import Build, Prepared, prepare
from hypertuning.stages.study.same_space import check_version
from hypertuning.stages.study.searching import searcher_of
from hypertuning.tracking.callback import MLflowMirror
from hypertuning.tracking.launch import file_launcher, find_launch
from hypertuning.words import counted


def run_stage(stage: str, build: Build, options: StudyOptions, began: float) -> Done:
    """Run a stage from the data to the leaderboard; return its study, or nothing after a dry run.

    Args:
        began: When the stage was started, by the monotonic clock.

    Raises:
        UserError: something is missing, every trial failed, or MLflow did not get everything.
    """
    console = Console()
    if prepared := prepare(console, stage, build, options):
        return conclude(console, prepared, *carry_out(console, prepared), began)
    return Done()


def carry_out(
    console: Console, prepared: Prepared, ray: RayStart | None = None
) -> tuple[Recorded, bool]:
    """Search, and bring MLflow up to date; return the record, and whether the user stopped it.

    Args:
        ray: Ray, if it is started already; it is ended as soon as the search ends.
    """
    if prepared.warm:
        prepared.search.model.warm_start(prepared.warm.start.results)
    study_dir, options = prepared.resumed and prepared.resumed.study_dir, prepared.options
    with ExitStack() as driven:
        if study_dir:
            driven.enter_context(only_driver(study_dir))
            recover(study_dir)
        past = read_past(study_dir) if study_dir else []
        check_unchanged(prepared.amended, prepared.resumed, past)
        searcher = searcher_of(prepared, past)
        if past and searcher.done:
            return _end_again(console, prepared, study_dir, searcher), False
        check_version(prepared.search, prepared.resumed, past)
        try:
            with ray or _ray(console, prepared) as started:
                searcher.concurrency = started.room()
                stop = driven.enter_context(signals_caught())  # after Ray has set its own handlers
                study_dir = begin(prepared, driven)
                name = f"study {study_dir.id} ({prepared.search.stage})"
                say(console, [f"{name}, record in {study_dir}"])
                mirror = MLflowMirror(study_dir.id, study_dir, draw_trial)
                with workers_inherit() if prepared.resources.is_local else nullcontext():
                    outcome = _search(prepared, searcher, study_dir, mirror, stop)
            recover(study_dir)  # add what workers measured while they were stopped
            record = finish(prepared.client, study_dir, options.sync_timeout_s, mirror.delivered)
        except KeyboardInterrupt:  # the second Ctrl-C: leave at once
            if study_dir:
                say(console, [how_to_go_on(prepared.search.stage, study_dir.id, options)])
            raise
        except Undelivered:
            raise
        except Exception:
            if study_dir:
                _keep_what_there_is(console, prepared, study_dir)
            raise
    return record, outcome == "interrupted" and stop.signalled_at is not None


@contextmanager
def _ray(console: Console, prepared: Prepared) -> Iterator[RayStart]:
    options = prepared.options
    with RayStart(prepared.resources, options.storage_path, options.verbose) as ray:
        with waiting("Ray", console):
            ray.room()
        yield ray


def _end_again(
    console: Console, prepared: Prepared, study_dir: StudyDir, searcher: LadderSearcher
) -> Recorded:
    """Bring MLflow up to date with a study of which nothing is left to do.

    Raises:
        UserError: it was given a space from which nothing would be drawn.
    """
    if prepared.resumed.new_space:
        raise UserError(f"`space`: {_nothing_to_draw(prepared, study_dir, searcher)}")
    say(console, [f"every trial of study {study_dir.id} has ended"])
    write_record(prepared, study_dir)  # another `stop_when`, say
    # missing if killed at the end
    write_ending(parts(study_dir)[-1], "completed", searcher.expected_gain)
    record = finish(prepared.client, study_dir, prepared.options.sync_timeout_s)
    launch = find_launch(prepared.client, free=False)
    file_launcher(prepared.client, launch, study_dir.id, prepared.search.stage)
    return record


def _nothing_to_draw(prepared: Prepared, study_dir: StudyDir, searcher: LadderSearcher) -> str:
    """Why a study would draw nothing from another space, and with what it would."""
    if searcher.outlook and searcher.outlook.is_enough() and not searcher.ladder.done:
        gain, least = searcher.expected_gain, prepared.search.stop_when
        return (
            f"{words(gain)} there too, less than `stop_when` (={least:g}); with `stop_when` "
            f"{enough_to_go_on(gain):g} study {study_dir.id} goes on in it"
        )
    return (
        f"nothing is left to draw of the {counted(prepared.planned.trials, 'trial')} of study "
        f"{study_dir.id}; with a larger `num_samples` it goes on in another space"
    )


def _keep_what_there_is(console: Console, prepared: Prepared, study_dir: StudyDir) -> None:
    """After an error in the search, send what was measured; only print errors of the sending."""
    try:
        recover(study_dir)
        finish(prepared.client, study_dir, patience_s=0)
    except (UserError, OSError) as error:
        say(console, [str(error)])


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
            LiveView(
                prepared.planned,
                measured,
                searcher.concurrency,
                searcher.costs,
                searcher.outlook,
                searcher.points,
            ),
        ],
        prepared.options.max_failures,
        prepared.options.time_budget_s,
        stop,
    )
