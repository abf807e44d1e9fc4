"""From a configuration to its network."""

import torch
from torch import nn

from hypertuning.config import IMAGE_SIZE, Config
from hypertuning.learn.networks import network


def architecture(config: Config, num_classes: int) -> dict[str, object]:
    """The network of a configuration in plain numbers, for `networks.network`."""
    head = {
        "hidden_size": config.hidden_size,
        "layers": config.num_fully_connected_layers,
        "dropout": config.dropout,
        "num_classes": num_classes,
    }
    if config.model != "cnn":
        return {"model": config.model, "inputs": 3 * IMAGE_SIZE * IMAGE_SIZE, **head}
    return {
        "model": config.model,
        "convolutions": config.num_conv_layers,
        "filters": config.filters,
        "kernel_size": config.kernel_size,
        "padding": config.padding,
        "batch_norm": config.batch_norm,
        "inputs": config.filters * config.feature_sizes()[-1] ** 2,
        **head,
    }


def build(config: Config, num_classes: int) -> nn.Module:
    """The network of a configuration, with first weights that depend on its seed alone."""
    with torch.random.fork_rng(devices=[]):  # made on the CPU: the same weights on every device
        torch.manual_seed(config.seed)
        return network(architecture(config, num_classes))
