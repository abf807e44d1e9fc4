"""Plan a study: its rungs, its time and disk, and notes for the user before it starts."""

import math
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from hypertuning.processors import cores
from hypertuning.search.plan import Plan, plan
from hypertuning.search.problem import Problem
from hypertuning.search.resources import Resources
from hypertuning.stages.console.commands import command_of
from hypertuning.stages.kinds import from_anywhere
from hypertuning.stages.options import Images, StudyOptions
from hypertuning.stages.study.searches import Search
from hypertuning.words import counted

if TYPE_CHECKING:  # MLflow takes seconds, and a plan does without
    from hypertuning.stages.study.warm_start import Warm
    from hypertuning.tracking.study_run import DatasetInfo

TIMED_CONFIGS = 6


class Estimate(NamedTuple):
    """The time and disk of a study."""

    words: str
    seconds: float = math.nan
    """Of training, in all; NaN if unknown."""


UNREAD = "`warm_start` is not read before the images are there: this plan is without the warm start"


def no_estimate(asked: Images) -> Estimate:
    """Say that the estimate needs the images, and how to get them."""
    download = command_of("download", **asked.changed(["data_dir"]))
    return Estimate(f"none before the images are there; to get them: {download}")


def warm_start(options: StudyOptions) -> str | None:
    """The option `warm_start`, which only some stages have."""
    return getattr(options, "warm_start", None)


def plan_of(search: Search, warm: "Warm | None" = None, added: Iterable[int] = ()) -> Plan:
    """The plan of a search.

    Args:
        added: The trials that have points which came when the study went on.
    """
    earlier = [result.epoch for result in warm.start.results] if warm else []
    points = {*range(search.arms * len(search.points)), *added}
    return plan(search.ladder, search.model and search.model.needed, earlier, points)


def notes_on(search: Search, planned: Plan, warm: "Warm | None") -> list[str]:
    """What the user should know before the search starts, a line each."""
    notes = [*search.notes, *([warm.note()] if warm else [])]
    if search.model and planned.model_from is None:
        notes.append(
            f"warning: `num_samples` (={planned.trials}) never gives the model the "
            f"{search.model.needed} results after one number of epochs that it needs, so every "
            f"configuration is drawn at random; {search.enough_samples} would do"
        )
    return notes


def other_images(search: Search, images: "DatasetInfo", asked: Images) -> list[str]:
    """A note if a configuration is trained on other images than those it was found on."""
    had = {**(search.found_on or {})}
    if "dataset" in had:  # earlier versions recorded a folder as it was typed
        had["dataset"] = from_anywhere(had["dataset"])
    now = {**dict(asked), "train_size": images["train"], "val_size": images["val"]}
    names = ("dataset", "train_size", "val_size", "split_seed")
    if all(had.get(name, now[name]) == now[name] for name in names):
        return []
    this, that = (", ".join(f"{name}={of[name]}" for name in names) for of in (now, had))
    return [f"it trains on {this}, the search had {that}: their losses do not compare"]


def estimate(search: Search, planned: Plan, problem: Problem, resources: Resources) -> Estimate:
    """Estimate time and disk of a study from a few batches of a few of its configurations.

    It covers only training, not starting workers, writing the record and drawing figures.
    """
    if resources.address != "local":
        return Estimate(
            "none for a cluster; one with ray_address=local says what this machine would take"
        )
    # seconds to import, for a dry run alone
    import torch

    from hypertuning.search.cost import measure

    has = {"CPU": cores(), "GPU": torch.cuda.device_count()}
    room = min(planned.trials, resources.room(has))
    count = min(planned.trials, TIMED_CONFIGS)
    numbers = sorted({round(n) for n in np.linspace(0, planned.trials - 1, count)})
    cost = measure(problem, [search.sampler.propose(number).config for number in numbers])
    seconds = planned.epochs * cost.seconds / room
    about = "at least" if planned.more_may_come else "about"
    words = (
        f"{about} {timedelta(seconds=round(seconds))} of training, "
        f"{counted(room, 'trial')} at once, "
        f"{planned.trials * cost.checkpoint_bytes / 1e6:.0f} MB of checkpoints "
        f"({counted(len(numbers), 'configuration')} timed: {cost.seconds:.2g} s an epoch)"
    )
    if refit := search.refit:  # alone, on all cores
        alone = problem._replace(train_size=refit.train_size, threads=cores())
        more = refit.epochs * measure(alone, [refit.config]).seconds
        words += f"; then at most {timedelta(seconds=round(more))} for the refit"
        seconds += more
    return Estimate(words, seconds)


def description(
    search: Search, planned: Plan, trains_on: Mapping[str, str], notes: list[str]
) -> str:
    """The note on a study at its start."""
    rows = [
        f"| {name} | {words.replace('|', chr(92) + '|')} |" for name, words in trains_on.items()
    ]
    lines = [
        f"**{search.stage}**: {planned.words} planned, "
        f"strategy {search.strategy}. Its trials are the runs nested under it; "
        "its figures stand under Artifacts.",
        "\n".join(["| trains on | |", "|---|---|", *rows]),
        *notes,
    ]
    if search.model and planned.model_from is not None:
        lines.append(
            f"The model needs {search.model.needed} results after one number of epochs; by plan "
            f"it may propose from trial {planned.model_from} on."
        )
    return "\n\n".join(lines)
