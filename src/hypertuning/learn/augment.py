"""Random crop and flip, on whole batches; every image takes its own draw."""

import torch
from torch import Tensor
from torch.nn import functional as F


def crop(images: Tensor, pixels: int = 4, border: str = "zeros") -> Tensor:
    """Shift each image by up to `pixels` each way, at random (He et al., CVPR 2016, section 4.2).

    Args:
        images: (batch, 3, size, size) of any type, on any device; draws come from the CPU's
            global generator.
        border: What comes in from beyond the border, `zeros` or `reflect`.
    """
    batch, _, size, _ = images.shape
    padded = _pad(images, pixels, border)  # (batch, 3, size + 2 · pixels, size + 2 · pixels)
    crops = padded.unfold(2, size, 1).unfold(3, size, 1)  # a view: (batch, 3, …, …, size, size)
    top, left = torch.randint(2 * pixels + 1, (2, batch)).to(images.device)
    return crops[torch.arange(batch, device=images.device), :, top, left]


def flip(images: Tensor, mirrored: Tensor) -> Tensor:
    """Mirror those images for which `mirrored` (batch,) is true."""
    return torch.where(mirrored.view(-1, 1, 1, 1).to(images.device), images.flip(-1), images)


def alternating(images: int, seed: int, epoch: int) -> Tensor:
    """Which images of a split are mirrored in an epoch, bool (images,).

    Half of them, drawn by the seed, begin with it; after that each is mirrored in every second
    epoch, so that two epochs show both sides of all images (Jordan, arXiv 2404.00498, 3.6).
    """
    generator = torch.Generator().manual_seed(seed)
    return (torch.rand(images, generator=generator) < 0.5) ^ bool(epoch % 2)


def _pad(images: Tensor, pixels: int, border: str) -> Tensor:
    if border == "zeros":
        return F.pad(images, [pixels] * 4)
    size = images.shape[-1]
    places = torch.arange(-pixels, size + pixels, device=images.device).abs()
    places = torch.minimum(places, 2 * (size - 1) - places)  # PyTorch reflects no whole numbers
    return images[:, :, places][..., places]
