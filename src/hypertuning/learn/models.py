"""From a configuration to its network."""

import inspect

import torch
from torch import nn

from hypertuning.config import Config
from hypertuning.geometry import IMAGE_SIZE, inputs, widths
from hypertuning.learn.networks import NETWORKS, network


def architecture(config: Config, num_classes: int) -> dict[str, object]:
    """The network of a configuration in plain numbers, for `networks.network`.

    The arguments of the network's class say what it needs: any field of `Config`, or one of the
    facts here.
    """
    facts = {
        **config.model_dump(),
        "layers": config.num_fully_connected_layers,
        "widths": widths(config),
        "inputs": inputs(config),
        "image_size": IMAGE_SIZE,
        "num_classes": num_classes,
    }
    needed = inspect.signature(NETWORKS[config.model]).parameters
    return {"model": config.model, **{name: facts[name] for name in needed}}


def build(config: Config, num_classes: int) -> nn.Module:
    """The network of a configuration, with first weights that depend on its seed alone."""
    with torch.random.fork_rng(devices=[]):  # made on the CPU: the same weights on every device
        torch.default_generator.manual_seed(config.seed)  # and leaves those of GPUs alone
        return network(architecture(config, num_classes))
