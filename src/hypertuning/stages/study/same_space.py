"""Whether a study that goes on would draw networks of the kind that it has drawn."""

from collections.abc import Sequence

from hypertuning.config import Config, UserError, acts, parse_config
from hypertuning.search.past import Past
from hypertuning.spaces import acting, searched
from hypertuning.stages.study.resume import Resumed
from hypertuning.stages.study.searches import Search


def check_version(search: Search, resumed: Resumed | None, past: Sequence[Past]) -> None:
    """Check that what a study has drawn could be drawn now, but for the ranges.

    Another version of the project may fix other values in a stage's space; new trials would then be
    other networks.

    Raises:
        UserError: the space fixes other values.
    """
    if not (resumed and search.declared):  # a list is in the record
        return
    for _, proposal, *_ in past:
        if proposal.sampler != "point" and (difference := _difference(search, proposal.config)):
            raise UserError(
                f"study {resumed.study_dir.id} has trials that this version of the project would "
                f"not draw: {difference}; go on with the version that began it (the page of its "
                "run names the commit), or begin a new study"
            )


def _difference(search: Search, config: Config) -> str:
    """How a configuration differs from what the space makes of its searched values; or nothing."""
    opened, given = searched(search.declared), config.hyperparameters()
    fixed = {name: value for name, value in search.domains.items() if name not in opened}
    drawn = {name: value for name, value in given.items() if name in opened}
    values = {**fixed, "augment": config.augment, **drawn}  # each arm has its own
    there = {name: v for name, v in acting(search.domains, values).items() if acts(name, values)}
    try:
        now = parse_config(there).hyperparameters()
    except UserError as error:
        return str(error)
    for name in (*given, *now):
        if name not in now:
            return f"`{name}` {given[name]!r}, which it does not set"
        if given.get(name) != now[name]:
            return f"`{name}` {given.get(name, 'not set')!r}, which is {now[name]!r} now"
    return ""
