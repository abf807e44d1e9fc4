"""Back to the champion before this one."""

import click

from entrypoints.options import StageCommand, option


@click.command(cls=StageCommand)
@option("model_name", "cifar10-cnn", help="In the model registry.")
def main(model_name: str) -> None:
    """Let the aliases champion and previous change places."""
    # MLflow takes seconds to import: not before the options are right
    from hypertuning.registry.versions import roll_back
    from hypertuning.tracking.store import connect

    champion, previous = roll_back(connect(must_exist=True), model_name)
    click.echo(
        f"model {model_name}: version {champion.version} is champion again, version "
        f"{previous.version} is previous"
    )


if __name__ == "__main__":
    main()
