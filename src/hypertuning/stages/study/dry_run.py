"""Print a dry run: rungs, what would be tried, and the estimate of time and disk."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from rich.console import Console

from hypertuning.config import Config
from hypertuning.domains import Choice, Domain, Value
from hypertuning.search.plan import Plan
from hypertuning.spaces import Space, conditions, searched
from hypertuning.stages.console.show import new_table, say
from hypertuning.stages.options import Images, StudyOptions
from hypertuning.stages.study.planning import (
    UNREAD,
    Estimate,
    no_estimate,
    notes_on,
    plan_of,
    warm_start,
)
from hypertuning.stages.study.searches import Search
from hypertuning.words import counted


class Range(NamedTuple):
    """The values that one parameter may have."""

    parameter: str
    values: str
    scale: str
    condition: str
    expected: str = ""
    """Where the best is expected; empty if nothing is."""


def show_plan(console: Console, search: Search, planned: Plan, estimate: Estimate) -> None:
    """Print a study's rungs, what it would try, and its time and disk."""
    show_rungs(console, search, planned)
    if search.domains:
        show_space(console, search.domains)
    else:
        show_lists(console, [search.sampler.propose(n).config for n in range(planned.trials)])
    say(console, [f"estimate: {estimate.words}"])


def plan_without_images(
    console: Console,
    search: Search,
    options: StudyOptions,
    asked: Images,
    notes: Iterable[str] = (),
) -> None:
    """Print what a dry run can say before the images are there."""
    planned = plan_of(search)
    known = [UNREAD] if warm_start(options) else notes_on(search, planned, None)
    say(console, [*known, *notes])
    show_plan(console, search, planned, no_estimate(asked))


def ranges(space: Space) -> list[Range]:
    """The parameters that a space searches, in its order."""
    needed = conditions(space)
    return [_range(n, domain, needed.get(n, {})) for n, domain in searched(space).items()]


def fixed(space: Space) -> dict[str, object]:
    """The parameters that have the same value in all trials."""
    opened = searched(space)
    return {name: value for name, value in space.items() if name not in opened}


def lists(configs: Sequence[Config]) -> dict[str, list]:
    """The values of each parameter that differs between configurations, in the order they occur."""
    rows = [config.hyperparameters() for config in configs]
    names = dict.fromkeys(name for row in rows for name in row)
    values = {name: list(dict.fromkeys(row[name] for row in rows if name in row)) for name in names}
    return {name: found for name, found in values.items() if name not in same(configs)}


def same(configs: Sequence[Config]) -> dict[str, object]:
    """The values of the parameters that all configurations share."""
    first, *others = [config.hyperparameters() for config in configs]
    return {n: v for n, v in first.items() if all(n in row and row[n] == v for row in others)}


def show_space(console: Console, space: Space) -> None:
    table, rows = new_table("what is searched"), ranges(space)
    columns = ["parameter", "range", "scale", "only if"]
    columns += ["expected"] if any(row.expected for row in rows) else []
    for column in columns:
        table.add_column(column)
    for row in rows:
        table.add_row(*row[: len(columns)])
    console.print(table)
    say(console, [_line("fixed", fixed(space))])


def show_lists(console: Console, configs: Sequence[Config]) -> None:
    """Print the tried values of each parameter, and what all configurations share."""
    table = new_table("what is tried")
    for column in ("parameter", "values"):
        table.add_column(column)
    for name, values in lists(configs).items():
        table.add_row(name, ", ".join(map(str, values)))
    if table.row_count:
        console.print(table)
    say(console, [_line("the same in all" if table.row_count else "tried", same(configs))])


def show_rungs(console: Console, search: Search, planned: Plan) -> None:
    """Print the rungs of a study that has not started, bracket by bracket."""
    table = new_table(f"{search.stage}: {planned.words}, {search.strategy}")
    for column in ("bracket", "rung", "until epoch", "trials", "epochs"):
        table.add_column(column, justify="right")
    for rung in planned.rungs:
        table.add_row(*map(str, (rung.bracket, rung.rung, rung.until, rung.trials, rung.epochs)))
    console.print(table)
    if search.model and planned.model_from is not None:
        first, needed = planned.model_from, search.model.needed
        needs = f"it needs {counted(needed, 'result')} after one number of epochs"
        say(console, [f"model: from trial {first} on; {needs}"])


def _range(name: str, domain: Domain, needed: Mapping[str, Collection[Value]]) -> Range:
    condition = " and ".join(f"{n} is {' or '.join(map(str, v))}" for n, v in needed.items())
    expected = "" if domain.prior is None else str(domain.prior)
    if isinstance(domain, Choice):
        return Range(name, ", ".join(map(str, domain.values)), "choice", condition, expected)
    scale = "logarithmic" if domain.log else "linear"
    return Range(name, f"{domain.low:g} to {domain.high:g}", scale, condition, expected)


def _line(title: str, values: Mapping[str, object]) -> str:
    return f"{title}: {', '.join(f'{name} {value}' for name, value in values.items())}"
