"""The weights of a first layer that decorrelates the pixels: computed from the training images.

Jordan, arXiv 2404.00498, section 3.2, after Page, How to Train Your ResNet (2018).
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hypertuning.learn.splits import Split, normalise

IMAGES = 5000
"""Of the training split; a covariance of 12 × 12 needs no more."""
SMALLEST_VARIANCE = 5e-4
"""Added to each variance, so that a direction without any is not blown up."""


def whiten(layer: nn.Conv2d, split: Split, mean: Tensor, std: Tensor) -> None:
    """Set the weights (2 · 3 · size², 3, size, size) of a layer; outputs have a variance of 1.

    Each direction is there with both signs, as in airbench.
    """
    pixels = normalise(split.images[split.indices[:IMAGES]], mean, std)
    size = layer.kernel_size[0]
    patches = F.unfold(pixels, size).transpose(1, 2).reshape(-1, 3 * size**2)  # (patches, 12)
    patches = patches.double() - patches.double().mean(0)
    variances, directions = torch.linalg.eigh(patches.T @ patches / len(patches))  # (12,), (12, 12)
    scaled = (directions / (variances + SMALLEST_VARIANCE).sqrt()).T.view(-1, 3, size, size)
    with torch.no_grad():
        layer.weight.copy_(torch.cat([scaled, -scaled]))
