"""Muon: stochastic gradient descent whose convolutions move in orthogonal steps."""

import torch
from torch import Tensor, optim

from hypertuning.learn.no_compiler import plain

STEPS = 5
"""Of the Newton-Schulz iteration."""
COEFFICIENTS = 3.4445, -4.7750, 2.0315
"""Of its polynomial: five steps bring singular values between 0.003 and 1 to between 0.7 and 1.2
(Jordan, Muon: An optimizer for hidden layers in neural networks, 2024)."""


class Muon(plain(optim.SGD)):
    """SGD, whose groups with an option `orthogonal` hold the weights of normalised convolutions.

    Such weights, as a matrix with a row for each filter, have one size, that of rows of length 1;
    normalisation behind a convolution makes its size meaningless. A step moves them by the learning
    rate times the matrix nearest to the gradient's moving average all of whose singular values are
    the same. So a learning rate of 0.1 turns them by a tenth in a step, in all directions that the
    gradients have, and not in the few that dominate them (Jordan, 2024, and the repository of
    airbench, airbench94_muon.py, whose form this is).

    Groups have the options of SGD. Weight decay does not act on orthogonal ones, whose size is set.
    """

    @torch.no_grad()
    def step(self, closure: None = None) -> None:
        for group in self.param_groups:
            if group.get("orthogonal"):
                for weight in (w for w in group["params"] if w.grad is not None):
                    self._move(weight, **group)
        super().step(closure)

    def _move(
        self, weight: Tensor, lr: float, momentum: float, nesterov: bool, **_: object
    ) -> None:
        """Move a weight by its gradient, and take that away: SGD leaves out what has none."""
        average = self.state[weight].setdefault("momentum_buffer", torch.zeros_like(weight))
        average.mul_(momentum).add_(weight.grad)
        step = weight.grad.add(average, alpha=momentum) if nesterov else average
        weight.mul_(len(weight) ** 0.5 / weight.norm())
        weight.sub_(lr * orthogonal(step.flatten(1)).view_as(weight))
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
