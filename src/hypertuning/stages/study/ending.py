"""The end of a stage: print the best trials, the files, the next commands and the page."""

import time
from collections.abc import Iterator, Sequence
from datetime import timedelta

from rich.console import Console

from hypertuning.config import UserError
from hypertuning.record.read import Recorded
from hypertuning.record.trial import Trial
from hypertuning.report.bounds import at_ends
from hypertuning.search.outlook import enough_to_go_on, words
from hypertuning.stages.console.commands import command_of
from hypertuning.stages.console.next_steps import how_to_go_on, next_steps
from hypertuning.stages.console.pages import files_of, how_to_see
from hypertuning.stages.console.show import say, show_leaderboard
from hypertuning.stages.done import STOPPED, Done
from hypertuning.stages.results import Study
from hypertuning.stages.study.prepare import Prepared
from hypertuning.stages.study.wider import look_beyond
from hypertuning.tracking import runs
from hypertuning.tracking.view import address
from hypertuning.words import counted


def conclude(
    console: Console, prepared: Prepared, record: Recorded, stopped: bool, began: float
) -> Done:
    """Print the results of a study, its page last; return the study.

    Args:
        began: When the stage was started, by the monotonic clock.

    Raises:
        UserError: no trial finished an epoch.
    """
    stage = record.study["stage"]
    if record.outcome == "failed" or not (record.epochs or stopped):
        raise UserError(_nothing(record.id, record.trials))
    if record.epochs:
        trials = runs.trials(prepared.client, [record.id])
        show_leaderboard(console, trials)
        ends = at_ends(trials)
        beyond = look_beyond(prepared, record, ends)
        say(console, [*(end.said for end in ends), *([beyond] if beyond else [])])
        say(console, _outlook(prepared, record))
        say(console, _told(prepared, record, began))
    if record.outcome == "interrupted":
        say(console, [how_to_go_on(stage, record.id, prepared.options)])
    elif record.epochs:
        say(console, next_steps(stage, record.id, prepared.options))
    if record.epochs:
        page = address(prepared.client.get_run(record.id))
        say(console, how_to_see(prepared.client, page))
    return Done(Study(record.id, prepared.client), STOPPED if stopped else 0)


def _outlook(prepared: Prepared, record: Recorded) -> Iterator[str]:
    """What going on was expected to gain, and whether that ended the study."""
    gain, least = record.expected_gain, prepared.search.stop_when
    planned = prepared.planned.trials
    if gain is None:
        return
    if record.outcome == "completed" and gain < least and len(record.trials) < planned:
        options = prepared.options.changed(["storage_path"])
        stage = record.study["stage"]
        again = command_of(stage, resume=record.id, stop_when=enough_to_go_on(gain), **options)
        yield f"{words(gain)}, less than `stop_when` (={least:g}). To go on: {again}"
    else:
        yield words(gain)


def _nothing(study_id: str, trials: Sequence[Trial]) -> str:
    cause = next((t.error or t.outcome for t in trials if t.outcome), "nothing was started")
    none = (
        "its only trial did not finish"
        if len(trials) == 1
        else (f"none of its {counted(len(trials), 'trial')} finished")
    )
    return f"study {study_id}: {none} an epoch; the first cause: {cause}"


def _told(prepared: Prepared, record: Recorded, began: float) -> Iterator[str]:
    counts = f"{counted(len(record.trials), 'trial')}, {counted(record.epochs, 'epoch')}"
    took = timedelta(seconds=round(time.monotonic() - began))
    yield f"{counts}; this command took {took}"
    yield f"figures and tables: {files_of(prepared.client, record.id)}"
