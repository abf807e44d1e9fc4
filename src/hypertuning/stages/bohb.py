"""Bayesian optimisation with Hyperband."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from hypertuning.search.strategies import STRATEGIES, described
from hypertuning.stages.kinds import Count, Factor, Named, Share
from hypertuning.stages.options import Augment, SearchOptions

if TYPE_CHECKING:
    from hypertuning.stages.study.searches import Search


class Bohb(SearchOptions):
    """Search training and structure hyperparameters with BOHB."""

    num_samples: Count = Field(
        51, description="Number of configurations; 51 is three rounds of Hyperband's brackets."
    )
    min_epochs: Count = Field(1, description="Epochs of the lowest rung.")
    max_epochs: Count = Field(9, description="Epochs of a trial that is never stopped.")
    reduction_factor: Factor = Field(3, description="At each rung, one trial in this many goes on.")
    strategy: Literal[*STRATEGIES] = Field("bohb", description=described(STRATEGIES))
    random_fraction: Share = Field(
        0.333,
        description="Share of configurations drawn at random even when the model could propose.",
    )
    warm_start: Named = Field(
        None, description="Earlier studies to learn from: run ids or stages, separated by commas."
    )
    priors: bool = Field(True, description="Draw near the priors that the space has.")
    augment: Augment = "none"


def search(options: Bohb, given: Mapping | None = None) -> "Search":
    """The space of BOHB, under the strategy asked for; imported here because that takes seconds."""
    from hypertuning.spaces import BOHB
    from hypertuning.stages.study.sampled import sampled

    return sampled("bohb", BOHB, "min_epochs", options)
