"""Claims about the shapes of networks, against those that PyTorch builds."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from hypertuning.config import Config
from hypertuning.geometry import feature_sizes, training_flops, weights, widths
from hypertuning.learn.models import architecture
from hypertuning.learn.networks import network

BLOCKS = {"num_conv_layers": 3, "convs_per_block": 2, "filters": 8, "filter_growth": 2.5}
CONFIGS = [
    Config(),
    Config(model="nn"),
    Config(num_conv_layers=1),
    Config(model="resnn", num_fully_connected_layers=4),
    Config(num_fully_connected_layers=1),
    Config(**BLOCKS),
    Config(**BLOCKS, whitening=True, kernel_size=2),
    Config(**BLOCKS, whitening=True, global_pool=True, num_fully_connected_layers=1),
    Config(kernel_size=5, padding=1, convs_per_block=2, num_conv_layers=2),
]


def built(config: Config) -> torch.nn.Module:
    with torch.device("meta"):  # without memory
        return network(architecture(config, num_classes=10))


@pytest.mark.parametrize("config", CONFIGS)
def test_weights_are_counted_as_the_network_has_them(config):
    *layers, _ = [p for p in built(config).parameters() if p.dim() > 1]
    assert weights(config) == sum(layer.numel() for layer in layers)


@pytest.mark.parametrize("config", CONFIGS)
def test_operations_are_counted_as_pytorch_counts_them(config):
    with FlopCounterMode(display=False) as counter:
        built(config)(torch.empty(1, 3, 32, 32, device="meta"))
    assert training_flops(config, 10) == 3 * counter.get_total_flops()


@pytest.mark.parametrize("config", [c for c in CONFIGS if c.has_convolutions])
def test_the_features_are_as_large_as_is_said(config):
    features = built(config.model_copy(update={"global_pool": False})).features
    size = feature_sizes(config)[-1]
    images = torch.empty(4, 3, 32, 32, device="meta")
    assert features(images).shape == (4, widths(config)[-1], size, size)


def test_the_first_block_has_the_filters_and_the_others_their_multiple():
    assert widths(Config(**BLOCKS)) == [8, 20, 20]
