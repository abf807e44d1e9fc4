"""Print a dry run of `main`: the plan of every stage, and the total time."""

import math
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import yaml
from rich.console import Console

from hypertuning.learn import data
from hypertuning.learn.sources import find_source
from hypertuning.search.halving import sweep
from hypertuning.search.problem import Problem
from hypertuning.search.resources import Resources
from hypertuning.search.sampler import Listed, Proposal
from hypertuning.space_files import plain
from hypertuning.stages.console.log import show_log
from hypertuning.stages.console.show import say
from hypertuning.stages.console.waiting import waiting
from hypertuning.stages.done import Done
from hypertuning.stages.main import Main
from hypertuning.stages.main.run import SPACE, STAGES_RUN, options_of
from hypertuning.stages.options import NONE, SearchOptions, as_text
from hypertuning.stages.start import resources_of
from hypertuning.stages.study.dry_run import show_plan, show_rungs
from hypertuning.stages.study.planning import Estimate, estimate, no_estimate, plan_of
from hypertuning.stages.study.prepare import problem_of
from hypertuning.stages.study.searches import Search
from hypertuning.stages.study.trains_on import in_lines, trains_on
from hypertuning.stages.table import STAGES

SEARCHES = [name for name in STAGES_RUN if STAGES[name].searches]
LEARNS = "bohb will start warm from what hyperband measures: this plan is without the warm start"


def plan_all(options: Main) -> Done:
    """Print what each stage would do, its time, and the total time."""
    console, cache = Console(), None
    show_log()
    if find_source(options.dataset, options.data_dir):
        with waiting("images", console):
            cache = data.prepare(options.dataset, options.data_dir)
        first, given = next(_searches(options))
        problem, resources = _problem(first, given, cache)
        on = trains_on(cache, first, plan_of(first), problem, resources.address)
        say(console, in_lines({name: on[name] for name in on if name != "augmentation"}))
    seconds, least = 0.0, False
    for search, given in _searches(options):
        planned = plan_of(search)
        found = _estimate(search, given, cache)
        learns = [LEARNS] if search.model and options.profile == "quick" else []
        say(console, ["", *search.notes, *learns])
        if search.stage in SEARCHES:
            show_plan(console, search, planned, found)
        else:
            show_rungs(console, search, planned)
            say(console, [f"estimate: {found.words}"])
        seconds, least = seconds + found.seconds, least or planned.more_may_come
    say(console, ["", _sum(seconds, least, found.words)])
    return Done()


def _searches(options: Main) -> Iterator[tuple[Search, SearchOptions]]:
    """What each stage would try, and the options that it would be started with."""
    before = pd.DataFrame({"stage": SEARCHES, "study_id": NONE})  # no warm start
    with TemporaryDirectory() as folder:
        space = Path(folder, "space.yaml")
        space.write_text(yaml.safe_dump(plain(SPACE), sort_keys=False))
        for stage in SEARCHES:
            words = options_of(stage, NONE, options, before, space)
            given = STAGES[stage].options.of({name: as_text(word) for name, word in words.items()})
            search = STAGES[stage].search(given)
            yield search, given
    yield _register(search, options.profile), given


def _register(bohb: Search, profile: str) -> Search:
    """The repeats that `register` would train; drawn configurations stand in for the best ones."""
    stage = STAGES["register"]
    asked = stage.options.of(stage.profiles[profile])
    count = asked.top_k * asked.repeats
    tried = [Proposal(bohb.sampler.propose(n).config, "repeat") for n in range(count)]
    epochs = bohb.max_epochs
    return Search("register", "repeats", epochs, Listed(tried), lambda: sweep(count, epochs))


def _problem(search: Search, given: SearchOptions, cache: Path) -> tuple[Problem, Resources]:
    resources = resources_of(given)
    return problem_of(search, given, given.precision, cache, resources), resources


def _estimate(search: Search, given: SearchOptions, cache: Path | None) -> Estimate:
    if cache is None:
        return no_estimate(given)
    return estimate(search, plan_of(search), *_problem(search, given, cache))


def _sum(seconds: float, least: bool, unknown: str) -> str:
    if math.isnan(seconds):
        return f"all stages: estimate: {unknown}"
    about = "at least" if least else "about"
    return (
        f"all stages: {about} {timedelta(seconds=round(seconds))} of training; starting each of "
        "them, the refit and the report come on top"
    )
