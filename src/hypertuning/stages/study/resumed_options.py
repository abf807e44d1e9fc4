"""Options of a command that goes on with something: what was recorded, and what may change."""

from collections.abc import Collection, Mapping
from typing import TypeVar

from hypertuning import environment
from hypertuning.config import UserError
from hypertuning.stages.options import Options

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
FILES = ("space", "points")
"""Kept with the record, so that a study goes on with what it began with."""

Some = TypeVar("Some", bound=Options)


def merge(
    options: Some,
    recorded: Mapping[str, str],
    owner: str,
    growing: Collection[str] = (),
    free: Collection[str] = OF_ANY_START,
    new: Collection[str] = OF_THIS_START,
) -> Some:
    """The options that were recorded, and where they may change, those of this command.

    Args:
        owner: What they were recorded of, in words.
        growing: Those that may become more.
        free: Those that may become anything.
        new: Those that hold for this command alone.

    Raises:
        UsageError: what was recorded is damaged.
        UserError: an option contradicts what was recorded.
    """
    kept = [n for n in options.names() if n in recorded and n not in (*new, *FILES)]
    had = type(options).of({name: recorded[name] for name in kept})
    merged = {}
    for name in kept:
        now, before = getattr(options, name), getattr(had, name)
        if not options.is_given(name) or now == before:
            merged[name] = before
        elif name in growing:
            if now < before:
                raise UserError(f"`{name}` (={now}) must not be less than the {before} of {owner}")
        elif name not in free:
            raise UserError(
                f"`{name}` (={now}) contradicts {owner}, which has {before}; leave it out, or "
                "start anew"
            )
    return options.but(**merged)


def ignored(
    options: Options, merged: Options, growing: Collection[str], command: str
) -> tuple[str, ...]:
    """Options ignored because they equal their default under `mlflow run`."""
    if not environment.read(environment.RUN_ID):
        return ()
    pairs = [(name, getattr(options, name), getattr(merged, name)) for name in sorted(growing)]
    return tuple(
        f"`{name}` stays {kept}: {asked} is the default, and counts as not given under "
        f"`mlflow run`; if it is meant: {command} --{name.replace('_', '-')} {asked}"
        for name, asked, kept in pairs
        if asked > kept
    )
