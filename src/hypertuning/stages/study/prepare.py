"""From a stage's options to what it will do; everything that can be wrong is seen here."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from mlflow import MlflowClient
from rich.console import Console

from hypertuning.learn import data
from hypertuning.learn.cache import read_meta
from hypertuning.learn.sources import find_source
from hypertuning.search.plan import Plan
from hypertuning.search.resources import Resources
from hypertuning.search.trainable import Problem
from hypertuning.stages.console.show import say
from hypertuning.stages.console.waiting import waiting
from hypertuning.stages.options import NONE, show_log, usage
from hypertuning.stages.start import resources_of
from hypertuning.stages.study.dry_run import show_plan
from hypertuning.stages.study.planning import (
    UNREAD,
    estimate,
    no_estimate,
    notes_on,
    other_images,
    plan_of,
)
from hypertuning.stages.study.resume import Earlier, find_earlier
from hypertuning.stages.study.searches import Search
from hypertuning.stages.study.trains_on import in_lines, trains_on
from hypertuning.stages.study.warm_start import Warm, read_warm_start, warm_start_wanted
from hypertuning.tracking.artifacts import check_artifact_store as check_writable
from hypertuning.tracking.launch import find_launch
from hypertuning.tracking.store import connect
from hypertuning.tracking.study_run import DatasetInfo, this_experiment

Build = Callable[[Mapping], Search]
"""What a stage searches, from its options."""
Check = Callable[["Job"], "Job"]
"""What else a stage sees to when its images are known."""


class Job(NamedTuple):
    """What a stage will do."""

    search: Search
    options: Mapping
    client: MlflowClient
    resources: Resources
    problem: Problem
    """Its checkpoints have no place yet."""
    images: DatasetInfo
    warm: Warm | None
    planned: Plan
    trains_on: Mapping[str, str]
    """Images, classes, device, in words."""
    notes: list[str]
    earlier: Earlier | None
    """The study that it continues."""


def prepare(
    console: Console, stage: str, build: Build, options: Mapping, check: Check | None = None
) -> Job | None:
    """Look at options, data and store; None after a dry run.

    Raises:
        UserError: something is wrong or missing.
    """
    resume = options["resume"] != NONE
    client = _connect(console) if resume else None
    with usage():
        earlier = find_earlier(client, stage, options) if resume else None
    options = earlier.options if earlier else options
    search = build({**options, "given": earlier and earlier.study.get("given")})
    options = {**options, **search.settled}
    with usage():
        resources = resources_of(options)
        source = find_source(options["dataset"], options["data_dir"])
    if options["dry_run"] and source is None:
        planned = plan_of(search)
        say(console, [UNREAD] if warm_start_wanted(options) else notes_on(search, planned, None))
        return show_plan(console, search, planned, no_estimate(options))
    if not client and (check or warm_start_wanted(options) or not options["dry_run"]):
        client = _connect(console)
    if client and (check or not options["dry_run"]):
        _check_store(client, earlier)
    show_log()
    with waiting("images", console):
        cache = data.prepare(options["dataset"], options["data_dir"])
    with usage():
        images = _images(cache, options)
        warm = _warm(client, search, options, images, earlier)
    planned = plan_of(search, warm)
    notes = [
        *notes_on(search, planned, warm),
        *other_images(search, images, options),
        *([earlier.note(planned), *earlier.unheard] if earlier else []),
    ]
    problem = problem_of(search, options, cache, resources)
    on = trains_on(cache, search, planned, problem, resources.address)
    say(console, [*in_lines(on), *notes])
    job = Job(
        search, options, client, resources, problem, images, warm, planned, on, notes, earlier
    )
    if check:
        job = check(job)
    if options["dry_run"]:
        return show_plan(console, search, planned, estimate(search, planned, problem, resources))
    return job


def _check_store(client: MlflowClient, earlier: Earlier | None) -> None:
    """See whether the study's run can be opened, and take files."""
    with usage():
        find_launch(client, free=earlier is None)
    run = earlier and client.get_run(earlier.study_dir.name)
    check_writable(client, run.info.experiment_id if run else this_experiment(client))


def _warm(
    client: MlflowClient | None,
    search: Search,
    options: Mapping,
    images: DatasetInfo,
    earlier: Earlier | None,
) -> Warm | None:
    """What a study that goes on has learnt of others stands in its record."""
    if earlier:
        earlier.check_images(images)
        return earlier.warm()
    return read_warm_start(client, search, options, images) if client else None


def _connect(console: Console) -> MlflowClient:
    with waiting("tracking store", console):
        return connect()


def _images(cache: Path, options: Mapping) -> DatasetInfo:
    train, val = data.sizes(cache, options["train_size"], options["val_size"])
    meta = read_meta(cache)
    return DatasetInfo(
        name=meta["dataset"], digest=meta["digest"], classes=meta["classes"], train=train, val=val
    )


def problem_of(search: Search, options: Mapping, cache: Path, resources: Resources) -> Problem:
    """What the trials of a study share; their checkpoints have no place yet."""
    return Problem(
        cache=cache,
        train_size=options["train_size"],
        val_size=options["val_size"],
        split_seed=options["split_seed"],
        horizon=search.max_epochs,
        device=resources.device(),
        precision=options["precision"],
        threads=resources.cpus_per_trial,
        checkpoints=Path(),
    )
