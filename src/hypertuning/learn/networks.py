"""The three image classifiers, of torch and plain numbers alone.

A registered model carries this file with it and builds its network from it, on machines that have
nothing else of this project: it imports nothing of ours.
"""

import itertools
from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class MLP(nn.Module):
    """A fully connected network on the pixels."""

    def __init__(
        self, inputs: int, hidden_size: int, layers: int, dropout: float, num_classes: int
    ) -> None:
        super().__init__()
        self.head = _head(inputs, hidden_size, layers, dropout, num_classes)

    def forward(self, images: Tensor) -> Tensor:  # (batch, 3, size, size)
        return self.head(images.flatten(1))  # (batch, classes)


class ResidualMLP(nn.Module):
    """The same network with a shortcut around each layer whose width stays the same.

    He et al., Deep Residual Learning (CVPR 2016), equation 1, with one linear layer per block.
    """

    def __init__(
        self, inputs: int, hidden_size: int, layers: int, dropout: float, num_classes: int
    ) -> None:
        super().__init__()
        sizes = [inputs] + [hidden_size] * (layers - 1)
        self.hidden = nn.ModuleList(nn.Linear(*pair) for pair in itertools.pairwise(sizes))
        self.last = nn.Linear(sizes[-1], num_classes)
        self.dropout = nn.Dropout(dropout)

    def forward(self, images: Tensor) -> Tensor:  # (batch, 3, size, size)
        features = images.flatten(1)  # (batch, 3 · size²)
        for layer in self.hidden:
            update = self.dropout(F.relu(layer(features)))  # (batch, hidden_size)
            features = features + update if update.shape == features.shape else update
        return self.last(features)  # (batch, classes)


class CNN(nn.Module):
    """Blocks of convolutions with a max-pool of 2 in each, then fully connected layers.

    In a block: convolution, pool, normalisation, activation; the further convolutions, each with
    normalisation and activation, follow behind the pool. So everything but the first convolution
    works on a quarter of the pixels, as in Jordan's airbench (arXiv 2404.00498, section 3.1). For
    ReLU alone the place makes no difference: the maximum of rectified values is the rectified
    maximum.

    Args:
        widths: Filters of each block.
        inputs: What the convolutions leave of an image: filters · size², or filters if pooled.
        whitening: Begin with a convolution and an activation. `learn.whitening` computes the
            weights of this convolution; only its biases are trained.
    """

    def __init__(
        self,
        widths: Sequence[int],
        kernel_size: int,
        padding: int,
        batch_norm: bool,
        inputs: int,
        hidden_size: int,
        layers: int,
        dropout: float,
        num_classes: int,
        convs_per_block: int,
        whitening: bool,
        activation: str,
        norm_momentum: float,
        norm_bias_only: bool,
        identity_init: bool,
        global_pool: bool,
        logit_scale: float,
    ) -> None:
        super().__init__()
        self.logit_scale = logit_scale
        self.features = nn.Sequential()
        channels = 3
        if whitening:
            channels = 2 * 3 * 2**2
            self.features.extend([_whitening(channels), ACTIVATIONS[activation]()])
        for width, place in itertools.product(widths, range(convs_per_block)):
            shape = (channels, width, kernel_size)
            convolution = nn.Conv2d(*shape, padding=padding, bias=not batch_norm)
            if identity_init:
                nn.init.dirac_(convolution.weight[:channels])
            self.features.append(convolution)
            if place == 0:
                self.features.append(nn.MaxPool2d(2))
            if batch_norm:
                self.features.append(_norm(width, norm_momentum, norm_bias_only))
            self.features.append(ACTIVATIONS[activation]())
            channels = width
        if global_pool:
            self.features.append(nn.AdaptiveMaxPool2d(1))
        self.head = _head(inputs, hidden_size, layers, dropout, num_classes, activation)

    def forward(self, images: Tensor) -> Tensor:  # (batch, 3, size, size)
        features = self.features(images)  # (batch, filters, smaller, smaller)
        return self.head(features.flatten(1)) * self.logit_scale  # (batch, classes)


def _whitening(channels: int) -> nn.Conv2d:
    layer = nn.Conv2d(3, channels, 2)
    layer.weight.requires_grad_(False)
    nn.init.zeros_(layer.bias)
    return layer


def _norm(channels: int, momentum: float, bias_only: bool) -> nn.BatchNorm2d:
    norm = nn.BatchNorm2d(channels, momentum=momentum)
    norm.weight.requires_grad_(not bias_only)
    return norm


def _head(
    inputs: int,
    hidden_size: int,
    layers: int,
    dropout: float,
    num_classes: int,
    activation: str = "relu",
) -> nn.Sequential:
    """Linear layers with activation and dropout between them; the last one gives the logits."""
    head, between = nn.Sequential(), ACTIVATIONS[activation]
    for _ in range(layers - 1):
        head.extend([nn.Linear(inputs, hidden_size), between(), nn.Dropout(dropout)])
        inputs = hidden_size
    return head.append(nn.Linear(inputs, num_classes))


ACTIVATIONS = {"relu": partial(nn.ReLU, inplace=True), "gelu": nn.GELU}

NETWORKS: dict[str, type[nn.Module]] = {"nn": MLP, "resnn": ResidualMLP, "cnn": CNN}


def network(architecture: dict) -> nn.Module:
    """A network from its name in NETWORKS, as `model`, and its arguments."""
    arguments = {name: value for name, value in architecture.items() if name != "model"}
    built = NETWORKS[architecture["model"]](**arguments)
    return built.to(memory_format=torch.channels_last)


def logits_of(model: nn.Module, images: Tensor, views: str = "none") -> Tensor:
    """The mean logits (batch, classes) of views of normalised images (batch, 3, size, size).

    Args:
        views: `none` is the image as it is; `mirror` adds its mirror image; `mirror_shift` adds,
            with half the weight, both of them shifted by a pixel to the upper left and to the
            lower right, with reflected borders (Jordan, arXiv 2404.00498, section 3.5).
    """
    if views == "none":
        return model(images)
    mirrored = (model(images) + model(_strided(images.flip(-1)))) / 2
    if views == "mirror":
        return mirrored
    size = images.shape[-1]
    padded = F.pad(images, [1] * 4, "reflect")  # (batch, 3, size + 2, size + 2)
    shifted = [padded[..., i : i + size, i : i + size] for i in (0, 2)]
    moved = sum(logits_of(model, _strided(view), "mirror") for view in shifted) / 2
    return (mirrored + moved) / 2


def _strided(images: Tensor) -> Tensor:
    return images.contiguous(memory_format=torch.channels_last)
