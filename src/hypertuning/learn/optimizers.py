"""Optimizers and learning-rate schedules."""

import math

from torch import nn, optim

from hypertuning.config import Config

WARM_UP = 0.3
"""Share of the training during which a one-cycle learning rate rises."""


def build_optimizer(config: Config, model: nn.Module) -> optim.Optimizer:
    shared = {"lr": config.learning_rate, "weight_decay": config.weight_decay, "fused": True}
    if config.optimizer == "sgd":
        return optim.SGD(model.parameters(), momentum=config.momentum, **shared)
    kind = optim.AdamW if config.optimizer == "adamw" else optim.Adam
    return kind(model.parameters(), **shared)


def rate_at(config: Config, progress: float) -> float:
    """The learning rate after a share `progress` of the horizon; from its end on it is constant.

    cosine: Loshchilov and Hutter, SGDR (ICLR 2017), equation 5, without restarts and down to 0.
    onecycle: Smith and Topin, Super-Convergence (2018): a line up, then half a cosine down.
    """
    progress = min(progress, 1.0)
    if config.lr_schedule == "constant":
        factor = 1.0
    elif config.lr_schedule == "onecycle" and progress < WARM_UP:
        factor = (progress + 0.01) / (WARM_UP + 0.01)
    else:
        begun = WARM_UP if config.lr_schedule == "onecycle" else 0.0
        factor = (1 + math.cos(math.pi * (progress - begun) / (1 - begun))) / 2
    return config.learning_rate * factor
