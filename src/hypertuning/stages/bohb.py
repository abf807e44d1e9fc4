"""Bayesian optimisation with Hyperband."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from hypertuning.search.strategies import STRATEGIES
from hypertuning.stages.kinds import Count, Factor, Share
from hypertuning.stages.options import Augment, SearchOptions

if TYPE_CHECKING:
    from hypertuning.stages.study.searches import Search


class Bohb(SearchOptions):
    """Search training and structure hyperparameters with BOHB."""

    num_samples: Count = Field(
        51, description="Configurations; 51 is three rounds of Hyperband's brackets."
    )
    min_epochs: Count = Field(1, description="Epochs of the lowest rung.")
    max_epochs: Count = Field(9, description="Of a trial that is never stopped.")
    reduction_factor: Factor = Field(3, description="One trial in so many goes on.")
    strategy: Literal[*STRATEGIES] = Field("bohb", description="The model, or only its space.")
    random_fraction: Share = Field(
        0.333, description="Share of the configurations that are drawn at random, model or not."
    )
    warm_start: str | None = Field(
        None, description="Earlier studies to learn from: run ids or stages, with commas."
    )
    augment: Augment = "none"


def search(options: Bohb, given: Mapping | None = None) -> "Search":
    """What BOHB draws from; it is imported here because that takes seconds."""
    from hypertuning.spaces import BOHB
    from hypertuning.stages.study.sampled import sampled

    return sampled("bohb", BOHB, "min_epochs", options)
