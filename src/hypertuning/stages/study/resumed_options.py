"""Options of a resumed study or main run: those recorded, and those that may change."""

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
"""Options that apply to one start of a study and are not recorded."""
OF_ANY_START = {
    "concurrency",
    "cpus_per_trial",
    "data_dir",
    "gpus_per_trial",
    "max_failures",
    "ray_address",
    "stop_when",
    *("alias", "force", "model_name", "trust"),  # of register, until there is a version
}
"""Options that may change when a study is resumed."""
FILES = ("space", "points")
"""Options that name files; the record keeps copies, and a resumed study uses these."""

Some = TypeVar("Some", bound=Options)


def merge(
    options: Some,
    recorded: Mapping[str, str],
    owner: str,
    growing: Collection[str] = (),
    free: Collection[str] = OF_ANY_START,
    new: Collection[str] = OF_THIS_START,
) -> Some:
    """The recorded options, with those of this command where they may change.

    Args:
        owner: What was recorded, in words, for messages.
        growing: Options that may only become larger.
        free: Options that may change.
        new: Options that apply only to this command.

    Raises:
        UsageError: the recorded options are damaged.
        UserError: an option contradicts what was recorded.
    """
    recorded = {**options.EARLIER, **recorded}
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
