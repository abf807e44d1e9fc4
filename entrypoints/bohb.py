"""Bayesian optimisation with Hyperband."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from hypertuning.stages.options import (
    AUGMENT,
    COUNT,
    NONE,
    Number,
    StageCommand,
    option,
    stage_options,
)

if TYPE_CHECKING:
    from hypertuning.stages.study.searches import Search


@click.command(
    "bohb",
    cls=StageCommand,
    opening="on {dataset}, num_samples={num_samples}, max_epochs={max_epochs}",
)
@option("num_samples", 51, COUNT, "Configurations; 51 is three rounds of Hyperband's brackets.")
@option("min_epochs", 1, COUNT, "Epochs of the lowest rung.")
@option("max_epochs", 9, COUNT, "Of a trial that is never stopped.")
@option("reduction_factor", 3, click.IntRange(min=2), "One trial in so many goes on.")
@option(
    "strategy",
    "bohb",
    click.Choice(["bohb", "hyperband", "asha", "random"]),
    "The model, or only its space.",
)
@option(
    "random_fraction",
    0.333,
    Number(0, 1),
    "Share of the configurations that are drawn at random, model or not.",
)
@option("warm_start", NONE, help="Earlier studies to learn from: run ids or stages, with commas.")
@AUGMENT
@stage_options
def main(**options) -> None:
    """Search training and structure hyperparameters with BOHB."""
    from hypertuning.stages.start import start  # takes a second: not before the first line

    start("bohb", build, options)


def build(options: Mapping) -> "Search":
    from hypertuning.spaces import BOHB
    from hypertuning.stages.study.sampled import sampled

    return sampled("bohb", BOHB, "min_epochs", options)


if __name__ == "__main__":
    main()
