"""Options of a command that goes on with something: what was recorded, and what may change."""

from collections.abc import Collection, Mapping
from typing import Any

import click
from click.core import ParameterSource

from hypertuning import environment
from hypertuning.config import UserError

OF_THIS_START = {
    "dry_run",
    "resume",
    "storage_path",
    "sync_timeout_s",
    "time_budget_s",
    "verbose",
}
"""What holds for one start of a study and is not remembered."""
OF_ANY_START = {
    "concurrency",
    "cpus_per_trial",
    "data_dir",
    "gpus_per_trial",
    "max_failures",
    "ray_address",
    *("alias", "force", "model_name", "trust"),  # of register, as long as there is no version
}
"""What a study may go on with in another way."""
GROWING = {
    "compare": {"repeats"},
    "hyperband": {"num_samples"},
    "bohb": {"num_samples"},
    "train": {"epochs"},
}
"""What a study of a stage may get more of."""
FILES = ("space", "points")
"""Kept with the record, so that a study goes on with what it began with."""


def merge(
    context: click.Context,
    options: Mapping,
    recorded: Mapping[str, str],
    owner: str,
    growing: Collection[str] = (),
    free: Collection[str] = OF_ANY_START,
    new: Collection[str] = OF_THIS_START,
) -> dict[str, Any]:
    """The options that were recorded, and where they may change, those of this command.

    `mlflow run` passes on every parameter, given or not: one that has its default is taken for not
    given.

    Args:
        owner: What they were recorded of, in words.
        growing: Those that may become more.
        free: Those that may become anything.
        new: Those that hold for this command alone.

    Raises:
        UserError: an option contradicts what was recorded.
    """
    merged = dict(options)
    for option in context.command.params:
        name = option.name
        if name in new or name in FILES or name not in recorded:
            continue
        had = option.type_cast_value(context, recorded[name])
        if not is_given(context, option, options[name]) or options[name] == had:
            merged[name] = had
        elif name in growing:
            if options[name] < had:
                raise UserError(
                    f"`{name}` (={options[name]}) must not be less than the {had} of {owner}"
                )
        elif name not in free:
            raise UserError(
                f"`{name}` (={options[name]}) contradicts {owner}, which has {had}; leave it out, "
                "or start anew"
            )
    return merged


def is_given(context: click.Context, option: click.Parameter, value: Any) -> bool:
    if context.get_parameter_source(option.name) == ParameterSource.DEFAULT:
        return False
    default = option.type_cast_value(context, option.get_default(context))
    return not environment.read(environment.RUN_ID) or value != default


def unheard(
    options: Mapping, merged: Mapping, growing: Collection[str], command: str
) -> tuple[str, ...]:
    """Say so where more may have been asked for by a number that is the default as well."""
    if not environment.read(environment.RUN_ID):
        return ()
    return tuple(
        f"`{name}` stays {merged[name]}: {options[name]} is the default, and counts as not given "
        f"under `mlflow run`; if it is meant: {command} --{name.replace('_', '-')} {options[name]}"
        for name in sorted(growing)
        if options[name] > merged[name]
    )
