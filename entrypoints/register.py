"""From the best trials of a study to a version of a registered model."""

import click

from hypertuning.stages.options import (
    AUTO,
    COUNT,
    COUNT_OR_ALL,
    DATA_DIR,
    NONE,
    PATH_OR_NAME,
    RESOURCES,
    RUN,
    TRUST,
    StageCommand,
    option,
)


@click.command(
    "register",
    cls=StageCommand,
    opening="from {source}, top_k={top_k}, repeats={repeats}, model_name={model_name}",
)
@option("source", "bohb", help="Run id of a study, or a stage: the latest one of the experiment.")
@option("top_k", 3, COUNT, "Configurations that are trained again, the best of the source.")
@option("repeats", 3, COUNT, "Times that each is, with seeds that the source did not use.")
@option("epochs", 0, COUNT_OR_ALL, "Of a repeat; 0 is as many as the source's longest trials.")
@option("model_name", AUTO, help="In the model registry; auto is <data set>-cnn.")
@option("alias", "challenger", help="Of the new version, unless it becomes champion.")
@option("force", False, click.BOOL, "Make it champion even if it is no better.")
@TRUST
@option("dataset", NONE, PATH_OR_NAME, "As everywhere; none is that of the source.")
@DATA_DIR
@RESOURCES
@RUN
def main(**options) -> None:
    """Choose the best configuration honestly, refit, test and register it."""
    # takes a second: not before the first line
    from hypertuning.stages.console.waiting import waiting
    from hypertuning.stages.start import LIBRARIES, check_ground

    check_ground(options)
    with waiting(LIBRARIES):
        from hypertuning.stages.register.run import run_register

    run_register(options)


if __name__ == "__main__":
    main()
