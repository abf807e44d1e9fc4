"""Claims about one network trained on a GPU: the same study as on the CPU, only sooner."""

import pytest
import torch

from hypertuning.config import Config
from hypertuning.learn import checkpoint
from hypertuning.learn.data import prepare
from hypertuning.learn.splits import load
from hypertuning.learn.training import Hardware, TrainState, fit
from hypertuning.spaces import RECIPE, searched

CPU, GPU = Hardware.of("cpu", "float32"), "cuda"
PLAIN = {
    "filters": 8, "hidden_size": 32, "batch_size": 25, "dropout": 0.1, "learning_rate": 0.003,
    "augment": "crop_flip", "crop_pixels": 1,
}  # fmt: skip
WHOLE = {
    **{name: value for name, value in RECIPE.items() if name not in searched(RECIPE)},
    "filters": 16, "filter_growth": 2.0, "learning_rate": 0.015, "momentum": 0.85,
    "batch_size": 25, "label_smoothing": 0.1,
    "augment": "crop_flip", "crop_pixels": 1, "test_augment": "mirror_shift",
}  # fmt: skip
CONFIGS = {
    "nn": {**PLAIN, "model": "nn"},
    "resnn": {**PLAIN, "model": "resnn", "num_fully_connected_layers": 3},
    "cnn": PLAIN,
    "recipe": WHOLE,
}


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    cache = prepare("digits", tmp_path_factory.mktemp("data"))
    return load(cache, train_size=500, val_size=200, split_seed=0)


def trained(config, data, epochs, hardware, horizon=4):
    state = TrainState.new(config, data, horizon, hardware)
    list(fit(state, data, epochs))
    return state


@pytest.mark.parametrize("given", CONFIGS.values(), ids=CONFIGS)
def test_it_trains_as_on_the_cpu(digits, given):
    config = Config(**{**given, "dropout": 0.0})  # a GPU draws other units to drop
    here, there = (
        trained(config, digits, 1, hardware).rows[0]
        for hardware in (CPU, Hardware.of(GPU, "float32"))
    )
    assert there.learning_rate == here.learning_rate
    tolerance = 0.1  # its convolutions round to TF32
    assert there.train_loss == pytest.approx(here.train_loss, rel=tolerance)
    assert there.val_loss == pytest.approx(here.val_loss, rel=tolerance)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("given", CONFIGS.values(), ids=CONFIGS)
def test_it_learns_in_both_precisions(digits, given, precision):
    rows = trained(Config(**given), digits, 6, Hardware.of(GPU, precision), horizon=6).rows
    assert rows[-1].val_loss < 0.7 * rows[0].val_loss
    assert rows[-1].val_accuracy > 0.5


def test_auto_is_bfloat16_where_the_gpu_has_it():
    ampere = torch.cuda.get_device_capability() >= (8, 0)
    wanted = torch.bfloat16 if ampere else torch.float32
    assert Hardware.of(GPU).precision == wanted


@pytest.mark.parametrize("given", CONFIGS.values(), ids=CONFIGS)
def test_a_checkpoint_continues_on_either_device(digits, given, tmp_path):
    config, gpu = Config(**given), Hardware.of(GPU, "float32")
    for begun, continued in ((gpu, gpu), (gpu, CPU), (CPU, gpu)):
        state = trained(config, digits, 2, begun)
        checkpoint.save(state, tmp_path / "checkpoint")
        taken_up = checkpoint.load(tmp_path / "checkpoint", config, digits, continued)
        assert taken_up.rows == state.rows
        (row,) = fit(taken_up, digits, 3)
        *_, through = fit(state, digits, 3)
        assert row.val_loss == pytest.approx(through.val_loss, rel=0.15, abs=0.03)


def test_the_gpus_own_generator_is_left_alone(digits):
    torch.cuda.manual_seed(1)
    before = torch.cuda.get_rng_state()
    trained(Config(**PLAIN), digits, 1, Hardware.of(GPU))
    assert torch.equal(torch.cuda.get_rng_state(), before)
