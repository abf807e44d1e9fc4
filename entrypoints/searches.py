"""From a stage's options to what it searches."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from entrypoints.options import NONE, usage
from entrypoints.sources import Asked, find_config
from hypertuning.config import Budget, Config, UserError, differing, parse_config
from hypertuning.search.bohb import PAPER, Bohb, ModelOptions
from hypertuning.search.ladder import Arms, Ladder, regular_max_epochs, rungs, sweep
from hypertuning.search.plan import enough_samples
from hypertuning.search.sampler import Listed, Paired, PointsFirst, Proposal, Sampler
from hypertuning.search.strategies import STRATEGIES
from hypertuning.spaces import (
    Float,
    Integer,
    Space,
    Value,
    describe,
    grid,
    read_space,
    read_yaml,
    searched,
    settle,
)
from hypertuning.tracking.naming import run_name
from hypertuning.words import counted

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
    model: Bohb | None = None
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
    given: Any = None
    """What was read from elsewhere when the study began: kept with its record, as JSON."""
    searched: Mapping[str, bool] = {}
    """The parameters in which its trials differ, and whether every trial has them."""
    title: str = ""
    """What tells it from other studies of its stage, where the number of trials does not."""


def listed(stage: str, bases: Iterable[Space], options: Mapping) -> Search:
    """Every combination of the choices in each of several spaces, all epochs each.

    Raises:
        click.UsageError: a configuration that cannot be trained, or a wrong file.
    """
    with usage():
        changed = _space_of(options)
        if ranges := [
            name for name, given in changed.items() if isinstance(given, Float | Integer)
        ]:
            raise UserError(
                f"stage {stage} tries a list: `space` must give values of {', '.join(ranges)}, "
                "not bounds"
            )
        spaces = ({**_fixed(options), **base, **changed} for base in bases)
        configs = [parse_config(values) for space in spaces for values in grid(space)]
        points = _points(options, changed)
        tried = [*(Proposal(c, "point") for c in points), *(Proposal(c, "grid") for c in configs)]
    epochs = options["epochs"]
    return Search(
        stage,
        stage,
        epochs,
        Listed(tried),
        lambda: sweep(len(tried), epochs),
        searched=differing([proposal.config for proposal in tried]),
    )


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
            *_other_images(had, options),
        ),
        settled={"dataset": dataset},
        given=kept or {"asked": asked._replace(config=config.hyperparameters()), "epochs": epochs},
        title=run_name(config.hyperparameters()),
    )


def _other_images(had: Mapping, options: Mapping) -> tuple[str, ...]:
    """Say so where a configuration is to be trained on other images than it was found on."""
    sizes = ("train_size", "val_size")
    if "train_size" not in had or all(options[name] == had[name] for name in sizes):
        return ()
    asked = ", ".join(f"{name}={options[name] or 'all that there are'}" for name in sizes)
    found_on = f"train_size={had['train_size']}, val_size={had['val_size']}"
    return (f"on {asked}; its losses compare with those of the search on {found_on}",)


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
        changed = _space_of(options)
        wanted = settle({**space, **changed}, _fixed(options))
        points = _points(options, changed)
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
        model_options = ModelOptions(options.get("random_fraction", PAPER.random_fraction))
        drawn = strategy.sampler(wanted, _fixed(options), options["seed"], model_options)
        fixed = {name: value for name, value in _fixed(options).items() if name != "seed"}
        described = describe(
            {**fixed, **wanted, "augment": wanted.get("augment", options["augment"])}
        )
        sampler = PointsFirst(points, drawn)
    notes = _rungs_note(options["strategy"], shortest, budget) + tuple(
        f"`{name}` is not searched: `{changed[name].when[0]}` is never {changed[name].when[1]!r}"
        for name in searched(changed)
        if name not in wanted
    )
    opened = {name: domain.when is None for name, domain in searched(wanted).items()}
    if options["augment"] == "both":
        paired = Paired(sampler, ARMS)
        return Search(
            stage,
            options["strategy"],
            top,
            paired,
            lambda: Arms([strategy.ladder(budget) for _ in ARMS]),
            described,
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
        searched={**differing(points), **opened},
    )
    if not isinstance(drawn, Bohb):
        return search._replace(notes=notes)
    return search._replace(
        model=drawn,
        rungs=rungs(budget),
        points=len(points),
        enough_samples=enough_samples(strategy.ladder, budget, drawn.needed, len(points)),
        notes=notes + _points_note(points, drawn),
    )


def _points_note(points: Sequence[Config], model: Bohb) -> tuple[str, ...]:
    """Say so where the model cannot learn from a point."""
    reasons = [model.random.misfit(point.hyperparameters()) for point in points]
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


def _fixed(options: Mapping) -> dict[str, Value]:
    """The hyperparameters that are options of every stage; a space may still open them."""
    augment = "none" if options["augment"] == "both" else options["augment"]
    names = ("batch_size", "learning_rate", "seed")
    return {"augment": augment, **{name: options[name] for name in names}}


def _space_of(options: Mapping) -> Space:
    space = {} if options["space"] == NONE else read_space(Path(options["space"]))
    if "seed" in space or ("augment" in space and options["augment"] == "both"):
        name = "seed" if "seed" in space else "augment"
        raise UserError(f"`{name}` is the option's to say, take it out of {options['space']}")
    return space


def _points(options: Mapping, space: Space) -> list[Config]:
    """The user's own configurations; what they leave out is as everywhere in the study."""
    if options["points"] == NONE:
        return []
    given = read_yaml(Path(options["points"]))
    if not isinstance(given, list) or not all(isinstance(point, dict) for point in given):
        raise UserError(f"{options['points']} must be a list of configurations, got {given!r}")
    opened = searched(space)
    fixed = {name: value for name, value in space.items() if name not in opened}
    return [parse_config({**_fixed(options), **fixed, **point}) for point in given]
