"""Optimizers and learning-rate schedules."""

import math
from typing import NamedTuple

import numpy as np
from torch import nn, optim

from hypertuning.config import WITH_MOMENTUM, Config
from hypertuning.learn.muon import BETAS, Muon
from hypertuning.learn.no_compiler import plain
from hypertuning.learn.splits import steps_of

WARM_UP = 0.3
"""Share of the training during which a one-cycle learning rate rises."""
TRIANGLE_START = 0.2
"""Share of the learning rate with which a triangle begins."""

OPTIMIZERS = {
    "adam": plain(optim.Adam),
    "adamw": plain(optim.AdamW),
    "sgd": plain(optim.SGD),
    "muon": Muon,
}


def build_optimizer(config: Config, model: nn.Module, images: int) -> optim.Optimizer:
    """The optimizer of a network; each group of weights has its multiple of the rate as `factor`.

    The biases of batch normalisation have a rate of their own if the configuration gives one. Under
    `muon`, the weights of all layers but the last are a group by themselves.

    Args:
        images: For training; with the batch size they give the steps of an epoch.
    """
    shared, momentum = {"fused": True}, {}
    if config.optimizer in WITH_MOMENTUM.values:
        momentum = {"momentum": config.momentum, "nesterov": config.nesterov}
    if config.optimizer == "muon":
        shared |= {"betas": BETAS}
    steps = steps_of(images, config.batch_size)
    groups = [
        {
            "params": found,
            **_rates(config, steps, kind.factor),
            **(momentum if kind.has_momentum else {}),
        }
        for kind, found in _kinds(config, model).items()
    ]
    return OPTIMIZERS[config.optimizer](groups, **shared)


class _Kind(NamedTuple):
    """What the weights of a group share."""

    factor: float
    """Multiple of the learning rate."""
    has_momentum: bool
    """Whether the momentum asked for is theirs."""


def _kinds(config: Config, model: nn.Module) -> dict[_Kind, list[nn.Parameter]]:
    """The weights that are trained, by their kind."""
    layers = [m for m in model.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    matrices = {id(layer.weight) for layer in layers[:-1]}
    norms = {id(m.bias) for m in model.modules() if isinstance(m, nn.BatchNorm2d)}
    groups: dict[_Kind, list[nn.Parameter]] = {}
    for weight in model.parameters():
        factor = config.norm_bias_rate if id(weight) in norms else 1.0
        has_momentum = config.optimizer != "muon" or id(weight) in matrices
        if weight.requires_grad:
            groups.setdefault(_Kind(factor, has_momentum), []).append(weight)
    return groups


def _rates(config: Config, steps: int, factor: float) -> dict[str, float]:
    """Learning rate and weight decay of a group."""
    rate, decay = config.learning_rate * factor, config.weight_decay
    if config.decay_per_epoch and config.optimizer == "sgd":
        # PyTorch passes the decay through the momentum, which multiplies it by 1 / (1 - momentum)
        decay *= (1 - config.momentum) / (steps * rate)
    elif config.decay_per_epoch:
        decay = -math.expm1(-decay / steps) / rate
    return {"lr": rate, "weight_decay": decay, "factor": factor}


def rate_at(config: Config, progress: float) -> float:
    """The learning rate after a share `progress` of the horizon; from its end on it is constant.

    cosine: Loshchilov and Hutter, SGDR (ICLR 2017), equation 5, without restarts and down to 0.
    onecycle: Smith and Topin, Super-Convergence (2018): a line up, then half a cosine down.
    triangle: a line up from TRIANGLE_START and a line down to `lr_end` (Jordan, arXiv 2404.00498).
    """
    progress = min(progress, 1.0)
    if config.lr_schedule == "constant":
        factor = 1.0
    elif config.lr_schedule == "onecycle" and progress < WARM_UP:
        factor = (progress + 0.01) / (WARM_UP + 0.01)
    elif config.lr_schedule == "triangle":
        turns = [0.0, config.lr_peak, 1.0]
        factor = float(np.interp(progress, turns, [TRIANGLE_START, 1.0, config.lr_end]))
    else:
        begun = WARM_UP if config.lr_schedule == "onecycle" else 0.0
        factor = (1 + math.cos(math.pi * (progress - begun) / (1 - begun))) / 2
    return config.learning_rate * factor
