import itertools

import pytest
import torch
from torch.nn import functional as F

from hypertuning.config import Config
from hypertuning.learn.models import architecture, build
from hypertuning.learn.networks import NETWORKS
from hypertuning.spaces import GRID, HYPERBAND, Choice, grid

IMAGES = torch.randn(4, 3, 32, 32, generator=torch.Generator().manual_seed(0))


def small(**given) -> Config:
    return Config(**{"filters": 4, "hidden_size": 8, **given})


@pytest.mark.parametrize(
    ("name", "layers"), [("nn", 1), ("cnn", 1), *itertools.product(NETWORKS, [2, 5])]
)
def test_every_model_has_as_many_linear_layers_as_asked_and_gives_logits(name, layers):
    model = build(small(model=name, num_fully_connected_layers=layers), num_classes=7)
    assert model(IMAGES).shape == (4, 7)
    linear = [m for m in model.modules() if isinstance(m, torch.nn.Linear)]
    assert [layer.out_features for layer in linear] == [8] * (layers - 1) + [7]


@pytest.mark.parametrize("kernel_size", [2, 3, 5])
@pytest.mark.parametrize("padding", [0, 1, 2])
@pytest.mark.parametrize("num_conv_layers", [1, 2])
def test_the_features_are_as_large_as_the_config_says(kernel_size, padding, num_conv_layers):
    config = small(kernel_size=kernel_size, padding=padding, num_conv_layers=num_conv_layers)
    size = config.feature_sizes()[-1]
    assert build(config, 10).features(IMAGES).shape == (4, 4, size, size)


CORNERS = {name: Choice((domain.low, domain.high)) for name, domain in HYPERBAND.items()}
EVERY_GEOMETRY = [*grid(GRID), *grid(CORNERS)]
"""All of the grid stage, and the corners of the hyperband stage's space."""


@pytest.mark.parametrize(
    "given", EVERY_GEOMETRY, ids=lambda given: "-".join(map(str, given.values()))
)
def test_every_geometry_of_the_stages_takes_a_step(given):
    model = build(Config(**given), num_classes=10)
    F.cross_entropy(model(IMAGES), torch.arange(4)).backward()
    gradients = [weight.grad for weight in model.parameters()]
    assert all(gradient.isfinite().all() for gradient in gradients)


@pytest.mark.parametrize("batch_norm", [False, True])
def test_the_relu_may_stand_behind_the_pool(batch_norm):
    model = build(small(batch_norm=batch_norm), 10)
    features = IMAGES
    for layer in model.features:
        if isinstance(layer, torch.nn.Conv2d):
            features = layer(features)
            if not batch_norm:
                features = F.max_pool2d(features.relu(), 2)
        elif isinstance(layer, torch.nn.BatchNorm2d):
            torch.nn.init.normal_(layer.weight)  # of both signs
            features = F.max_pool2d(layer(features).relu(), 2)
    assert torch.equal(model.features(IMAGES), features)


def test_a_residual_layer_adds_to_what_it_gets():
    model = build(small(model="resnn", num_fully_connected_layers=4), 10)
    first, *others = model.hidden
    for layer in others:
        torch.nn.init.zeros_(layer.weight)
        torch.nn.init.zeros_(layer.bias)
    assert torch.equal(model(IMAGES), model.last(first(IMAGES.flatten(1)).relu()))


@pytest.mark.parametrize("name", NETWORKS)
def test_dropout_acts_in_training_alone(name):
    model = build(small(model=name, dropout=0.5), 10)
    assert not torch.equal(model(IMAGES), model(IMAGES))
    model.eval()
    assert torch.equal(model(IMAGES), model(IMAGES))


@pytest.mark.parametrize("name", NETWORKS)
def test_first_weights_depend_on_the_seed_alone(name):
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first, again, other = (build(small(model=name, seed=seed), 10) for seed in (5, 5, 6))
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(first(IMAGES), again(IMAGES))
    assert not torch.equal(first(IMAGES), other(IMAGES))


def test_a_new_network_needs_its_class_and_nothing_else(monkeypatch):
    class Pooled(torch.nn.Module):
        """One convolution, and the mean of each filter."""

        def __init__(self, filters: int, num_conv_layers: int, image_size: int, num_classes: int):
            super().__init__()
            self.features = torch.nn.Conv2d(3, filters, num_conv_layers)
            self.pool = torch.nn.AvgPool2d(image_size - num_conv_layers + 1)
            self.last = torch.nn.Linear(filters, num_classes)

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return self.last(self.pool(self.features(images)).flatten(1))

    monkeypatch.setitem(NETWORKS, "pooled", Pooled)
    config = small().model_copy(update={"model": "pooled"})
    assert architecture(config, 7) == {
        "model": "pooled", "filters": 4, "num_conv_layers": 3, "image_size": 32, "num_classes": 7
    }  # fmt: skip
    assert build(config, 7)(IMAGES).shape == (4, 7)
