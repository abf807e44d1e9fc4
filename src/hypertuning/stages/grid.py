"""Every combination of the CNN's structure parameters."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pydantic import Field

from hypertuning.stages.kinds import Count
from hypertuning.stages.options import Augment, SearchOptions

if TYPE_CHECKING:
    from hypertuning.stages.study.searches import Search


class Grid(SearchOptions):
    """Train every combination of fully connected layers, conv layers, filters and kernel size."""

    epochs: Count = Field(3, description="Epochs of every trial.")
    augment: Augment = "none"


def search(options: Grid, given: Mapping | None = None) -> "Search":
    """Every combination once."""
    from hypertuning.spaces import GRID
    from hypertuning.stages.study.listed import listed

    return listed("grid", [GRID], options, given)
