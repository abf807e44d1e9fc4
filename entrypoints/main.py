"""The whole study: compare → grid → hyperband → bohb → register → report, as one run."""

import click

from hypertuning.stages.options import (
    AUTO,
    COUNT,
    COUNT_OR_ALL,
    DATA_DIR,
    DATASET,
    FOLDER,
    NONE,
    SEED,
    TRUST,
    Number,
    StageCommand,
    option,
)


@click.command(
    "main",
    cls=StageCommand,
    opening="compare, grid, hyperband, bohb, register, report on {dataset}, profile {profile}",
)
@option("profile", "quick", click.Choice(["quick", "full"]), "quick: little of everything.")
@DATASET
@DATA_DIR
@option("train_size", 0, COUNT_OR_ALL, "Training images; 0 is what the profile has.")
@option("val_size", 0, COUNT_OR_ALL, "Validation images; 0 is what the profile has.")
@option("seed", 0, SEED, "Of every stage.")
@option("concurrency", 0, COUNT_OR_ALL, "Trials at once; 0 is as many as there is room for.")
@option("cpus_per_trial", 1, COUNT, "Processors, and threads, of one trial.")
@option("gpus_per_trial", 0.0, Number(0), "GPUs of one trial, fractions allowed.")
@option("storage_path", "ray_results", FOLDER, "Record and checkpoints of every study.")
@option("model_name", AUTO, help="In the model registry; auto is <data set>-cnn.")
@TRUST
@option("out", "reports", FOLDER, "Folder for the report's own folder.")
@option("resume", NONE, help="Run id of a main run that is to go on, or last.")
@option("dry_run", False, click.BOOL, "Print each stage's plan and the sum of time, and exit.")
def main(**options) -> None:
    """Run all stages as children of one run; those that are complete are not run again."""
    # takes a second: not before the first line
    from hypertuning.stages.console.waiting import waiting
    from hypertuning.stages.start import LIBRARIES, check_ground

    check_ground(options)
    if options["dry_run"] and options["resume"] != NONE:
        raise click.UsageError("`dry_run` shows what a new run would do; leave out `resume`")
    with waiting(LIBRARIES):
        from hypertuning.stages.main.plan import plan_all
        from hypertuning.stages.main.run import run_all
    plan_all(options) if options["dry_run"] else run_all(options)


if __name__ == "__main__":
    main()
