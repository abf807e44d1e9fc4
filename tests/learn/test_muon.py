"""Claims about Muon: convolutions turn by the learning rate, and the rest is SGD's."""

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hypertuning.config import Config
from hypertuning.learn.models import build
from hypertuning.learn.muon import orthogonal
from hypertuning.learn.optimizers import build_optimizer

NETWORK = {"filters": 12, "hidden_size": 16, "batch_norm": True, "whitening": True}


@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 9))
@settings(deadline=None, max_examples=50)
def test_singular_values_become_the_same_in_the_same_directions(rows, columns, seed):
    given = torch.randn((rows, columns), generator=torch.Generator().manual_seed(seed))
    made = orthogonal(1000 * given)
    left, sizes, right = torch.linalg.svd(given, full_matrices=False)
    within = left.T @ made @ right.T
    resolved = sizes > 0.02 * sizes.norm()  # smaller ones need more steps
    assert (within.diagonal()[resolved] > 0.6).all()
    assert (torch.linalg.svdvals(made) < 1.3).all()
    assert (within - within.diagonal().diag()).abs().max() < 1e-3


def stepped(optimizer: str, rate: float, **more) -> tuple[torch.nn.Module, torch.nn.Module]:
    """A network before and after three steps with gradients by chance."""
    torch.manual_seed(0)
    config = Config(**NETWORK, optimizer=optimizer, learning_rate=rate, nesterov=True, **more)
    model = build(config, 10)
    before = copy.deepcopy(model)
    taken = build_optimizer(config, model, images=100)
    draws = torch.Generator().manual_seed(1)
    for _ in range(3):
        for weight in model.parameters():
            weight.grad = torch.randn(weight.shape, generator=draws)
        taken.step()
        taken.zero_grad()
    return before, model


def convolutions(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    """The weights of those that are trained."""
    layers = {n: layer for n, layer in model.named_modules() if isinstance(layer, torch.nn.Conv2d)}
    trained = {n: layer.weight for n, layer in layers.items() if layer.weight.requires_grad}
    return {n: weight.detach() for n, weight in trained.items()}


def test_convolutions_keep_their_size_whatever_it_was_and_turn_by_the_learning_rate():
    rate = 0.01
    before, after = map(convolutions, stepped("muon", rate))
    assert len(after) == 3
    for name, weight in after.items():
        size = len(weight) ** 0.5
        assert weight.norm() == pytest.approx(size, rel=2 * rate)
        begun = before[name] * size / before[name].norm()
        assert 0.5 * rate < (weight - begun).norm() / size < 1.3 * 3 * rate


def test_everything_else_moves_as_under_sgd():
    decayed = {"weight_decay": 0.1, "momentum": 0.8, "norm_bias_rate": 8.0}
    (_, muon), (_, sgd) = (stepped(name, 0.1, **decayed) for name in ("muon", "sgd"))
    turned = {f"{name}.weight" for name in convolutions(muon)}
    others = dict(sgd.named_parameters())
    for name, weight in muon.named_parameters():
        assert torch.equal(weight, others[name]) == (name not in turned), name


@pytest.mark.parametrize("nesterov", [False, True])
def test_it_goes_on_where_gradients_led_before(nesterov):
    config = Config(**NETWORK, optimizer="muon", momentum=0.5, nesterov=nesterov, learning_rate=0.1)
    model = build(config, 10)
    taken, weight = build_optimizer(config, model, images=9), model.features[2].weight
    gradient, places = torch.randn_like(weight), [weight.detach().clone()]
    for told in (gradient, torch.zeros_like(weight)):
        weight.grad = told
        taken.step()
        places.append(weight.detach().clone())
    (before, once, twice), step = places, orthogonal(gradient.flatten(1)).view_as(weight)
    size = len(weight) ** 0.5
    assert torch.allclose(once, before * size / before.norm() - 0.1 * step, atol=1e-5)
    assert torch.allclose(twice, once * size / once.norm() - 0.1 * step, atol=1e-5)
