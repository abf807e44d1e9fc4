"""The three image classifiers, of torch and plain numbers alone.

A registered model carries this file with it and builds its network from it, on machines that have
nothing else of this project: it imports nothing of ours.
"""

import itertools

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
    """Convolutions, each followed by a max-pool of 2, then fully connected layers.

    The ReLU stands behind the pool: the maximum of rectified values is the rectified maximum, on a
    quarter of the pixels.

    Args:
        inputs: What the convolutions leave of an image: filters · size².
    """

    def __init__(
        self,
        convolutions: int,
        filters: int,
        kernel_size: int,
        padding: int,
        batch_norm: bool,
        inputs: int,
        hidden_size: int,
        layers: int,
        dropout: float,
        num_classes: int,
    ) -> None:
        super().__init__()
        self.features = nn.Sequential()
        for before, after in itertools.pairwise([3] + [filters] * convolutions):
            self.features.append(nn.Conv2d(before, after, kernel_size, padding=padding))
            if batch_norm:  # of four pixels or more: one image is enough for a batch
                self.features.append(nn.BatchNorm2d(after))
            self.features.extend([nn.MaxPool2d(2), nn.ReLU(inplace=True)])
        self.head = _head(inputs, hidden_size, layers, dropout, num_classes)

    def forward(self, images: Tensor) -> Tensor:  # (batch, 3, size, size)
        features = self.features(images)  # (batch, filters, smaller, smaller)
        return self.head(features.flatten(1))  # (batch, classes)


def _head(
    inputs: int, hidden_size: int, layers: int, dropout: float, num_classes: int
) -> nn.Sequential:
    """Linear layers with ReLU and dropout between them; the last one gives the logits."""
    head = nn.Sequential()
    for _ in range(layers - 1):
        head.extend([nn.Linear(inputs, hidden_size), nn.ReLU(inplace=True), nn.Dropout(dropout)])
        inputs = hidden_size
    return head.append(nn.Linear(inputs, num_classes))


NETWORKS: dict[str, type[nn.Module]] = {"nn": MLP, "resnn": ResidualMLP, "cnn": CNN}


def network(architecture: dict) -> nn.Module:
    """A network from its name in NETWORKS, as `model`, and its arguments."""
    arguments = {name: value for name, value in architecture.items() if name != "model"}
    built = NETWORKS[architecture["model"]](**arguments)
    return built.to(memory_format=torch.channels_last)
