"""The code of a registered model, which MLflow keeps beside its weights and runs to load it.

It stands alone: torch, numpy, pandas and MLflow, the file with the networks, the weights, and
`model.json` with everything else are all that it needs.
"""

import importlib.util
import json

import mlflow
import numpy as np
import pandas as pd
import torch
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import INVALID_PARAMETER_VALUE

BATCH = 500
"""Images that go through the network at once."""


class Refused(MlflowException):
    """Wrong input, in one line: HTTP status 400."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason, error_code=INVALID_PARAMETER_VALUE)
        self.reason = reason

    @property
    def message(self) -> str:
        return self.reason

    @message.setter
    def message(self, _: str) -> None:
        """MLflow's server would put every pixel of the request before the reason."""


class ImageClassifier(mlflow.pyfunc.PythonModel):
    """uint8 images (n, 3, size, size) → one row each: class, its probability, those of all."""

    def load_context(self, context) -> None:
        with open(context.artifacts["model"]) as file:
            self.model = json.load(file)
        spec = importlib.util.spec_from_file_location("networks", context.artifacts["networks"])
        networks = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(networks)
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        weights = torch.load(
            context.artifacts["weights"], map_location=self.device, weights_only=True
        )
        self.logits_of = networks.logits_of
        self.network = networks.network(self.model["architecture"]).to(self.device).eval()
        self.network.load_state_dict(weights)
        shape = (3, 1, 1)
        self.mean = torch.tensor(self.model["mean"], device=self.device).view(shape)
        self.std = torch.tensor(self.model["std"], device=self.device).view(shape)

    # MLflow asks for hints, and validates by none of this type
    def predict(self, context, model_input: np.ndarray, params=None) -> pd.DataFrame:
        images = torch.from_numpy(checked(model_input, self.model["size"]))
        with torch.inference_mode():
            shares = [self._probabilities(batch) for batch in images.split(BATCH)]
        classes = np.array(self.model["classes"])
        rows = np.concatenate([np.empty((0, len(classes)), np.float32), *shares])  # (n, classes)
        best = rows.argmax(axis=1)
        table = pd.DataFrame({"class": classes[best], "probability": rows.max(axis=1, initial=0)})
        return table.join(pd.DataFrame(rows, columns=[f"p_{name}" for name in classes]))

    def _probabilities(self, images: torch.Tensor) -> np.ndarray:
        pixels = (images.to(self.device).float() - self.mean) / self.std
        pixels = pixels.contiguous(memory_format=torch.channels_last)
        logits = self.logits_of(self.network, pixels, self.model["views"])
        return logits.softmax(dim=1).cpu().numpy()


def checked(given, size: int) -> np.ndarray:
    """uint8 (n, 3, size, size), from an array of that type or nested lists of whole numbers.

    Raises:
        Refused: anything else; nothing is cast that would change a value.
    """
    wanted = f"uint8 images of shape (n, 3, {size}, {size})"
    if isinstance(given, torch.Tensor):
        given = given.numpy(force=True)
    if isinstance(given, list):  # JSON
        try:
            given = np.array(given)
        except ValueError as error:
            raise Refused(f"the input must be {wanted}; its lists differ in length") from error
        if given.dtype.kind == "i" and given.size and given.min() >= 0 and given.max() <= 255:
            given = given.astype(np.uint8)
        elif given.dtype.kind == "i" and given.size:
            raise Refused(
                f"pixels must be whole numbers from 0 to 255, got {given.min()} to {given.max()}"
            )
    if not isinstance(given, np.ndarray):
        raise Refused(f"the input must be {wanted}, got {type(given).__name__}")
    if given.ndim != 4 or given.shape[1:] != (3, size, size):
        raise Refused(f"the input must be {wanted}, got shape {given.shape}")
    if given.dtype != np.uint8:
        raise Refused(f"the input must be {wanted}, got {given.dtype}; nothing is cast")
    return np.array(given, order="C")  # torch takes neither reversed nor read-only memory


mlflow.models.set_model(ImageClassifier())
