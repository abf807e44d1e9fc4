"""Claims about the refit: all images, no validation, and on from where it was broken off."""

import itertools

import numpy as np
import torch

from hypertuning.learn.splits import load
from hypertuning.learn.training import Hardware
from hypertuning.registry.refit import begin, refit

CPU = Hardware.of("cpu", "float32")


def test_it_trains_on_the_validation_images_as_well(digits_cache):
    held_out = load(digits_cache, 300, 100, split_seed=0)
    everything = load(digits_cache, 300, 100, split_seed=0, hold_out=False)
    both = torch.cat([held_out.train.indices, held_out.val.indices])
    assert torch.equal(everything.train.indices.sort().values, both.sort().values)
    assert len(everything.val) == 0


def test_what_was_broken_off_goes_on_to_the_same_weights(all_digits, fitted, tmp_path):
    config, checkpoint = fitted.config, tmp_path / "refit.pt"
    first = begin(config, all_digits, 2, checkpoint, CPU)
    rows = list(itertools.islice(refit(first, all_digits, checkpoint), 1))
    second = begin(config, all_digits, 2, checkpoint, CPU)
    assert second.epoch == 1
    again = list(refit(second, all_digits, checkpoint))
    assert [row.epoch for row in again] == [1, 2]
    assert again[0] == rows[0] or np.isnan(again[0].val_loss)
    for ours, theirs in zip(second.model.parameters(), fitted.model.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_a_checkpoint_of_another_refit_is_not_gone_on_from(all_digits, fitted, tmp_path):
    checkpoint = tmp_path / "refit.pt"
    state = begin(fitted.config, all_digits, 1, checkpoint, CPU)
    list(refit(state, all_digits, checkpoint))
    other = fitted.config.model_copy(update={"seed": 5})
    assert begin(other, all_digits, 1, checkpoint, CPU).epoch == 0
    assert begin(fitted.config, all_digits, 3, checkpoint, CPU).epoch == 0
    checkpoint.write_bytes(b"damaged")
    assert begin(fitted.config, all_digits, 1, checkpoint, CPU).epoch == 0
