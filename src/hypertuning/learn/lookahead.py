"""A moving average of the weights, towards which training is pulled."""

import torch
from torch import Tensor, nn

STEPS = 5
"""Steps of the optimizer between two pulls."""
DECAY = 0.95**STEPS
"""Share of the average that a pull keeps at the end of the training."""


class Lookahead:
    """Weights that follow those of the network slowly, and replace them every few steps.

    Zhang et al., Lookahead Optimizer (NeurIPS 2019), with the share that is kept rising from 0 to
    DECAY as the cube of the progress (Jordan, arXiv 2404.00498, section 3.4). The running
    statistics of batch normalisation are averaged too.
    """

    def __init__(self, model: nn.Module) -> None:
        self.slow = {name: value.clone() for name, value in _averaged(model).items()}
        self.steps = 0

    @torch.no_grad()
    def step(self, model: nn.Module, progress: float) -> None:
        """Count a step of the optimizer.

        Args:
            progress: Share of the training that is done; at 1 the network becomes the average.
        """
        self.steps += 1
        if self.steps % STEPS and progress < 1:
            return
        kept = DECAY * progress**3
        for name, fast in _averaged(model).items():
            if progress < 1:
                self.slow[name].lerp_(fast, 1 - kept)
            fast.copy_(self.slow[name])

    def state_dict(self) -> dict:
        return {"slow": self.slow, "steps": self.steps}

    def load_state_dict(self, state: dict) -> None:
        """Raises KeyError or RuntimeError if the state is of another network."""
        self.steps = state["steps"]
        for name, value in self.slow.items():
            value.copy_(state["slow"][name])


def _averaged(model: nn.Module) -> dict[str, Tensor]:
    """Weights and running statistics; not the counts of batches."""
    return {n: v for n, v in model.state_dict().items() if v.is_floating_point()}
