"""The CNN's structure, every combination, read as a heat map."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from hypertuning.stages.options import AUGMENT, COUNT, StageCommand, option, stage_options

if TYPE_CHECKING:
    from hypertuning.stages.study.searches import Search


@click.command(
    "grid",
    cls=StageCommand,
    opening="every combination of structures on {dataset}, epochs={epochs}",
)
@option("epochs", 3, COUNT, "Of every trial.")
@AUGMENT
@stage_options
def main(**options) -> None:
    """Train every combination of fully connected layers, conv layers, filters and kernel size."""
    from hypertuning.stages.start import start  # takes a second: not before the first line

    start("grid", build, options)


def build(options: Mapping) -> "Search":
    from hypertuning.spaces import GRID
    from hypertuning.stages.study.searches import listed

    return listed("grid", [GRID], options)


if __name__ == "__main__":
    main()
