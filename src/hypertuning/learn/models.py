"""The three image classifiers that the study compares."""

import itertools

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hypertuning.config import IMAGE_SIZE, Config

PIXELS = 3 * IMAGE_SIZE * IMAGE_SIZE


class MLP(nn.Module):
    """A fully connected network on the pixels."""

    def __init__(self, config: Config, num_classes: int) -> None:
        super().__init__()
        self.head = _head(PIXELS, config, num_classes)

    def forward(self, images: Tensor) -> Tensor:  # (batch, 3, 32, 32)
        return self.head(images.flatten(1))  # (batch, classes)


class ResidualMLP(nn.Module):
    """The same network with a shortcut around each layer whose width stays the same.

    He et al., Deep Residual Learning (CVPR 2016), equation 1, with one linear layer per block.
    """

    def __init__(self, config: Config, num_classes: int) -> None:
        super().__init__()
        sizes = [PIXELS] + [config.hidden_size] * (config.num_fully_connected_layers - 1)
        self.hidden = nn.ModuleList(nn.Linear(*pair) for pair in itertools.pairwise(sizes))
        self.last = nn.Linear(sizes[-1], num_classes)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, images: Tensor) -> Tensor:  # (batch, 3, 32, 32)
        features = images.flatten(1)  # (batch, 3072)
        for layer in self.hidden:
            update = self.dropout(F.relu(layer(features)))  # (batch, hidden_size)
            features = features + update if update.shape == features.shape else update
        return self.last(features)  # (batch, classes)


class CNN(nn.Module):
    """Convolutions, each followed by a max-pool of 2, then fully connected layers.

    The ReLU stands behind the pool: the maximum of rectified values is the rectified maximum, on a
    quarter of the pixels.
    """

    def __init__(self, config: Config, num_classes: int) -> None:
        super().__init__()
        channels = [3] + [config.filters] * config.num_conv_layers
        self.features = nn.Sequential()
        for before, after in itertools.pairwise(channels):
            conv = nn.Conv2d(before, after, config.kernel_size, padding=config.padding)
            self.features.append(conv)
            if config.batch_norm:  # of four pixels or more: one image is enough for a batch
                self.features.append(nn.BatchNorm2d(after))
            self.features.extend([nn.MaxPool2d(2), nn.ReLU(inplace=True)])
        size = config.feature_sizes()[-1]
        self.head = _head(config.filters * size * size, config, num_classes)

    def forward(self, images: Tensor) -> Tensor:  # (batch, 3, 32, 32)
        features = self.features(images)  # (batch, filters, size, size)
        return self.head(features.flatten(1))  # (batch, classes)


def _head(inputs: int, config: Config, num_classes: int) -> nn.Sequential:
    """Linear layers with ReLU and dropout between them; the last one gives the logits."""
    head = nn.Sequential()
    for _ in range(config.num_fully_connected_layers - 1):
        head.extend([nn.Linear(inputs, config.hidden_size), nn.ReLU(inplace=True)])
        head.append(nn.Dropout(config.dropout))
        inputs = config.hidden_size
    return head.append(nn.Linear(inputs, num_classes))


MODELS: dict[str, type[nn.Module]] = {"nn": MLP, "resnn": ResidualMLP, "cnn": CNN}


def build(config: Config, num_classes: int) -> nn.Module:
    """The model of a configuration, with first weights that hang on its seed alone."""
    with torch.random.fork_rng(devices=[]):  # made on the CPU: the same weights on every device
        torch.manual_seed(config.seed)
        model = MODELS[config.model](config, num_classes)
    return model.to(memory_format=torch.channels_last)
