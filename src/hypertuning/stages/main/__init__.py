"""The whole study: compare → grid → hyperband → bohb → register → report, as one run."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from hypertuning.stages.done import Done
from hypertuning.stages.kinds import CountOrAll, Folder, Name, Named, Seed
from hypertuning.stages.options import AUTO, DataOptions, MachineOptions, Trust, UsageError


class Main(DataOptions, MachineOptions):
    """Run all stages as children of one run; complete stages are not run again."""

    profile: Literal["quick", "full"] = Field(
        "quick",
        description="quick runs few trials on few images; full is near the stages' defaults.",
    )
    train_size: CountOrAll = Field(0, description="Number of training images; 0 is the profile's.")
    val_size: CountOrAll = Field(0, description="Number of validation images; 0 is the profile's.")
    seed: Seed = Field(0, description="Seed of every stage.")
    storage_path: Folder = Field(
        Path("ray_results"), description="Folder of records and checkpoints."
    )
    model_name: Name = Field(
        AUTO, description="Name in the model registry; auto is <data set>-cnn."
    )
    trust: Trust = False
    out: Folder = Field(Path("reports"), description="Folder in which the report gets a folder.")
    resume: Named = Field(None, description="Run id of the main run to continue, or last.")
    dry_run: bool = Field(
        False, description="Print each stage's plan and the total time, and exit."
    )


def main(options: Main) -> Done:
    """Return the id of the run that holds the stages."""
    # imported here, because it takes a second and the first line must come at once
    from hypertuning.stages.console.waiting import waiting
    from hypertuning.stages.start import LIBRARIES, check_ground

    check_ground(options)
    if options.dry_run and options.resume:
        raise UsageError("`dry_run` shows what a new run would do; leave out `resume`")
    with waiting(LIBRARIES):
        from hypertuning.stages.main.plan import plan_all
        from hypertuning.stages.main.run import run_all
    return plan_all(options) if options.dry_run else run_all(options)
