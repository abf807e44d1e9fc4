"""Early stopping over the CNN's widths and kernel, without and with augmentation."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from hypertuning.search.strategies import PAIRED, described
from hypertuning.stages.kinds import Count, Factor
from hypertuning.stages.options import SearchOptions

if TYPE_CHECKING:
    from hypertuning.stages.study.searches import Search


class Hyperband(SearchOptions):
    """Search hidden size, filters, kernel and padding with ASHA or Hyperband."""

    num_samples: Count = Field(
        20, description="Number of configurations; augment=both trains each of them twice."
    )
    grace_period: Count = Field(3, description="Epochs before a trial can be stopped.")
    max_epochs: Count = Field(10, description="Epochs of a trial that is never stopped.")
    reduction_factor: Factor = Field(3, description="At each rung, one trial in this many goes on.")
    strategy: Literal[*PAIRED] = Field("asha", description=described(PAIRED))
    augment: Literal["both", "none", "crop_flip"] = Field(
        "both",
        description="Random crop and flip; both trains each configuration without and with it.",
    )


def search(options: Hyperband, given: Mapping | None = None) -> "Search":
    """Draws from the space; each is trained twice if `augment` is `both`."""
    from hypertuning.spaces import HYPERBAND
    from hypertuning.stages.study.sampled import sampled

    return sampled("hyperband", HYPERBAND, "grace_period", options)
