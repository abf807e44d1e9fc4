"""From the best trials of a study to a version of a registered model."""

import time
from pathlib import Path
from typing import Literal

from pydantic import Field

from hypertuning.stages.done import Done
from hypertuning.stages.kinds import Count, CountOrAll, DatasetOrNone, Name, SizeOrNone
from hypertuning.stages.options import AUTO, DataDir, StudyOptions, Trust, usage


class Register(StudyOptions):
    """Train the best configurations again, refit the winner, test it once and register it."""

    source: Name = Field(
        "bohb",
        description="Study to choose from: a run id, or a stage, which means its latest completed "
        "study.",
    )
    top_k: Count = Field(
        3, description="Number of the source's best configurations that are trained again."
    )
    repeats: Count = Field(
        3, description="How often each is trained, with seeds that the source did not use."
    )
    epochs: CountOrAll = Field(
        0, description="Epochs of each repeat; 0 is as many as the source's longest trials."
    )
    repeat_size: SizeOrNone = Field(
        None,
        description="Training images of each repeat; none is as many as the source had, 0 is all.",
    )
    refit_size: SizeOrNone = Field(
        None,
        description="Training images of the refit, besides those of validation; none is as many "
        "as the repeats had, 0 is all.",
    )
    refit_epochs: CountOrAll = Field(
        0, description="Epochs of the refit; 0 is the mean of the best epochs of its repeats."
    )
    test_augment: Literal["same", "none", "mirror", "mirror_shift"] = Field(
        "same",
        description="Views of an image that the registered model averages: none, its mirror image "
        "too, or both also shifted by a pixel; same is as in the source.",
    )
    model_name: Name = Field(
        AUTO, description="Name in the model registry; auto is <data set>-cnn."
    )
    alias: Name = Field(
        "challenger", description="Alias of the new version, unless it becomes champion."
    )
    force: bool = Field(
        False, description="Make the new version champion even if it is not better."
    )
    trust: Trust = False
    dataset: DatasetOrNone = Field(
        None, description="Images, as in other stages; none is those of the source."
    )
    data_dir: DataDir = Path("data")


def register(options: Register) -> Done:
    """Return the version that was registered."""
    # imported here, because it takes a second and the first line must come at once
    from hypertuning.registry.aliases import check_alias
    from hypertuning.stages.console.waiting import waiting
    from hypertuning.stages.start import LIBRARIES, check_ground

    began = time.monotonic()
    with usage():
        check_alias(options.alias)
    check_ground(options)
    with waiting(LIBRARIES):
        from hypertuning.stages.register.run import run_register

    return run_register(options, began)
