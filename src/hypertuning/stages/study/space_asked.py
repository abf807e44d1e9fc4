"""The space that a stage's options ask for, and the points that it tries first."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from hypertuning.config import UserError
from hypertuning.domains import Choice, Domain, Value
from hypertuning.search.sampler import Random
from hypertuning.space_files import Written, read_points, read_space
from hypertuning.spaces import Space, idle, searched, settle
from hypertuning.stages.options import SearchOptions


def is_new(options: SearchOptions) -> bool:
    """Whether the study is new; a resumed one was checked when it began."""
    return options.resume is None


def fixed_values(options: SearchOptions) -> dict[str, Value]:
    """The hyperparameters that are options; a space may search them nevertheless.

    If both augmentations are tried, that with which more parameters act.
    """
    augment = "crop_flip" if options.augment == "both" else options.augment
    names = ("batch_size", "learning_rate", "seed")
    return {"augment": augment, **{name: getattr(options, name) for name in names}}


def space_of(options: SearchOptions) -> Space:
    """The parameters that the user's file fixes or searches."""
    file = options.space
    space = {} if file is None else read_space(Path(file), is_new(options))
    if "seed" in space or ("augment" in space and options.augment == "both"):
        name = "seed" if "seed" in space else "augment"
        raise UserError(f"`{name}` is set by the option of that name; take it out of {file}")
    for name, domain in space.items() if options.augment == "both" else ():
        if (when := getattr(domain, "when", None)) and when[0] == "augment":
            raise UserError(
                f"`when` of `{name}` must not ask for `augment` {when[1]!r} where the option "
                "`augment` is 'both', as each configuration is trained with either; take it out "
                f"of {file}"
            )
    return space


def points_of(options: SearchOptions, space: Space) -> list[Written]:
    """The user's own configurations; what they leave out has the value that the space fixes."""
    if options.points is None:
        return []
    opened = searched(space)
    fixed = {name: value for name, value in space.items() if name not in opened}
    base = {**fixed_values(options), **fixed}
    return read_points(Path(options.points), base, is_new(options))


def check_reachable(space: Space, changed: Space, options: SearchOptions) -> None:
    """Check that a space can be trained, also at both ends of each range of the user's file.

    Raises:
        UserError: names the value that cannot be trained, and what to change.
    """
    fixed, seed = fixed_values(options), options.seed
    for name, domain in searched(space).items():
        for value in _ends(domain) if name in changed else ():
            there = {**space, name: value}
            never = idle(there, fixed).keys() - idle(space, fixed).keys()  # they act beside others
            acting = {n: d for n, d in there.items() if n not in never}
            try:
                Random(settle(acting, fixed), fixed, seed).propose(0)
            except UserError as error:
                raise UserError(f"with `{name}` {value!r} {error}") from error
    Random(space, fixed, seed).propose(0)


def _ends(domain: Domain) -> Sequence[Value]:
    return domain.values if isinstance(domain, Choice) else (domain.low, domain.high)


def unsearched_notes(space: Space, changed: Space, fixed: Mapping[str, Value]) -> list[str]:
    """Notes on parameters that have only one value, or no effect."""
    opened, reasons = searched(space), idle(space, fixed)
    notes = [
        f"`{name}` is not searched: {reason}"
        if name in opened
        else f"`{name}` (={space[name]}) does nothing here: {reason}"
        for name, reason in reasons.items()
        if name in opened or name in changed
    ]
    return notes + [
        f"`{name}` is not searched: its list has one value, {domain.values[0]!r}"
        for name, domain in searched(changed).items()
        if name not in reasons and isinstance(domain, Choice) and len(domain.values) == 1
    ]


def point_notes(points: Sequence[Written]) -> list[str]:
    """Notes on points that name a parameter without effect, or repeat another point."""
    notes = [f"point {number}: {idle}" for number, p in enumerate(points) for idle in p.idle()]
    acting = [point.config.hyperparameters() for point in points]
    first = [acting.index(values) for values in acting]
    return notes + [
        f"point {number} is the same as point {earlier}"
        for number, earlier in enumerate(first)
        if earlier != number
    ]
