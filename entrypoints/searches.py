"""From a stage's options to what it searches."""

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from entrypoints.asked import Asked, find_config
from entrypoints.asked_space import (
    check_reachable,
    fixed_values,
    is_new,
    point_notes,
    points_of,
    space_of,
    unsearched_notes,
)
from entrypoints.options import NONE, usage
from hypertuning.config import Budget, UserError, differing, parse_config
from hypertuning.domains import Domain, Float, Integer, Value
from hypertuning.search.ladder import Arms, Ladder, regular_max_epochs, rungs, sweep
from hypertuning.search.model_options import PAPER, ModelOptions
from hypertuning.search.plan import enough_samples
from hypertuning.search.sampler import Listed, Paired, PointsFirst, Proposal, Sampler
from hypertuning.search.strategies import STRATEGIES
from hypertuning.space_files import Written
from hypertuning.spaces import Space, conditions, describe, grid, searched, settle
from hypertuning.tracking.naming import run_name
from hypertuning.words import counted

if TYPE_CHECKING:
    from hypertuning.search.bohb import Bohb

ARMS = ({"augment": "none"}, {"augment": "crop_flip"})


class Search(NamedTuple):
    """What a stage tries, in which order, and who may go on."""

    stage: str
    strategy: str
    max_epochs: int
    sampler: Sampler
    ladder: Callable[[], Ladder]
    space: Mapping[str, str] = {}
    """What it draws from, in words; empty where it tries a list."""
    domains: Mapping[str, Domain | Value] = {}
    """The same as ranges and values, what is fixed included."""
    model: "Bohb | None" = None
    """The sampler that learns, if there is one."""
    rungs: tuple[int, ...] = ()
    """The epochs after which it learns."""
    points: int = 0
    """How many of the first trials the user has given."""
    enough_samples: int = 0
    """From how many on the model has something to propose."""
    notes: tuple[str, ...] = ()
    """What the user should know before it starts."""
    settled: Mapping[str, object] = {}
    """Options that hang on an earlier study, such as which images are its own."""
    found_on: Mapping[str, Any] | None = None
    """The images of the search that found a configuration, as options."""
    given: Any = None
    """What was read from elsewhere when the study began: kept with its record, as JSON."""
    searched: Mapping[str, bool] = {}
    """The parameters in which its trials differ, and whether every trial has them."""
    title: str = ""
    """What tells it from other studies of its stage, where the number of trials does not."""


def listed(stage: str, bases: Iterable[Space], options: Mapping) -> Search:
    """Every combination of the choices in each of several spaces, once, all epochs each.

    Raises:
        click.UsageError: a configuration that cannot be trained, or a wrong file.
    """
    with usage():
        changed = space_of(options)
        if ranges := [
            name for name, given in changed.items() if isinstance(given, Float | Integer)
        ]:
            raise UserError(
                f"stage {stage} tries a list: `space` must give values of {', '.join(ranges)}, "
                "not bounds"
            )
        spaces = [{**fixed_values(options), **base, **changed} for base in bases]
        configs = [parse_config(values) for space in spaces for values in grid(space)]
        points = points_of(options, changed)
    asked = [
        *(Proposal(p.config, "point") for p in points),
        *(Proposal(c, "grid") for c in configs),
    ]
    # a study of an earlier version trained each of them, and its trials are numbered accordingly
    tried = _distinct(asked) if is_new(options) or options["given"] else asked
    notes = [_all(unsearched_notes(space, changed, {}) for space in spaces), point_notes(points)]
    if len(tried) < len(asked):
        notes.append([f"of {len(asked)} configurations {len(tried)} differ; each is trained once"])
    epochs = options["epochs"]
    return Search(
        stage,
        stage,
        epochs,
        Listed(tried),
        lambda: sweep(len(tried), epochs),
        searched=differing([proposal.config for proposal in tried]),
        notes=tuple(itertools.chain(*notes)),
        given={"alike": "once"},
    )


def _distinct(proposals: Iterable[Proposal]) -> list[Proposal]:
    """Without those in which every parameter that acts is as in an earlier one."""
    first: dict[frozenset, Proposal] = {}
    for proposal in proposals:
        first.setdefault(frozenset(proposal.config.hyperparameters().items()), proposal)
    return list(first.values())


def _all(notes: Iterable[list[str]]) -> list[str]:
    """What is said of every space."""
    first, *others = notes
    return [note for note in first if all(note in other for other in others)]


def single(options: Mapping) -> Search:
    """One configuration that stands somewhere else.

    Raises:
        click.UsageError: it is not there, or cannot be trained.
    """
    with usage():
        kept, epochs = options["given"], options["epochs"]
        asked = Asked(*kept["asked"]) if kept else find_config(options["config"])
        config = parse_config(asked.config) if kept else asked.config
        if kept and kept["epochs"] != epochs and config.lr_schedule != "constant":
            raise UserError(
                f"`epochs` (={epochs}) cannot become more than {kept['epochs']}: the learning rate "
                f"follows a schedule ({config.lr_schedule}) over these; start a new study"
            )
    had = asked.images or {"dataset": "cifar10"}
    dataset = options["dataset"] if options["dataset"] != NONE else had["dataset"]
    return Search(
        "train",
        "train",
        epochs,
        Listed([Proposal(config, "point")]),
        lambda: sweep(1, epochs),
        notes=(
            f"the configuration of {asked.origin}: {run_name(config.hyperparameters())}",
            *asked.idle,
        ),
        settled={"dataset": dataset},
        found_on=asked.images,
        given=kept or {"asked": asked._replace(config=config.hyperparameters()), "epochs": epochs},
        title=run_name(config.hyperparameters()),
    )


def sampled(stage: str, space: Space, shortest: str, options: Mapping) -> Search:
    """As many configurations of a space as asked for, under the strategy asked for.

    Args:
        shortest: the option that says how many epochs every trial gets.

    Raises:
        click.UsageError: a space, a point or bounds that do not fit.
    """
    strategy = STRATEGIES[options["strategy"]]
    low, top, eta = (options[name] for name in (shortest, "max_epochs", "reduction_factor"))
    budget = Budget(options["num_samples"], top, low, eta)
    with usage():
        if low > top:
            raise UserError(f"`{shortest}` (={low}) must not exceed `max_epochs` (={top})")
        changed, fixed = space_of(options), fixed_values(options)
        whole = {**space, **changed}
        wanted = settle(whole, fixed)
        points = points_of(options, changed)
        if len(points) > budget.num_samples:
            raise UserError(
                f"{counted(len(points), 'point')} do not fit in `num_samples` "
                f"(={budget.num_samples})"
            )
        if not searched(wanted):
            raise UserError("the space leaves nothing to search; open at least one parameter")
        if options["strategy"] != "bohb" and options.get("warm_start", NONE) != NONE:
            raise UserError(
                f"`warm_start` needs `strategy` 'bohb', got {options['strategy']!r}: no other "
                "strategy learns from results"
            )
        if is_new(options):
            check_reachable(wanted, changed, options)
        model_options = ModelOptions(options.get("random_fraction", PAPER.random_fraction))
        drawn = strategy.sampler(wanted, fixed, options["seed"], model_options)
    kept = {**fixed, "augment": options["augment"]}
    domains = {**wanted, **{name: value for name, value in kept.items() if name not in wanted}}
    unseeded = {name: value for name, value in fixed.items() if name != "seed"}
    described = describe(
        {**unseeded, **wanted, "augment": wanted.get("augment", options["augment"])}
    )
    sampler = PointsFirst([point.config for point in points], drawn)
    notes = (
        *_rungs_note(options["strategy"], shortest, budget),
        *unsearched_notes(whole, changed, fixed),
        *point_notes(points),
    )
    conditional = conditions(wanted)
    opened = {name: name not in conditional for name in searched(wanted)}
    if options["augment"] == "both":
        paired = Paired(sampler, ARMS)
        return Search(
            stage,
            options["strategy"],
            top,
            paired,
            lambda: Arms([strategy.ladder(budget) for _ in ARMS]),
            described,
            domains,
            notes=notes,
            searched=opened | {"augment": True},
        )
    search = Search(
        stage,
        options["strategy"],
        top,
        sampler,
        lambda: strategy.ladder(budget),
        described,
        domains,
        searched={**differing([point.config for point in points]), **opened},
    )
    if not strategy.learns:
        return search._replace(notes=notes)
    return search._replace(
        model=drawn,
        rungs=rungs(budget),
        points=len(points),
        enough_samples=enough_samples(strategy.ladder, budget, drawn.needed, len(points)),
        notes=notes + _points_note(points, drawn),
    )


def _points_note(points: Sequence[Written], model: "Bohb") -> tuple[str, ...]:
    """Say so where the model cannot learn from a point."""
    reasons = [model.random.misfit(point.config.hyperparameters()) for point in points]
    return tuple(
        f"point {number} is trained, but the model does not learn from it: {reason}"
        for number, reason in enumerate(reasons)
        if reason
    )


def _rungs_note(strategy: str, shortest: str, budget: Budget) -> tuple[str, ...]:
    """Say so where the rungs of a bracket cannot be those of the paper."""
    regular = regular_max_epochs(budget)
    if strategy not in ("bohb", "hyperband") or regular == budget.max_epochs:
        return ()
    return (
        f"`max_epochs` (={budget.max_epochs}) is not `{shortest}` (={budget.min_epochs}) times a "
        f"power of `reduction_factor` (={budget.reduction_factor}): rungs end after "
        f"{', '.join(map(str, rungs(budget)))} epochs; the nearest that is: {regular}",
    )
