"""Claims about a packaged model: it stands alone, is safe to load, and casts nothing."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from hypertuning.config import Config
from hypertuning.learn.networks import logits_of
from hypertuning.learn.splits import normalise
from hypertuning.learn.training import Hardware, TrainState
from hypertuning.registry import pyfunc
from hypertuning.registry.package import package
from hypertuning.registry.served_model import Refused, checked
from hypertuning.spaces import RECIPE, searched

RECIPE_VALUES = {n: v for n, v in RECIPE.items() if n not in searched(RECIPE)}
DIGITS = [str(n) for n in range(10)]


@pytest.fixture(scope="module")
def images(all_digits) -> np.ndarray:
    return all_digits.train.images[:7].numpy()


def test_it_answers_what_the_trained_network_does_for_any_number_of_images(
    model, fitted, all_digits, images
):
    fitted.model.eval()
    with torch.inference_mode():
        pixels = normalise(torch.from_numpy(images), all_digits.mean, all_digits.std)
        expected = fitted.model(pixels).softmax(1).numpy()
    for count in (0, 1, 7):
        answers = model.predict(images[:count])
        assert list(answers) == ["class", "probability", *(f"p_{name}" for name in DIGITS)]
        shares = answers.filter(regex="^p_").to_numpy()
        np.testing.assert_allclose(shares, expected[:count], atol=1e-6)
        assert answers["class"].tolist() == [DIGITS[i] for i in expected[:count].argmax(1)]
        np.testing.assert_allclose(answers["probability"], shares.max(1, initial=0))


def test_memory_that_torch_does_not_take_is_copied(model, images):
    fixed = images.copy()
    fixed.flags.writeable = False
    for given in (images[:, ::-1], fixed):
        assert len(model.predict(given)) == len(images)


def test_more_images_than_go_through_at_once_are_answered_in_their_order(model, images):
    many = np.tile(images, (100, 1, 1, 1))  # 700 images
    answers = model.predict(many).filter(regex="^p_").to_numpy()
    np.testing.assert_allclose(answers[-7:], answers[:7], atol=1e-6)


@pytest.mark.parametrize("config", [
    {"model": "nn", "num_fully_connected_layers": 3, "dropout": 0.5},
    {"model": "resnn", "num_fully_connected_layers": 3},
    {"batch_norm": True, "kernel_size": 2, "padding": 0},
    {**RECIPE_VALUES, "test_augment": "mirror_shift"},
])  # fmt: skip
def test_every_architecture_comes_back_as_it_was(config, all_digits, images, tmp_path):
    small = Config(**{"filters": 3, "hidden_size": 5, **config})
    state = TrainState.new(small, all_digits, 1, Hardware.of("cpu", "float32"))
    package(state, all_digits, tmp_path / "model")
    loaded = pyfunc.load(str(tmp_path / "model"))
    state.model.eval()
    with torch.inference_mode():
        pixels = normalise(torch.from_numpy(images), all_digits.mean, all_digits.std)
        expected = logits_of(state.model, pixels, small.test_augment).softmax(1).numpy()
    answers = loaded.predict(images).filter(regex="^p_").to_numpy()
    np.testing.assert_allclose(answers, expected, atol=1e-6)


def test_it_needs_nothing_of_this_project_and_unpickles_nothing(model_folder, images, tmp_path):
    np.save(tmp_path / "images.npy", images)
    script = f"""
import builtins, pickle, sys
sys.path = [p for p in sys.path if not p.endswith("/src")]
class Forbidden(pickle.Unpickler):
    def load(self):
        raise AssertionError("something was unpickled")
def forbidden(*_, **__):
    raise AssertionError("something was unpickled")
import cloudpickle, mlflow, numpy, torch, mlflow.pyfunc
original = builtins.__import__
def watched(name, *rest, **more):
    assert not name.startswith("hypertuning"), name
    return original(name, *rest, **more)
builtins.__import__ = watched
for module in (pickle, cloudpickle):
    module.load = module.loads = forbidden
    module.Unpickler = Forbidden
model = mlflow.pyfunc.load_model({str(model_folder)!r})
print(len(model.predict(numpy.load({str(tmp_path / "images.npy")!r}))))
"""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script],
        cwd=tmp_path, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stdout.strip() == "7", done.stderr
    suffixes = {file.suffix for file in Path(model_folder).rglob("*") if file.is_file()}
    assert not suffixes & {".pkl", ".pickle", ".joblib"}


def test_loading_says_nothing(model_folder, recwarn):
    import mlflow.pyfunc

    mlflow.pyfunc.load_model(str(model_folder))
    assert [str(warning.message) for warning in recwarn] == []


def test_its_signature_and_its_example_say_what_it_takes(model):
    assert model.metadata.get_input_schema().to_dict() == [
        {"type": "tensor", "tensor-spec": {"dtype": "uint8", "shape": (-1, 3, 32, 32)}}
    ]
    outputs = [spec.name for spec in model.metadata.get_output_schema()]
    assert outputs == ["class", "probability", *(f"p_{name}" for name in DIGITS)]
    assert model.input_example.shape == (1, 3, 32, 32)
    assert len(model.predict(model.input_example)) == 1


GOOD = np.zeros((2, 3, 32, 32), np.uint8)


@pytest.mark.parametrize(("given", "says"), [
    (GOOD.astype(np.float32), "got float32; nothing is cast"),
    (GOOD.astype(np.int64), "got int64; nothing is cast"),
    (GOOD[:, :2], r"got shape \(2, 2, 32, 32\)"),
    (GOOD[0], r"got shape \(3, 32, 32\)"),
    (np.zeros((1, 3, 28, 28), np.uint8), r"got shape \(1, 3, 28, 28\)"),
    ("a picture", "got str"),
    ({"image": [1]}, "got dict"),
    ([[1, 2], [3]], "differ in length"),
    ([], r"got shape \(0,\)"),
    (np.full((1, 3, 32, 32), 300).tolist(), "whole numbers from 0 to 255, got 300 to 300"),
    (np.full((1, 3, 32, 32), -1).tolist(), "whole numbers from 0 to 255, got -1 to -1"),
    (np.full((1, 3, 32, 32), 0.5).tolist(), "got float64; nothing is cast"),
    (np.full((1, 3, 32, 32), "1").tolist(), "nothing is cast"),
    (np.full((1, 3, 32, 32), True).tolist(), "got bool; nothing is cast"),
    (np.full((1, 3, 32, 32), None).tolist(), "got object; nothing is cast"),
])  # fmt: skip
def test_what_is_no_image_of_bytes_is_refused_with_the_reason(given, says):
    with pytest.raises(Refused, match=says) as refused:
        checked(given, 32)
    assert refused.value.get_http_status_code() == 400


def test_lists_of_whole_numbers_are_what_arrays_of_bytes_are(images, model):
    assert np.array_equal(checked(images.tolist(), 32), images)
    assert model.predict(images.tolist()).equals(model.predict(images))
