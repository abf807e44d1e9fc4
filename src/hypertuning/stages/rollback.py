"""Return to the champion before this one."""

from pydantic import Field

from hypertuning.stages.done import Done
from hypertuning.stages.kinds import Name
from hypertuning.stages.options import AUTO, Options, usage


class Rollback(Options):
    """Swap the aliases champion and previous."""

    model_name: Name = Field(
        AUTO, description="Name in the model registry; auto is the only model with a previous."
    )


def rollback(options: Rollback) -> Done:
    """Return the version that is champion again."""
    from hypertuning.stages.console.waiting import waiting

    with waiting("MLflow"):
        from hypertuning.registry import versions
        from hypertuning.tracking.store import connect

    name, client = options.model_name, connect(must_exist=True)
    with usage():
        if name == AUTO:
            aliases = {versions.CHAMPION, versions.PREVIOUS}
            name = versions.only_one(client, aliases, "model_name", "{}")
        versions.check_name(client, name)
    champion, previous = versions.roll_back(client, name)
    print(
        f"model {name}: version {champion.version} is champion again, version "
        f"{previous.version} is previous"
    )
    if why := versions.unusable(champion):
        print(f"warning: version {champion.version} cannot be used as it is: {why}")
    return Done(champion.version)
