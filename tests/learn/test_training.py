import itertools
import math
from types import SimpleNamespace

import pytest
import torch
from torch.nn import functional as F
from trained import CPU, measured, small, trained, weights

from hypertuning.config import Config
from hypertuning.learn import training
from hypertuning.learn.hardware import precision_of
from hypertuning.learn.models import build
from hypertuning.learn.optimizers import build_optimizer, rate_at
from hypertuning.learn.splits import load, normalise
from hypertuning.learn.training import Diverged, Hardware, TrainState, evaluate, fit

STILL = {"learning_rate": 1e-30, "optimizer": "sgd"}
"""A model that does not move: its losses can be told beforehand."""


def test_training_neither_reads_nor_moves_the_global_generator(few_digits):
    first = trained(small(dropout=0.5, augment="crop_flip"), few_digits, 1)
    torch.manual_seed(1)
    before = torch.get_rng_state()
    again = trained(small(dropout=0.5, augment="crop_flip"), few_digits, 1)
    assert torch.equal(torch.get_rng_state(), before)
    assert measured(first) == measured(again)


def test_seeds_make_a_difference(few_digits):
    one, other = (trained(small(seed=seed), few_digits, 1) for seed in (0, 1))
    assert measured(one) != measured(other)


@pytest.mark.parametrize("model", ["nn", "resnn", "cnn"])
def test_a_few_images_can_be_learnt_by_heart(digits, model):
    data = load(digits, train_size=20, val_size=10, split_seed=0)
    config = Config(model=model, filters=16, hidden_size=64, batch_size=20, learning_rate=3e-3)
    rows = trained(config, data, 40).rows
    assert rows[0].train_loss > 2
    assert rows[-1].train_loss < 0.1 and rows[-1].train_accuracy == 1


def test_rows_count_epochs_and_say_what_they_hold(few_digits):
    state = trained(small(), few_digits, 2)
    assert [row.epoch for row in state.rows] == [1, 2]
    for row in state.rows:
        assert row.generalization_gap == row.val_loss - row.train_loss
        assert row.epoch_seconds > 150 / row.images_per_second  # validation is in it
    assert list(fit(state, few_digits, 2)) == []


@pytest.mark.parametrize("batch_size", [1, 32, 100, 150, 10_000])
def test_the_training_loss_is_the_mean_over_images_whatever_the_batches(few_digits, batch_size):
    (row,) = trained(small(batch_size=batch_size, **STILL), few_digits, 1).rows
    assert (row.train_loss, row.train_accuracy) == pytest.approx(
        plainly(few_digits.train, few_digits)
    )


@pytest.mark.parametrize("batch_size", [1, 7, 64, 500])
def test_validation_is_the_mean_over_images_whatever_the_batches(
    few_digits, batch_size, monkeypatch
):
    monkeypatch.setattr(training, "EVALUATION_BATCH", batch_size)
    model = TrainState.new(small(), few_digits, 1, CPU).model
    score = evaluate(model, few_digits.val, few_digits.mean, few_digits.std)
    assert tuple(score) == pytest.approx(plainly(few_digits.val, few_digits))


def plainly(split, data) -> tuple[float, float]:
    """Loss and accuracy of the first weights, all images at once."""
    model = TrainState.new(small(), data, 1, CPU).model
    labels = split.labels[split.indices]
    logits = model(normalise(split.images[split.indices], data.mean, data.std))
    accuracy = (logits.argmax(1) == labels).double().mean().item()
    return F.cross_entropy(logits, labels).item(), accuracy


def test_label_smoothing_is_in_the_objective_and_in_no_loss_that_is_told(few_digits):
    plain, smooth = (
        trained(small(label_smoothing=value, **STILL), few_digits, 1) for value in (0.0, 0.5)
    )
    assert measured(plain) == measured(smooth)
    plain, smooth = (trained(small(label_smoothing=value), few_digits, 1) for value in (0.0, 0.5))
    assert measured(plain) != measured(smooth)


def test_augmentation_is_of_training_images_alone(few_digits):
    plain, augmented = (
        trained(small(augment=value, **STILL), few_digits, 1).rows[0]
        for value in ("none", "crop_flip")
    )
    assert plain.val_loss == augmented.val_loss
    assert plain.train_loss != augmented.train_loss


def test_validation_drops_nothing(few_digits):
    (row,) = trained(small(dropout=0.5, **STILL), few_digits, 1).rows
    assert row.val_loss == pytest.approx(plainly(few_digits.val, few_digits)[0])


def test_batch_normalisation_takes_a_batch_of_one(few_digits):
    config = small(num_conv_layers=4, batch_norm=True, batch_size=1)
    assert math.isfinite(trained(config, few_digits, 1).rows[0].val_loss)


def test_a_loss_that_is_not_finite_ends_the_trial_and_keeps_its_rows(few_digits):
    state = trained(small(), few_digits, 1)
    torch.nn.init.constant_(state.model.head[-1].weight, math.inf)
    with pytest.raises(Diverged) as diverged:
        next(fit(state, few_digits, 3))
    assert diverged.value.epoch == 2
    assert [row.epoch for row in state.rows] == [1]


def test_a_loss_of_validation_alone_is_enough(few_digits):
    one_step = small(optimizer="sgd", learning_rate=1e30, batch_size=150)  # after which it is lost
    with pytest.raises(Diverged):
        trained(one_step, few_digits, 1)


# hardware


@pytest.mark.parametrize(
    ("instructions", "chosen"),
    [
        ({}, torch.float32),
        ({"avx512_bf16": False, "amx_bf16": False, "avx512_f": True}, torch.float32),
        ({"avx512_bf16": True}, torch.bfloat16),
        ({"amx_bf16": True}, torch.bfloat16),
    ],
)
def test_auto_is_bfloat16_on_a_processor_with_instructions_for_it(
    monkeypatch, instructions, chosen
):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: instructions)
    assert Hardware.of("cpu") == (torch.device("cpu"), chosen)


@pytest.mark.parametrize(("major", "chosen"), [(7, torch.float32), (8, torch.bfloat16)])
def test_auto_is_bfloat16_on_a_gpu_that_does_not_emulate_it(monkeypatch, major, chosen):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)
    gpu = SimpleNamespace(major=major)  # as a T4 (7.5) or an A100 (8.0)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: gpu)
    assert Hardware.of("cuda") == (torch.device("cuda"), chosen)


@pytest.mark.parametrize("device", ["cpu", "cuda"])
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_precision_that_is_asked_for_is_taken(device, precision):
    assert Hardware.of(device, precision).precision == getattr(torch, precision)


# learning rates


def rates(schedule: str, steps: int = 1000) -> list[float]:
    config = Config(lr_schedule=schedule, learning_rate=0.1)
    return [rate_at(config, step / steps) for step in range(steps + 1)]


def test_a_constant_rate_stays():
    assert set(rates("constant")) == {0.1}


def test_a_cosine_is_that_of_torch():
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=1000)
    expected = []
    for _ in range(1001):
        expected += schedule.get_last_lr()
        optimizer.step()
        schedule.step()
    assert rates("cosine") == pytest.approx(expected, abs=1e-9)


def test_one_cycle_rises_for_three_tenths_and_falls_to_nothing():
    given = rates("onecycle")
    assert max(given) == given[300] == pytest.approx(0.1)
    assert all(a < b for a, b in itertools.pairwise(given[:301]))
    assert all(a > b for a, b in itertools.pairwise(given[300:]))
    assert given[0] < 0.01 and given[-1] == pytest.approx(0, abs=1e-9)


def test_a_triangle_rises_from_a_fifth_to_its_peak_and_falls_to_its_end():
    config = Config(lr_schedule="triangle", learning_rate=0.1, lr_peak=0.25, lr_end=0.5)
    given = [rate_at(config, share) for share in (0, 0.125, 0.25, 0.625, 1)]
    assert given == pytest.approx([0.02, 0.06, 0.1, 0.075, 0.05])


@pytest.mark.parametrize("schedule", ["constant", "cosine", "onecycle", "triangle"])
def test_beyond_the_horizon_a_rate_stays_where_it_ended(schedule):
    config = Config(lr_schedule=schedule)
    assert rate_at(config, 1.7) == rate_at(config, 1.0)


def test_the_row_has_the_rate_of_its_last_step(few_digits):
    config = small(lr_schedule="cosine")
    rows = trained(config, few_digits, 2, horizon=2).rows
    steps = 2 * math.ceil(150 / config.batch_size)
    expected = [
        rate_at(config, (steps / 2 - 1) / steps),
        rate_at(config, (steps - 1) / steps),
    ]
    assert [row.learning_rate for row in rows] == pytest.approx(expected)


# the recipe


RECIPE = {"batch_norm": True, "norm_bias_only": True, "optimizer": "sgd", "learning_rate": 0.1}


def test_the_biases_of_norms_have_a_learning_rate_of_their_own(few_digits):
    config = small(**RECIPE, norm_bias_rate=64.0, lr_schedule="triangle")
    state = trained(config, few_digits, 1, horizon=1)
    norms = [m for m in state.model.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    (others, biases) = sorted(state.optimizer.param_groups, key=lambda group: group["factor"])
    assert {id(p) for p in biases["params"]} == {id(norm.bias) for norm in norms}
    assert biases["lr"] == pytest.approx(64 * others["lr"])
    assert state.rows[-1].learning_rate == others["lr"] < 0.1


DECAYS = {
    "sgd": {"optimizer": "sgd", "momentum": 0.0},
    "momentum": {"optimizer": "sgd", "momentum": 0.85},
    "nesterov": {"optimizer": "sgd", "momentum": 0.85, "nesterov": True},
    "adamw": {"optimizer": "adamw"},
    "muon": {"optimizer": "muon", "momentum": 0.85},
}


@pytest.mark.parametrize("given", DECAYS.values(), ids=DECAYS)
@pytest.mark.parametrize(("rate", "batch_size"), [(0.01, 1), (0.1, 1), (0.1, 4)])
def test_a_decay_per_epoch_is_the_same_with_any_rate_batches_and_momentum(
    few_digits, given, rate, batch_size
):
    """Three epochs of 150 images; batches of 4 do not divide them."""
    config = small(
        decay_per_epoch=True, weight_decay=0.3, learning_rate=rate, batch_size=batch_size, **given
    )
    state = TrainState.new(config, few_digits, 3, CPU)
    before = weights(state)
    for _ in range(3 * math.ceil(len(few_digits.train) / batch_size)):
        for weight in state.model.parameters():
            weight.grad = torch.zeros_like(weight)
        state.optimizer.step()
    left = weights(state).norm() / before.norm()
    assert -math.log(left) == pytest.approx(3 * 0.3, rel=0.06)


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
@pytest.mark.parametrize(("batch_size", "decay"), [(150, 0.3), (150, 5.0), (75, 5.0)])
def test_a_decay_is_exact_in_few_steps_too(few_digits, optimizer, batch_size, decay):
    given = {"optimizer": optimizer, "batch_size": batch_size, "weight_decay": decay}
    state = TrainState.new(small(decay_per_epoch=True, **given), few_digits, 3, CPU)
    before = weights(state)
    for _ in range(150 // batch_size):
        for weight in state.model.parameters():
            weight.grad = torch.zeros_like(weight)
        state.optimizer.step()
    assert torch.allclose(weights(state), math.exp(-decay) * before, atol=1e-6)


def test_a_rate_of_their_own_does_not_change_the_decay_of_biases(few_digits):
    config = small(
        optimizer="sgd", batch_norm=True, decay_per_epoch=True, weight_decay=0.3, norm_bias_rate=64
    )
    groups = TrainState.new(config, few_digits, 3, CPU).optimizer.param_groups
    decays = [group["lr"] * group["weight_decay"] for group in groups]
    assert len(decays) == 2 and decays[0] == pytest.approx(decays[1])


def test_nesterov_is_that_of_torch(few_digits):
    plain, nesterov = (small(optimizer="sgd", nesterov=value) for value in (False, True))
    assert measured(trained(plain, few_digits, 1)) != measured(trained(nesterov, few_digits, 1))
    assert build_optimizer(nesterov, build(nesterov, 10), 9).param_groups[0]["nesterov"]


def test_whitening_decorrelates_the_patches_and_its_weights_are_not_trained(few_digits):
    state = TrainState.new(small(whitening=True), few_digits, 1, CPU)
    layer = state.model.features[0]
    split = few_digits.train
    pixels = normalise(split.images[split.indices], few_digits.mean, few_digits.std)
    outputs = layer(pixels).movedim(1, 0).flatten(1)  # (24, places); the biases begin at 0
    half = len(outputs) // 2
    assert torch.equal(outputs[:half], -outputs[half:])
    covariance = outputs[:half].cov()
    variances = covariance.diagonal()
    assert (covariance - variances.diag()).abs().max() < 0.05
    assert (variances < 1.05).all()
    assert (variances > 0.8).sum() == 4  # grey images: of 12 directions, 8 have no variance
    before = layer.weight.clone()
    list(fit(state, few_digits, 1))
    assert torch.equal(layer.weight, before)
    assert layer.bias.abs().max() > 0, "they are trained"


def test_views_count_in_validation_alone(few_digits):
    plain, views = (
        trained(small(test_augment=value), few_digits, 1).rows[0] for value in ("none", "mirror")
    )
    assert plain.train_loss == views.train_loss
    assert plain.val_loss != views.val_loss


def test_alternating_flips_are_another_augmentation(few_digits):
    losses = {
        trained(small(augment="crop_flip", crop_pixels=0, flip=value), few_digits, 1)
        .rows[0]
        .train_loss
        for value in ("random", "alternating")
    }
    assert len(losses) == 2


@pytest.mark.parametrize("precision", ["auto", "float32", "bfloat16"])
def test_the_precision_is_known_without_pytorch(precision):
    chosen = Hardware.of("cpu", precision).precision
    assert f"torch.{precision_of('cpu', precision)}" == str(chosen)
