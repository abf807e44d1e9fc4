"""The one configuration of the stage train."""

from collections.abc import Mapping

from hypertuning.config import Config, UserError, parse_config
from hypertuning.search.halving import sweep
from hypertuning.search.sampler import Listed, Proposal
from hypertuning.stages.options import usage
from hypertuning.stages.study.config_asked import Asked, find_config
from hypertuning.stages.study.searches import Search
from hypertuning.stages.train import Train
from hypertuning.tracking.labels import run_name


def single(options: Train, kept: Mapping | None) -> Search:
    """The search that trains only the configuration that the options name.

    Args:
        kept: If the study is resumed, the configuration in its record.

    Raises:
        UsageError: there is no such configuration, or it cannot be trained.
    """
    with usage():
        epochs = options.epochs
        asked = Asked(*kept["asked"]) if kept else find_config(options.config)
        config = parse_config(asked.config) if kept else asked.config
        if kept and kept["epochs"] != epochs and (why := _planned(config)):
            raise UserError(
                f"`epochs` (={epochs}) cannot become more than {kept['epochs']}: {why}; start "
                "a new study"
            )
    had = asked.images or {"dataset": "cifar10"}
    return Search(
        "train",
        "train",
        epochs,
        Listed([Proposal(config, "point")]),
        lambda: sweep(1, epochs),
        notes=(
            f"the configuration of {asked.origin}: {run_name(config.hyperparameters())}",
            *asked.idle,
        ),
        settled={"dataset": options.dataset or had["dataset"]},
        found_on=asked.images,
        given=kept
        or {
            "asked": (config.hyperparameters(), asked.origin, asked.images, list(asked.idle)),
            "epochs": epochs,
        },
        title=run_name(config.hyperparameters()),
    )


def _planned(config: Config) -> str:
    """What depends on the number of epochs that were planned; or nothing."""
    if config.lr_schedule != "constant":
        return f"the learning rate follows a schedule ({config.lr_schedule}) over these"
    return "at their end `lookahead` turns the weights into their average" * config.lookahead
