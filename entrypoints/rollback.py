"""Back to the champion before this one."""

import click

from hypertuning.stages.options import AUTO, StageCommand, option, usage


@click.command("rollback", cls=StageCommand, opening="model_name={model_name}")
@option("model_name", AUTO, help="In the model registry; auto is the only one that can go back.")
def main(model_name: str) -> None:
    """Let the aliases champion and previous change places."""
    from hypertuning.stages.console.waiting import waiting

    with waiting("MLflow"):
        from hypertuning.registry import versions
        from hypertuning.tracking.store import connect

    client = connect(must_exist=True)
    if model_name == AUTO:
        with usage():
            aliases = {versions.CHAMPION, versions.PREVIOUS}
            model_name = versions.only_one(client, aliases, "model_name", "{}")
    champion, previous = versions.roll_back(client, model_name)
    click.echo(
        f"model {model_name}: version {champion.version} is champion again, version "
        f"{previous.version} is previous"
    )
    if why := versions.unusable(champion):
        click.echo(f"warning: version {champion.version} cannot be used as it is: {why}")


if __name__ == "__main__":
    main()
