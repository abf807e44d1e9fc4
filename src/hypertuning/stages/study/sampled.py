"""A search that draws configurations from a space, under a strategy."""

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from hypertuning.config import Budget, Config, UserError, differing
from hypertuning.domains import Choice, Domain, Value
from hypertuning.search.brackets import regular_max_epochs, rungs
from hypertuning.search.ladder import Arms
from hypertuning.search.model_options import PAPER, ModelOptions
from hypertuning.search.plan import enough_samples
from hypertuning.search.sampler import Paired, PointsFirst
from hypertuning.search.strategies import FORESEEING, LEARNING, STRATEGIES, Strategy
from hypertuning.space_files import Written
from hypertuning.spaces import Space, conditions, describe, searched, settle, without_priors
from hypertuning.stages.options import SearchOptions, usage
from hypertuning.stages.study.searches import Search
from hypertuning.stages.study.space_asked import (
    check_reachable,
    fixed_values,
    is_new,
    point_notes,
    points_of,
    space_of,
    unsearched_notes,
)
from hypertuning.words import counted

if TYPE_CHECKING:
    from hypertuning.search.strategies import Model

ARMS = ({"augment": "none"}, {"augment": "crop_flip"})


class ModelAsked(NamedTuple):
    """What only the stage bohb lets its users choose; the defaults are what hyperband does."""

    random_fraction: float = PAPER.random_fraction
    warm_start: str | None = None
    stop_when: float = 0.0
    priors: bool = True
    priors_note: str = ""
    """What is added to the note on priors: how to turn them off."""


NOT_ASKED = ModelAsked()


def sampled(
    stage: str, space: Space, shortest: str, options: SearchOptions, asked: ModelAsked = NOT_ASKED
) -> Search:
    """The search of a space, with the number of configurations and the strategy of the options.

    Args:
        shortest: Name of the option with the epochs of the lowest rung.
        asked: The options that not every stage has.

    Raises:
        UsageError: the space, a point or the numbers of epochs are not possible.
    """
    strategy = STRATEGIES[options.strategy]
    budget = Budget(
        options.num_samples,
        options.max_epochs,
        getattr(options, shortest),
        options.reduction_factor,
    )
    with usage():
        _check_options(shortest, budget, options, asked)
        changed, fixed = space_of(options), fixed_values(options)
        wanted = settle({**space, **changed}, fixed)
        if not asked.priors:
            wanted = without_priors(wanted)
        notes = _priors_note(wanted, options, asked)
        if options.augment == "both":
            wanted = without_priors(wanted)
        points = points_of(options, {**space, **changed})
        _check_space(wanted, changed, points, options)
        drawn = strategy.sampler(wanted, fixed, options.seed, ModelOptions(asked.random_fraction))
    configs = tuple(point.config for point in points)
    search = Search(
        stage,
        options.strategy,
        budget.max_epochs,
        PointsFirst(configs, drawn),
        lambda: strategy.ladder(budget),
        describe(_whole(wanted, fixed, options, leave_out="seed")),
        _whole(wanted, fixed, options),
        {**space, **changed},
        changed,
        notes=(
            *_rungs_note(options.strategy, shortest, budget),
            *unsearched_notes({**space, **changed}, changed, fixed),
            *point_notes(points),
            *notes,
            *_stop_note(asked.stop_when),
        ),
        searched={**differing(configs), **_opened(wanted, options)},
        points=configs,
        stop_when=asked.stop_when,
    )
    if options.augment == "both":
        return _in_both_arms(search, strategy, budget)
    return _told_of_the_model(search, strategy, budget, drawn) if strategy.learns else search


def _in_both_arms(search: Search, strategy: Strategy, budget: Budget) -> Search:
    """The search with every configuration once without augmentation and once with it."""
    return search._replace(
        sampler=Paired(search.sampler, ARMS),
        ladder=lambda: Arms([strategy.ladder(budget) for _ in ARMS]),
        searched=search.searched | {"augment": True},
    )


def _told_of_the_model(
    search: Search, strategy: Strategy, budget: Budget, model: "Model"
) -> Search:
    """The search with its model, and with what that needs before it proposes anything."""
    return search._replace(
        model=model,
        rungs=strategy.ladder(budget).rungs,
        enough_samples=enough_samples(strategy.ladder, budget, model.needed, len(search.points)),
        notes=search.notes + _points_note(search.points, model),
    )


def _check_options(
    shortest: str, budget: Budget, options: SearchOptions, asked: ModelAsked
) -> None:
    """Raises UserError if options contradict each other."""
    strategy = options.strategy
    if budget.min_epochs > budget.max_epochs:
        raise UserError(
            f"`{shortest}` (={budget.min_epochs}) must not exceed `max_epochs` "
            f"(={budget.max_epochs})"
        )
    of_models = {"warm_start": asked.warm_start}
    if is_new(options):  # earlier versions took it in silence
        of_models |= options.changed(["random_fraction"])
    for name, value in of_models.items():
        if value is not None and strategy not in LEARNING:
            raise UserError(
                f"`{name}` needs `strategy` {' or '.join(map(repr, LEARNING))}, got "
                f"{strategy!r}: no other strategy learns from results"
            )
    if strategy not in FORESEEING and asked.stop_when:
        raise UserError(
            f"`stop_when` needs `strategy` {' or '.join(map(repr, FORESEEING))}, got "
            f"{strategy!r}: no other strategy says what it expects of more trials"
        )


def _check_space(
    wanted: Space, changed: Space, points: Sequence[Written], options: SearchOptions
) -> None:
    """Raises UserError if nothing is searched, or something cannot be trained."""
    if len(points) > options.num_samples:
        raise UserError(
            f"{counted(len(points), 'point')} do not fit in `num_samples` (={options.num_samples})"
        )
    if not searched(wanted):
        raise UserError("the space leaves nothing to search; open at least one parameter")
    if is_new(options):
        check_reachable(wanted, changed, options)


def _whole(
    wanted: Space, fixed: Mapping[str, Value], options: SearchOptions, leave_out: str = ""
) -> dict[str, Domain | Value]:
    """The searched parameters, then the fixed ones."""
    kept = {**fixed, "augment": options.augment}
    rest = {n: value for n, value in kept.items() if n not in wanted and n != leave_out}
    return {**wanted, **rest}


def _opened(wanted: Space, options: SearchOptions) -> dict[str, bool]:
    """The parameters that are searched, and whether every trial has them."""
    both = {"augment": Choice(tuple(arm["augment"] for arm in ARMS))}
    conditional = conditions({**wanted, **(both if options.augment == "both" else {})})
    return {name: name not in conditional for name in searched(wanted)}


def _points_note(points: Collection[Config], model: "Model") -> tuple[str, ...]:
    """Notes on points from which the model cannot learn."""
    reasons = [model.random.misfit(point.hyperparameters()) for point in points]
    return tuple(
        f"point {number} is trained, but the model does not learn from it: {reason} (what "
        "the file leaves out has its default)"
        for number, reason in enumerate(reasons)
        if reason
    )


def _priors_note(wanted: Space, options: SearchOptions, asked: ModelAsked) -> tuple[str, ...]:
    """A note on the priors of a space: what is expected, or that it is not followed."""
    expected = {n: d.prior for n, d in searched(wanted).items() if d.prior is not None}
    if not expected:
        return ()
    if options.augment == "both":
        return (
            f"the prior of {', '.join(f'`{name}`' for name in expected)} is not followed: such "
            "draws depend on results, and both arms need the same",
        )
    values = ", ".join(f"{name} {value}" for name, value in expected.items())
    return (
        f"half of the random draws lie near what is expected to be best, as far as results confirm "
        f"it: {values}{asked.priors_note}",
    )


def _stop_note(least: float) -> tuple[str, ...]:
    if not least:
        return ()
    return (
        "it ends earlier if the next tenth of its epochs is expected to lower val_loss by less "
        f"than {least:g}",
    )


def _rungs_note(strategy: str, shortest: str, budget: Budget) -> tuple[str, ...]:
    """A note if the rungs cannot be those of the paper."""
    regular = regular_max_epochs(budget)
    if not STRATEGIES[strategy].brackets or regular == budget.max_epochs:
        return ()
    return (
        f"`max_epochs` (={budget.max_epochs}) is not `{shortest}` (={budget.min_epochs}) times a "
        f"power of `reduction_factor` (={budget.reduction_factor}): rungs end after "
        f"{', '.join(map(str, rungs(budget)))} epochs; the nearest that is: {regular}",
    )
