"""Early stopping over the CNN's widths and kernel, without and with augmentation."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from hypertuning.stages.options import COUNT, StageCommand, option, stage_options

if TYPE_CHECKING:
    from hypertuning.stages.study.searches import Search


@click.command(
    "hyperband",
    cls=StageCommand,
    opening="on {dataset}, num_samples={num_samples}, max_epochs={max_epochs}",
)
@option("num_samples", 20, COUNT, "Configurations, each trained in both arms if augment=both.")
@option("grace_period", 3, COUNT, "Epochs that every trial gets.")
@option("max_epochs", 10, COUNT, "Of a trial that is never stopped.")
@option("reduction_factor", 3, click.IntRange(min=2), "One trial in so many goes on.")
@option(
    "strategy", "asha", click.Choice(["asha", "hyperband", "random"]), "Who may go on, and when."
)
@option(
    "augment", "both", click.Choice(["both", "none", "crop_flip"]), "Crop and flip; both: paired."
)
@stage_options
def main(**options) -> None:
    """Search hidden size, filters, kernel and padding with ASHA or Hyperband."""
    from hypertuning.stages.start import start  # takes a second: not before the first line

    start("hyperband", build, options)


def build(options: Mapping) -> "Search":
    from hypertuning.spaces import HYPERBAND
    from hypertuning.stages.study.sampled import sampled

    return sampled("hyperband", HYPERBAND, "grace_period", options)


if __name__ == "__main__":
    main()
