"""Early stopping over the CNN's widths and kernel, without and with augmentation."""

import click

from entrypoints.options import COUNT, StageCommand, option, stage_options


@click.command(cls=StageCommand)
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
    # torch, Ray and MLflow take seconds to import: not before the options are right
    from entrypoints.searches import sampled
    from entrypoints.stage import run_stage
    from hypertuning.spaces import HYPERBAND

    def build(given):
        return sampled("hyperband", HYPERBAND, "grace_period", given)

    run_stage("hyperband", build, options)


if __name__ == "__main__":
    main()
