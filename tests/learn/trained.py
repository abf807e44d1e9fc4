"""Small models, trained for a few epochs on a few images."""

from dataclasses import asdict

import torch

from hypertuning.config import Config
from hypertuning.learn.training import Hardware, TrainState, fit

CPU = Hardware.of("cpu", "float32")


def small(**given) -> Config:
    shared = {"filters": 4, "num_conv_layers": 2, "hidden_size": 8, "batch_size": 32}
    return Config(**{**shared, **given})


def measured(state: TrainState) -> list[dict]:
    """The rows without what the clock says."""
    clocks = ("epoch_seconds", "images_per_second", "timestamp")
    return [{k: v for k, v in asdict(row).items() if k not in clocks} for row in state.rows]


def trained(config: Config, data, epochs: int, horizon: int = 3, hardware=CPU) -> TrainState:
    state = TrainState.new(config, data, horizon, hardware)
    list(fit(state, data, epochs))
    return state


def weights(state: TrainState) -> torch.Tensor:
    return torch.cat([value.flatten().double() for value in state.model.state_dict().values()])
