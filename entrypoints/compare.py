"""Learning curves of three models: fully connected, with residual layers, convolutional."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from hypertuning.stages.options import AUGMENT, COUNT, StageCommand, option, stage_options

if TYPE_CHECKING:
    from hypertuning.stages.study.searches import Search


@click.command(
    "compare",
    cls=StageCommand,
    opening="NN, NN with residual layers, and CNN on {dataset}, epochs={epochs}",
)
@option("epochs", 5, COUNT, "Of every trial.")
@option("repeats", 1, COUNT, "Times that each model is trained, each with a seed of its own.")
@AUGMENT
@stage_options
def main(**options) -> None:
    """Compare the learning curves of NN, NN with residual layers, and CNN."""
    from hypertuning.stages.start import start  # takes a second: not before the first line

    start("compare", build, options)


def build(options: Mapping) -> "Search":
    from hypertuning.stages.study.searches import listed

    return listed("compare", models(options), options)


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
