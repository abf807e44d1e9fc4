"""The CNN's structure, every combination, read as a heat map."""

import click

from entrypoints.options import AUGMENT, COUNT, StageCommand, option, stage_options


@click.command(cls=StageCommand)
@option("epochs", 3, COUNT, "Of every trial.")
@AUGMENT
@stage_options
def main(**options) -> None:
    """Train every combination of fully connected layers, conv layers, filters and kernel size."""
    # torch, Ray and MLflow take seconds to import: not before the options are right
    from entrypoints.searches import listed
    from entrypoints.stage import run_stage
    from hypertuning.spaces import GRID

    run_stage("grid", lambda given: listed("grid", [GRID], given), options)


if __name__ == "__main__":
    main()
