import pytest
import torch
from torch.nn import functional as F

from hypertuning.learn.augment import alternating, crop, flip

MARGIN, SIZE = 4, 12
"""Pixels of a shift, and of the images here: so many that no two reflected windows are equal."""


def crop_and_flip(images: torch.Tensor, border: str = "zeros") -> torch.Tensor:
    cropped = crop(images, MARGIN, border)
    return flip(cropped, torch.rand(len(images)) < 0.5)


def windows(image: torch.Tensor, border: str) -> list[torch.Tensor]:
    """All crops of an image with its margin, and their mirror images."""
    mode = {"zeros": "constant", "reflect": "reflect"}[border]
    padded = F.pad(image.float(), [MARGIN] * 4, mode).to(image.dtype)
    places = [(y, x) for y in range(2 * MARGIN + 1) for x in range(2 * MARGIN + 1)]
    crops = [padded[:, y : y + SIZE, x : x + SIZE] for y, x in places]
    return crops + [crop.flip(-1) for crop in crops]


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
@pytest.mark.parametrize("border", ["zeros", "reflect"])
def test_every_image_is_one_of_its_own_windows_and_all_come_up(dtype, border):
    torch.manual_seed(0)
    image = torch.randint(1, 256, (3, SIZE, SIZE)).to(dtype)
    drawn = crop_and_flip(image.expand(2000, -1, -1, -1), border)
    assert drawn.dtype == dtype and drawn.shape == (2000, 3, SIZE, SIZE)
    matches = torch.stack(
        [(drawn == window).flatten(1).all(1) for window in windows(image, border)]
    )
    assert (matches.sum(0) == 1).all()  # (162 windows, 2000 images): each is exactly one
    assert matches.any(1).all()
    assert 0.45 < matches[81:].sum() / 2000 < 0.55  # mirrored


def test_images_stay_in_their_places():
    levels = torch.arange(50, dtype=torch.uint8)
    drawn = crop_and_flip(levels.view(50, 1, 1, 1).expand(-1, 3, 32, 32))
    assert torch.equal(drawn.amax((1, 2, 3)), levels)


def test_draws_come_from_the_global_generator():
    images = torch.randint(0, 256, (20, 3, 32, 32), dtype=torch.uint8)
    torch.manual_seed(3)
    first = crop_and_flip(images)
    torch.manual_seed(3)
    assert torch.equal(crop_and_flip(images), first)
    assert not torch.equal(crop_and_flip(images), first)


def test_alternating_flips_show_both_sides_of_every_image_in_two_epochs():
    odd, even, later = (alternating(1000, seed=3, epoch=epoch) for epoch in (1, 2, 3))
    assert torch.equal(even, ~odd) and torch.equal(later, odd)
    assert 400 < odd.sum() < 600
    assert not torch.equal(odd, alternating(1000, seed=4, epoch=1))


def test_a_crop_of_no_pixels_changes_nothing():
    images = torch.randint(0, 256, (20, 3, 32, 32), dtype=torch.uint8)
    for border in ("zeros", "reflect"):
        assert torch.equal(crop(images, 0, border), images)
