"""One configuration, for as many epochs as wanted: what comes after a search."""

import click

from hypertuning.stages.options import (
    COUNT,
    DATA_DIR,
    NONE,
    PATH_OR_NAME,
    RESOURCES,
    RUN,
    SIZES,
    StageCommand,
    option,
)


@click.command("train", cls=StageCommand, opening="config={config}, epochs={epochs}")
@option(
    "config",
    NONE,
    PATH_OR_NAME,
    "YAML file, run id of a trial or study, or a stage: its best trial.",
)
@option("epochs", 20, COUNT, "Of the one trial.")
@option("dataset", NONE, PATH_OR_NAME, "As everywhere; none is that of the study, or cifar10.")
@DATA_DIR
@SIZES
@RESOURCES
@RUN
def main(**options) -> None:
    """Train one configuration, as a study of one trial."""
    # takes a second: not before the first line
    from hypertuning.stages.start import start
    from hypertuning.stages.study.searches import single

    start("train", single, options)


if __name__ == "__main__":
    main()
