"""The shapes of a network, from its hyperparameters: sizes, weights and arithmetic."""

import itertools
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from hypertuning.config import Config

IMAGE_SIZE = 32
"""Height and width in pixels of every image; others are resized when they are decoded."""
WHITENING_SIZE = 2
"""Height and width of the patches that the whitening layer sees."""
WHITENED = 2 * 3 * WHITENING_SIZE**2
"""Its filters: every direction of a patch of three colours, with both signs."""


LARGEST_NETWORK = 2**31
"""Most weights of a network; with their gradients and Adam's two moments they take 32 GiB."""


class Layer(NamedTuple):
    """A convolution or a linear layer."""

    weights: int
    """Without the biases."""
    places: int = 1
    """Pixels of its output, at each of which all weights are multiplied."""


def check_network(config: "Config") -> None:
    """Raises ValueError if there is no such network, or it is too large; the message says why."""
    if config.has_convolutions:
        _check_normalised(config, feature_sizes(config)[-1])
    if config.model == "resnn" and config.num_fully_connected_layers < 2:
        raise ValueError("`model` 'resnn' needs `num_fully_connected_layers` of at least 2, got 1")
    if (count := weights(config)) > LARGEST_NETWORK:
        raise ValueError(
            f"the network would have {count:.2g} weights, and {LARGEST_NETWORK:.2g} are the most; "
            "use fewer `filters`, a smaller `hidden_size` or fewer layers"
        )


def _check_normalised(config: "Config", size: int) -> None:
    """Batch normalisation needs two values of each channel, and batches differ by one image."""
    if config.batch_norm and size == 1 and config.batch_size < 3:
        raise ValueError(
            f"`batch_norm` needs a `batch_size` of at least 3 where the {config.num_conv_layers} "
            f"conv layers leave one pixel, got {config.batch_size}"
        )


def feature_sizes(config: "Config") -> list[int]:
    """Height of the image before the first block and after each one, in pixels.

    Raises:
        ValueError: a block would be left without a pixel; the message names it.
    """
    sizes = _sizes(config, config.padding)
    if sizes[-1] == 0:
        enough = next(p for p in itertools.count(config.padding) if _sizes(config, p)[-1])
        raise ValueError(
            f"kernel_size {config.kernel_size} with padding {config.padding} leaves no pixels "
            f"after conv layer {len(sizes) - 1} of {config.num_conv_layers} "
            f"({' → '.join(map(str, sizes))}); use padding ≥ {enough} or fewer layers"
        )
    return sizes


def _sizes(config: "Config", padding: int) -> list[int]:
    """The sizes up to the first block that leaves no pixel."""
    grows = 2 * padding - config.kernel_size + 1
    sizes = [IMAGE_SIZE - (WHITENING_SIZE - 1) * config.whitening]
    while sizes[-1] and len(sizes) <= config.num_conv_layers:
        pooled = max(0, (sizes[-1] + grows) // 2)
        behind = range(1, config.convs_per_block)
        smallest = min([pooled, *(pooled + grows * n for n in behind)])
        sizes.append(pooled + grows * (config.convs_per_block - 1) if smallest > 0 else 0)
    return sizes


def widths(config: "Config") -> list[int]:
    """Filters of each block."""
    later = round(config.filters * config.filter_growth)
    return [config.filters] + [later] * (config.num_conv_layers - 1)


def inputs(config: "Config") -> int:
    """How many numbers the first linear layer gets of an image."""
    if not config.has_convolutions:
        return 3 * IMAGE_SIZE**2
    places = 1 if config.global_pool else feature_sizes(config)[-1] ** 2
    return widths(config)[-1] * places


def weights(config: "Config") -> int:
    """Count the weights of all layers but the last, without biases and normalisation."""
    return sum(layer.weights for layer in [*_convolutions(config), *_hidden(config)])


def training_flops(config: "Config", num_classes: int) -> int:
    """Floating-point operations of training on one image, normalisation and the like left out.

    A multiplication and an addition for each weight and place, once forwards and twice backwards:
    the usual count, also of the papers that this project compares with.
    """
    last = config.hidden_size if config.num_fully_connected_layers > 1 else inputs(config)
    layers = [*_convolutions(config), *_hidden(config), Layer(last * num_classes)]
    return 6 * sum(layer.weights * layer.places for layer in layers)


def _convolutions(config: "Config") -> list[Layer]:
    if not config.has_convolutions:
        return []
    grows, area = 2 * config.padding - config.kernel_size + 1, config.kernel_size**2
    channels, layers = 3, []
    sizes = feature_sizes(config)
    if config.whitening:
        layers.append(Layer(channels * WHITENED * WHITENING_SIZE**2, sizes[0] ** 2))
        channels = WHITENED
    for size, width in zip(sizes, widths(config), strict=False):
        layers.append(Layer(channels * width * area, (size + grows) ** 2))
        for n in range(1, config.convs_per_block):
            behind = (size + grows) // 2 + grows * n
            layers.append(Layer(width * width * area, behind**2))
        channels = width
    return layers


def _hidden(config: "Config") -> list[Layer]:
    """The linear layers but the last."""
    count = config.num_fully_connected_layers - 1
    ins = [inputs(config)] + [config.hidden_size] * (count - 1)
    return [Layer(before * config.hidden_size) for before in ins[:count]]
