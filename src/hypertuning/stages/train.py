"""One configuration, for as many epochs as wanted: what comes after a search."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pydantic import Field

from hypertuning.stages.kinds import Count, CountOrAll, DatasetOrNone, PathOrNone
from hypertuning.stages.options import Images, StudyOptions

if TYPE_CHECKING:
    from hypertuning.stages.study.searches import Search


class Train(Images, StudyOptions):
    """Train one configuration, as a study of one trial."""

    config: PathOrNone = Field(
        None,
        description="Configuration to train: a YAML file, the run id of a trial or study, or a "
        "stage, which means its best trial.",
    )
    cpus_per_trial: CountOrAll = Field(
        0, description="CPU cores of the trial, and its threads; 0 is all of this machine's."
    )
    epochs: Count = Field(20, description="Epochs of the one trial.")
    dataset: DatasetOrNone = Field(
        None, description="Images, as in other stages; none is those of the study, or cifar10."
    )


def search(options: Train, given: Mapping | None = None) -> "Search":
    """The one configuration; imported here because that takes seconds."""
    from hypertuning.stages.study.single import single

    return single(options, given)
