"""Learning curves of three models: fully connected, with residual layers, convolutional."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pydantic import Field

from hypertuning.stages.kinds import Count
from hypertuning.stages.options import Augment, SearchOptions

if TYPE_CHECKING:
    from hypertuning.stages.study.searches import Search


class Compare(SearchOptions):
    """Compare the learning curves of NN, NN with residual layers, and CNN."""

    epochs: Count = Field(5, description="Epochs of every trial.")
    repeats: Count = Field(
        1, description="How often each model is trained, each time with another seed."
    )
    augment: Augment = "none"


def search(options: Compare, given: Mapping | None = None) -> "Search":
    """Every model once per repeat, one repeat after the other."""
    from hypertuning.spaces import COMPARE
    from hypertuning.stages.study.listed import listed

    seeds = range(options.seed, options.seed + options.repeats)
    models = [{**model, "seed": seed} for seed in seeds for model in COMPARE]
    return listed("compare", models, options, given)
