"""From the best trials of a study to a version of a registered model."""

import time

from pydantic import Field

from hypertuning.stages.done import Done
from hypertuning.stages.kinds import Count, CountOrAll, PathOrNone
from hypertuning.stages.options import AUTO, DataDir, StudyOptions, Trust


class Register(StudyOptions):
    """Choose the best configuration honestly, refit, test and register it."""

    source: str = Field(
        "bohb",
        description="Run id of a study, or a stage: the latest one of the experiment.",
    )
    top_k: Count = Field(
        3, description="Configurations that are trained again, the best of the source."
    )
    repeats: Count = Field(
        3, description="Times that each is, with seeds that the source did not use."
    )
    epochs: CountOrAll = Field(
        0, description="Of a repeat; 0 is as many as the source's longest trials."
    )
    model_name: str = Field(AUTO, description="In the model registry; auto is <data set>-cnn.")
    alias: str = Field("challenger", description="Of the new version, unless it becomes champion.")
    force: bool = Field(False, description="Make it champion even if it is no better.")
    trust: Trust = False
    dataset: PathOrNone = Field(None, description="As everywhere; none is that of the source.")
    data_dir: DataDir = "data"


def register(options: Register) -> Done:
    """Give the version that was registered."""
    # takes a second: not before the first line
    from hypertuning.stages.console.waiting import waiting
    from hypertuning.stages.start import LIBRARIES, check_ground

    began = time.monotonic()
    check_ground(options)
    with waiting(LIBRARIES):
        from hypertuning.stages.register.run import run_register

    return run_register(options, began)
