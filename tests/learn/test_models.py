import itertools

import pytest
import torch
from torch.nn import functional as F

from hypertuning.config import Config
from hypertuning.learn.models import architecture, build
from hypertuning.learn.networks import NETWORKS, logits_of
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


def test_the_relu_may_stand_behind_the_pool():
    model = build(small(), 10)
    features = IMAGES
    for layer in model.features:
        if isinstance(layer, torch.nn.Conv2d):
            features = F.max_pool2d(layer(features).relu(), 2)
    assert torch.equal(model.features(IMAGES), features)


RECIPE = {
    "convs_per_block": 2,
    "filter_growth": 2.0,
    "whitening": True,
    "activation": "gelu",
    "batch_norm": True,
    "norm_bias_only": True,
    "identity_init": True,
    "global_pool": True,
    "num_fully_connected_layers": 1,
}


def test_a_block_pools_once_and_every_convolution_has_its_norm_and_activation():
    kinds = [type(layer).__name__ for layer in build(small(**RECIPE), 10).features]
    first, second = (
        ["Conv2d", "MaxPool2d", "BatchNorm2d", "GELU"],
        ["Conv2d", "BatchNorm2d", "GELU"],
    )
    assert kinds == ["Conv2d", "GELU", *3 * (first + second), "AdaptiveMaxPool2d"]


def test_the_logits_are_scaled():
    plain, scaled = (build(small(logit_scale=scale), 10)(IMAGES) for scale in (1.0, 0.25))
    assert torch.equal(scaled, plain / 4)


def test_identity_initialisation_passes_the_channels_on():
    model = build(small(**{**RECIPE, "whitening": False, "batch_norm": False}), 10)
    convolution = model.features[0]
    torch.nn.init.zeros_(convolution.bias)
    assert torch.equal(convolution(IMAGES)[:, :3], IMAGES)
    assert convolution(IMAGES)[:, 3].abs().max() > 0


def test_a_norm_of_biases_alone_learns_no_factor():
    model = build(small(**RECIPE), 10)
    norms = [layer for layer in model.features if isinstance(layer, torch.nn.BatchNorm2d)]
    assert all(n.bias.requires_grad and not n.weight.requires_grad for n in norms)


def test_views_are_averaged_and_no_view_is_the_network_itself():
    model = build(small(), 10).eval()
    mirrored = model(IMAGES.flip(-1))
    assert torch.equal(logits_of(model, IMAGES), model(IMAGES))
    both = logits_of(model, IMAGES, "mirror")
    torch.testing.assert_close(both, (model(IMAGES) + mirrored) / 2)
    torch.testing.assert_close(logits_of(model, IMAGES.flip(-1), "mirror"), both)
    up, down = IMAGES.roll((-1, -1), (2, 3)), IMAGES.roll((1, 1), (2, 3))
    up[..., -1, :], up[..., :, -1] = up[..., -3, :], up[..., :, -3]  # reflected
    down[..., 0, :], down[..., :, 0] = down[..., 2, :], down[..., :, 2]
    views = logits_of(model, IMAGES, "mirror_shift")
    moved = (logits_of(model, up, "mirror") + logits_of(model, down, "mirror")) / 2
    torch.testing.assert_close(views, (both + moved) / 2)


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
