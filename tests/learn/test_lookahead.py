import pytest
import torch
from torch import nn

from hypertuning.learn.lookahead import DECAY, STEPS, Lookahead


def moved(model: nn.Module, by: float) -> None:
    with torch.no_grad():
        model.weight += by


def test_every_few_steps_the_weights_become_their_average():
    model = nn.Linear(1, 1, bias=False)
    start = model.weight.item()
    lookahead = Lookahead(model)
    for step in range(1, STEPS + 1):
        moved(model, 1)
        lookahead.step(model, progress=0.5)
        if step < STEPS:
            assert model.weight.item() == pytest.approx(start + step)
    kept = DECAY * 0.5**3
    assert model.weight.item() == pytest.approx(start + STEPS * (1 - kept))


def test_at_the_end_the_weights_are_the_average_itself():
    model = nn.Linear(1, 1, bias=False)
    start = model.weight.item()
    lookahead = Lookahead(model)
    moved(model, 1)
    lookahead.step(model, progress=1)
    assert model.weight.item() == start


def test_running_statistics_are_averaged_and_counts_are_not():
    norm = nn.BatchNorm2d(2)
    lookahead = Lookahead(norm)
    norm(torch.full((4, 2, 2, 2), 3.0))
    lookahead.step(norm, progress=1)
    assert norm.running_mean.tolist() == [0, 0]
    assert norm.num_batches_tracked == 1
