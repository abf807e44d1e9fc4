"""Learning curves of three models: fully connected, with residual layers, convolutional."""

from collections.abc import Mapping

import click

from entrypoints.options import AUGMENT, COUNT, StageCommand, option, stage_options


@click.command(cls=StageCommand)
@option("epochs", 5, COUNT, "Of every trial.")
@option("repeats", 1, COUNT, "Times that each model is trained, each with a seed of its own.")
@AUGMENT
@stage_options
def main(**options) -> None:
    """Compare the learning curves of NN, NN with residual layers, and CNN."""
    # torch, Ray and MLflow take seconds to import: not before the options are right
    from entrypoints.searches import listed
    from entrypoints.stage import run_stage

    run_stage("compare", lambda given: listed("compare", models(given), given), options)


def models(options: Mapping) -> list[Mapping]:
    """Every model once per repeat, all of a repeat before the next one."""
    from hypertuning.spaces import COMPARE

    return [
        {**model, "seed": options["seed"] + repeat}
        for repeat in range(options["repeats"])
        for model in COMPARE
    ]


if __name__ == "__main__":
    main()
