"""Search with a model and early stopping: BOHB and its relatives."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from hypertuning.search.strategies import FORESEEING, STRATEGIES, described
from hypertuning.stages.kinds import Amount, Count, Factor, Named, Share
from hypertuning.stages.options import AUTO, SearchOptions

if TYPE_CHECKING:
    from hypertuning.stages.study.searches import Search


class Bohb(SearchOptions):
    """Search training and structure hyperparameters with a model and early stopping."""

    num_samples: Count = Field(
        51, description="Number of configurations; 51 is three rounds of the brackets of bohb."
    )
    min_epochs: Count = Field(1, description="Epochs of the lowest rung.")
    max_epochs: Count = Field(9, description="Epochs of a trial that is never stopped.")
    reduction_factor: Factor = Field(3, description="At each rung, one trial in this many goes on.")
    strategy: Literal[*STRATEGIES] = Field("gp", description=described(STRATEGIES))
    random_fraction: Share = Field(
        0.333,
        description="Share of configurations drawn at random even when the model could propose.",
    )
    warm_start: Named = Field(
        None, description="Earlier studies to learn from: run ids or stages, separated by commas."
    )
    stop_when: Amount = Field(
        0.0,
        description="End the search when the next tenth of its epochs is expected to lower "
        f"val_loss by less than this; strategy {' or '.join(FORESEEING)} only. 0 is never.",
    )
    priors: bool = Field(True, description="Draw near the priors that the space has.")
    family: Literal["auto", "recipe", "plain"] = Field(
        AUTO,
        description="Networks and training to search: recipe is the strong small CNNs of airbench, "
        "plain the CNN of the other stages; auto is plain for digits, and else recipe. `space` "
        "changes either.",
    )
    augment: Literal["auto", "none", "crop_flip"] = Field(
        AUTO,
        description="Augmentation of the training images; auto is crop_flip for recipe, none for "
        "plain.",
    )
    EARLIER: ClassVar = {"family": "plain"}


def search(options: Bohb, given: Mapping | None = None) -> "Search":
    """The space of a family, under the strategy asked for; imported here because that is slow."""
    from hypertuning.spaces import AUGMENT, FAMILIES
    from hypertuning.stages.study.sampled import ModelAsked, sampled

    family = options.family
    if family == AUTO:  # digits are few, and no digit is another one's mirror image
        family = "plain" if options.dataset == "digits" else "recipe"
    if options.augment == AUTO:
        options = options.but(augment=AUGMENT[family])
    asked = ModelAsked(
        random_fraction=options.random_fraction,
        warm_start=options.warm_start,
        stop_when=options.stop_when,
        priors=options.priors,
        priors_note="; `priors=false` turns this off",
    )
    return sampled("bohb", FAMILIES[family], "min_epochs", options, asked)
