"""Claims about the imports of a training: PyTorch's compiler, slow and large, is none of them."""

import subprocess
import sys

import pytest
import torch

from hypertuning.learn.no_compiler import plain

TRAINED = """
import sys, torch
from hypertuning.config import parse_config
from hypertuning.learn.optimizers import build_optimizer
for name in ("adam", "adamw", "sgd", "muon"):
    layers = torch.nn.Conv2d(3, 2, 5), torch.nn.Flatten(), torch.nn.Linear(2, 2)
    model = torch.nn.Sequential(*layers)
    optimizer = build_optimizer(parse_config({"optimizer": name}), model, images=9)
    model(torch.ones(4, 3, 5, 5)).sum().backward()
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    optimizer.load_state_dict(optimizer.state_dict())
print("torch._dynamo" in sys.modules)
"""


def test_an_optimizer_is_made_used_and_restored_without_the_compiler():
    done = subprocess.run(
        [sys.executable, "-c", TRAINED], capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"


@pytest.mark.parametrize("kind", [torch.optim.Adam, torch.optim.AdamW, torch.optim.SGD])
def test_it_makes_the_steps_of_pytorchs_own(kind):
    def trained(kind) -> torch.Tensor:
        torch.manual_seed(0)
        model = torch.nn.Linear(3, 2)
        optimizer = kind(model.parameters(), lr=0.1, weight_decay=0.1, fused=True)
        for _ in range(3):
            model(torch.ones(4, 3)).square().sum().backward()
            optimizer.step()
            optimizer.zero_grad()
        assert not model.weight.grad_fn
        return model.weight

    assert torch.equal(trained(plain(kind)), trained(kind))
