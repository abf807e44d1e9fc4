"""Claims about Muon: all layers but the last move in orthogonal steps, and the rest as by AdamW."""

import copy
import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hypertuning.config import Config
from hypertuning.learn.models import build
from hypertuning.learn.muon import BETAS, SIZE, orthogonal
from hypertuning.learn.optimizers import build_optimizer

NETWORKS = {
    "nn": {"model": "nn", "num_fully_connected_layers": 3},
    "resnn": {"model": "resnn", "num_fully_connected_layers": 3},
    "cnn": {"filters": 12, "hidden_size": 16, "batch_norm": True, "whitening": True},
    "one linear layer": {"filters": 12, "num_fully_connected_layers": 1},
}
MATRICES = {
    "nn": ["head.0.weight", "head.3.weight"],
    "resnn": ["hidden.0.weight", "hidden.1.weight"],
    "cnn": ["features.2.weight", "features.6.weight", "features.10.weight", "head.0.weight"],
    "one linear layer": ["features.0.weight", "features.3.weight", "features.6.weight"],
}


@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 9))
@settings(deadline=None, max_examples=50)
def test_singular_values_become_the_same_in_the_same_directions(rows, columns, seed):
    given = torch.randn((rows, columns), generator=torch.Generator().manual_seed(seed))
    made = orthogonal(1000 * given)
    left, sizes, right = torch.linalg.svd(given, full_matrices=False)
    within = left.T @ made @ right.T
    resolved = sizes > 0.003 * sizes.norm()  # smaller ones need more steps
    assert (within.diagonal()[resolved] > 0.6).all()
    assert (torch.linalg.svdvals(made) < 1.3).all()
    assert (within - within.diagonal().diag()).abs().max() < 1e-3


def test_a_matrix_of_zeros_stays_one():
    assert not orthogonal(torch.zeros(3, 5)).any()


def stepped(network: str, **more) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    """The trained weights of a network, before and after three steps by gradients of chance."""
    torch.manual_seed(0)
    config = Config(**NETWORKS[network], **more)
    model = build(config, 10)
    trained = {name: w for name, w in model.named_parameters() if w.requires_grad}
    before = copy.deepcopy(trained)
    taken = build_optimizer(config, model, images=100)
    if config.optimizer == "adamw":
        for group in taken.param_groups:
            group["betas"] = BETAS
    draws = torch.Generator().manual_seed(1)
    for _ in range(3):
        for weight in trained.values():
            weight.grad = torch.randn(weight.shape, generator=draws)
        taken.step()
        taken.zero_grad()
    return before, trained


@pytest.mark.parametrize("network", NETWORKS)
def test_all_but_matrices_moves_as_under_adamw(network):
    asked = {"weight_decay": 0.1, "learning_rate": 0.01}
    if "batch_norm" in NETWORKS[network]:
        asked["norm_bias_rate"] = 8.0
    (_, muon), (_, adamw) = (
        stepped(network, optimizer=name, **asked) for name in ("muon", "adamw")
    )
    assert [name for name in muon if not torch.equal(muon[name], adamw[name])] == MATRICES[network]


def test_a_step_of_a_matrix_is_as_large_as_the_learning_rate_asks_whatever_the_gradient():
    before, after = stepped("cnn", optimizer="muon", momentum=0.0, learning_rate=0.01)
    for name in MATRICES["cnn"]:
        rows = min(after[name].flatten(1).shape)
        longest = max(after[name].flatten(1).shape)
        moved = (after[name] - before[name]).detach().norm() / 0.01
        one = SIZE * (longest * rows) ** 0.5  # of singular values that are all 1
        assert one < moved < 3 * 1.2 * one, "three steps that differ"


@pytest.mark.parametrize("nesterov", [False, True])
def test_a_step_follows_the_moving_average_and_with_nesterov_looks_ahead(nesterov):
    config = Config(
        **NETWORKS["cnn"], optimizer="muon", momentum=0.5, nesterov=nesterov, learning_rate=0.1,
        weight_decay=0.3,
    )  # fmt: skip
    model = build(config, 10)
    taken, weight = build_optimizer(config, model, images=9), model.features[2].weight
    first, second = torch.randn_like(weight), torch.randn_like(weight)
    places = [weight.detach().clone()]
    for told in (first, second):
        weight.grad = told.clone()
        taken.step()
        places.append(weight.detach().clone())
    average = 0.5 * first + second
    directions = first, (second + 0.5 * average if nesterov else average)
    for (before, after), direction in zip(itertools.pairwise(places), directions, strict=True):
        step = SIZE * (24 * 9) ** 0.5 * orthogonal(direction.flatten(1)).view_as(weight)
        assert torch.allclose(after, 0.97 * before - 0.1 * step, atol=1e-4)
