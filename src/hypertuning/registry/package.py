"""Save a trained network as a model that MLflow loads without this project."""

import importlib.metadata
import json
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, Schema, TensorSpec

from hypertuning.geometry import IMAGE_SIZE
from hypertuning.learn import networks
from hypertuning.learn.models import architecture
from hypertuning.learn.splits import Splits
from hypertuning.learn.training import TrainState
from hypertuning.registry import pyfunc

CODE = Path(__file__).with_name("served_model.py")
LIBRARIES = ("mlflow", "numpy", "pandas", "torch")
"""Libraries that the model needs where it is loaded."""


def package(state: TrainState, data: Splits, folder: Path) -> None:
    """Write a trained network to a new folder, as an MLflow model.

    Nothing in it is unpickled when it is loaded: its code is text, its weights are read by
    `torch.load(weights_only=True)`.
    """
    described = {
        "architecture": architecture(state.config, len(data.classes)),
        "classes": data.classes,
        "mean": data.mean.tolist(),
        "std": data.std.tolist(),
        "size": IMAGE_SIZE,
        "views": state.config.test_augment,
    }
    with TemporaryDirectory() as made:
        weights, model = Path(made, "weights.pt"), Path(made, "model.json")
        torch.save({k: v.cpu() for k, v in state.model.state_dict().items()}, weights)
        model.write_text(json.dumps(described, indent=2))
        files = {"weights": weights, "model": model, "networks": networks.__file__}
        pyfunc.save(
            str(folder),
            python_model=str(CODE),
            artifacts={name: str(file) for name, file in files.items()},
            signature=signature(data.classes),
            input_example=data.train.images[data.train.indices[:1]].numpy(),
            pip_requirements=requirements(),
        )


def signature(classes: Sequence[str]) -> ModelSignature:
    """uint8 (n, 3, 32, 32) → class, probability and the probability of each class."""
    names = ["probability", *(f"p_{name}" for name in classes)]
    made = ModelSignature(
        Schema([TensorSpec(np.dtype(np.uint8), (-1, 3, IMAGE_SIZE, IMAGE_SIZE))]),
        Schema([ColSpec("string", "class"), *(ColSpec("float", name) for name in names)]),
    )
    # MLflow's server casts 0.5 to 0 by the signature before the model sees it, unless the signature
    # comes from type hints: then the model gets its input as it is, and checks it itself.
    made._is_signature_from_type_hint = True
    return made


def requirements() -> list[str]:
    """The libraries with their installed versions, without build labels (`+cpu`)."""
    versions = ((name, importlib.metadata.version(name)) for name in LIBRARIES)
    return [f"{name}=={version.partition('+')[0]}" for name, version in versions]
