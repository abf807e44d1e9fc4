"""One configuration, for as many epochs as wanted: what comes after a search."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pydantic import Field

from hypertuning.stages.kinds import Count, PathOrNone
from hypertuning.stages.options import Images, StudyOptions

if TYPE_CHECKING:
    from hypertuning.stages.study.searches import Search


class Train(Images, StudyOptions):
    """Train one configuration, as a study of one trial."""

    config: PathOrNone = Field(
        None,
        description="YAML file, run id of a trial or study, or a stage: its best trial.",
    )
    epochs: Count = Field(20, description="Of the one trial.")
    dataset: PathOrNone = Field(
        None, description="As everywhere; none is that of the study, or cifar10."
    )


def search(options: Train, given: Mapping | None = None) -> "Search":
    """The one configuration; it is imported here because that takes seconds."""
    from hypertuning.stages.study.single import single

    return single(options, given)
