"""Muon: matrices move in orthogonal steps, everything else as under AdamW."""

import math

import torch
from torch import Tensor, optim

from hypertuning.learn.no_compiler import plain

BETAS = 0.9, 0.99
"""AdamW's, for the rest: PyTorch's 0.999 would outlast trainings of some hundred steps."""
SIZE = 0.2
"""Root mean square of a step, in learning rates; that of AdamW's steps is about as large."""
STEPS = 5
"""Of the Newton-Schulz iteration."""
COEFFICIENTS = 3.4445, -4.7750, 2.0315
"""Of its polynomial: five steps bring singular values between 0.003 and 1 to between 0.7 and 1.2
(Jordan, Muon: An optimizer for hidden layers in neural networks, 2024)."""


class Muon(plain(optim.AdamW)):
    """AdamW, whose groups with an option `momentum` hold matrices that move in orthogonal steps.

    A convolution counts as a matrix with a row for each filter. Its step is the matrix nearest to
    the moving average of its gradients all of whose singular values are the same: it moves in all
    directions that gradients have, not only in the few that dominate them (Jordan, 2024). Steps are
    scaled to the size of AdamW's, so that one learning rate and one weight decay serve both (Liu et
    al., Muon is scalable for LLM training, arXiv 2502.16982, section 2.2).

    Groups have the options of AdamW; those of matrices have `momentum` and `nesterov` too.
    PyTorch's own Muon takes neither convolutions nor the rest.
    """

    @torch.no_grad()
    def step(self, closure: None = None) -> None:
        for group in self.param_groups:
            if "momentum" in group:
                for weight in (w for w in group["params"] if w.grad is not None):
                    self._move(weight, **group)
        super().step(closure)

    def _move(
        self,
        weight: Tensor,
        lr: float,
        weight_decay: float,
        momentum: float,
        nesterov: bool,
        **_: object,
    ) -> None:
        """Move a weight by its gradient, then drop that, so that AdamW leaves the weight alone."""
        if not (state := self.state[weight]):
            state["step"] = torch.zeros(())  # AdamW looks for it when it is loaded
            state["momentum_buffer"] = torch.zeros_like(weight)
        average = state["momentum_buffer"]
        average.mul_(momentum).add_(weight.grad)
        direction = weight.grad.add(average, alpha=momentum) if nesterov else average
        step = orthogonal(direction.flatten(1))
        weight.mul_(1 - lr * weight_decay)
        weight.sub_(lr * SIZE * math.sqrt(max(step.shape)) * step.view_as(weight))
        weight.grad = None


def orthogonal(matrix: Tensor) -> Tensor:
    """The nearest matrix (m, n) all of whose singular values are the same, near 1.

    Quintic Newton-Schulz iteration: Bernstein and Newhouse, Old Optimizer, New Norm (2024).
    """
    if len(matrix) > len(matrix.T):
        return orthogonal(matrix.T).T
    a, b, c = COEFFICIENTS
    x = matrix / (matrix.norm() + 1e-7)  # no singular value is above 1
    for _ in range(STEPS):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x
