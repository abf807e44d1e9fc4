"""From a stage's options to what it searches."""

import itertools
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from hypertuning.config import UserError, differing, parse_config
from hypertuning.domains import Domain, Float, Integer, Value
from hypertuning.search.ladder import Ladder, sweep
from hypertuning.search.sampler import Listed, Proposal, Sampler
from hypertuning.spaces import Space, grid
from hypertuning.stages.options import NONE, usage
from hypertuning.stages.study.asked import Asked, find_config
from hypertuning.stages.study.asked_space import (
    fixed_values,
    is_new,
    point_notes,
    points_of,
    space_of,
    unsearched_notes,
)
from hypertuning.tracking.labels import run_name

if TYPE_CHECKING:
    from hypertuning.search.bohb import Bohb


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
    """Options that depend on an earlier study, such as which images are its own."""
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
        given=kept
        or {
            "asked": (config.hyperparameters(), asked.origin, asked.images, list(asked.idle)),
            "epochs": epochs,
        },
        title=run_name(config.hyperparameters()),
    )
