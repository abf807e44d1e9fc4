"""Early stopping over the CNN's widths and kernel, without and with augmentation."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from hypertuning.search.strategies import PAIRED
from hypertuning.stages.kinds import Count, Factor
from hypertuning.stages.options import SearchOptions

if TYPE_CHECKING:
    from hypertuning.stages.study.searches import Search


class Hyperband(SearchOptions):
    """Search hidden size, filters, kernel and padding with ASHA or Hyperband."""

    num_samples: Count = Field(
        20, description="Configurations, each trained in both arms if augment=both."
    )
    grace_period: Count = Field(3, description="Epochs that every trial gets.")
    max_epochs: Count = Field(10, description="Of a trial that is never stopped.")
    reduction_factor: Factor = Field(3, description="One trial in so many goes on.")
    strategy: Literal[*PAIRED] = Field("asha", description="Who may go on, and when.")
    augment: Literal["both", "none", "crop_flip"] = Field(
        "both", description="Crop and flip; both: paired."
    )


def search(options: Hyperband, given: Mapping | None = None) -> "Search":
    """Draws from the space, for one arm or for two."""
    from hypertuning.spaces import HYPERBAND
    from hypertuning.stages.study.sampled import sampled

    return sampled("hyperband", HYPERBAND, "grace_period", options)
