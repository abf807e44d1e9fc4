"""Random crop and flip, on whole batches; every image takes its own draw."""

import torch
from torch import Tensor
from torch.nn import functional as F

MARGIN = 4
"""Pixels of zeros on each side before the crop is taken, as in He et al. (CVPR 2016), 4.2."""


def crop_and_flip(images: Tensor) -> Tensor:
    """Shift each image by up to MARGIN pixels each way and mirror half of them, at random.

    Args:
        images: (batch, 3, size, size) of any type, on any device; draws come from the CPU's
            global generator.
    """
    batch, _, size, _ = images.shape
    padded = F.pad(images, [MARGIN] * 4)  # (batch, 3, size + 8, size + 8)
    crops = padded.unfold(2, size, 1).unfold(3, size, 1)  # a view: (batch, 3, 9, 9, size, size)
    top, left = torch.randint(2 * MARGIN + 1, (2, batch)).to(images.device)
    flipped = (torch.rand(batch, 1, 1, 1) < 0.5).to(images.device)
    images = crops[torch.arange(batch, device=images.device), :, top, left]
    return torch.where(flipped, images.flip(-1), images)  # (batch, 3, size, size)
