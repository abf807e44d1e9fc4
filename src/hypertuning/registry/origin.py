"""Tell which models are ours. Only their numbers are read, and no code of others is run.

A model in a registry carries code, or a pickle, which can run code too, and MLflow runs it to load
the model: whoever can write to the registry or to its files can run anything on the machine that
loads it. A tag or a signature proves nothing, as both can be copied. So a model is ours if the
code that it carries equals, byte for byte, what this project packs or has packed; and even that is
not run here: this project's own copy of it reads the weights and the description, neither of which
can hold code.

This protects from code in a model of somebody else, put there by accident or on purpose.
It does not protect from wrong answers, because anyone can put other weights behind our code; from a
fault in `torch.load(weights_only=True)`; or from programs that load a model without us: `mlflow
models serve` runs the code that a model carries, and installs what it asks for.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np
import pandas as pd
from mlflow.models import ModelSignature

from hypertuning.learn import networks
from hypertuning.registry import pyfunc

with pyfunc.quiet():
    from hypertuning.registry.served_model import ImageClassifier

LOADER = "mlflow.pyfunc.loaders.code_model"
"""MLflow's loader of models whose code is text."""
PACKAGE = Path(__file__).parents[1]
CODE = {"served_model.py": "registry/served_model.py", "artifacts/networks.py": "learn/networks.py"}
"""The files of a model that MLflow would run → those of this package that they are copies of."""
SUMS = Path(__file__).with_name("packed_code.sha256")
"""The SHA-256 of every version of these files that models were registered with.

After a change of one of them: `cd src/hypertuning && sha256sum registry/served_model.py
learn/networks.py >> registry/packed_code.sha256`. The old lines stay: registered models keep the
code that they were registered with.
"""
FILES = {"model": "artifacts/model.json", "weights": "artifacts/weights.pt"}
"""The files of a model that are read; they contain no code."""


class Fetched(NamedTuple):
    """What is known of a model without running any of it."""

    signature: ModelSignature | None
    foreign: str
    """Why it is not ours; empty if it is."""
    folder: Path
    """The folder with its files, if it is ours."""


class Ours:
    """A model of ours; it answers as its server does."""

    def __init__(self, folder: Path) -> None:
        self._classifier = ImageClassifier()
        artifacts = {name: str(folder / file) for name, file in FILES.items()}
        own = {**artifacts, "networks": networks.__file__}
        self._classifier.load_context(SimpleNamespace(artifacts=own))

    def predict(self, data: np.ndarray) -> pd.DataFrame:
        return self._classifier.predict(None, data)


def fetch(model_uri: str, folder: Path) -> Fetched:
    """Look at a model; if it may be ours, copy its files to an empty folder."""
    known = pyfunc.info(model_uri)
    if foreign := _other_flavour(known.flavors):
        return Fetched(known.signature, foreign, folder)
    copied = Path(pyfunc.download(model_uri, str(folder)))
    return Fetched(known.signature, _other_code(copied), copied)


def _other_flavour(flavors: Mapping[str, Mapping]) -> str:
    loader = flavors.get("python_function", {}).get("loader_module", "none")
    code = str(flavors.get("python_function", {}).get("model_code_path"))
    if loader != LOADER:
        return f"MLflow would load it by {loader}"
    if Path(code).name not in CODE:
        return f"its code is {Path(code).name}"
    return ""


def _other_code(folder: Path) -> str:
    for file, ours in CODE.items():
        path = folder / file
        if not path.is_file():
            return f"it has no {file}"
        if _sum(path) not in known_sums(ours):
            return f"its {file} is not this project's"
    return ""


def known_sums(ours: str) -> set[str]:
    """The sums of a file of this package: of its earlier versions, and of today's."""
    lines = (line.split() for line in SUMS.read_text().splitlines())
    return {_sum(PACKAGE / ours), *(known for known, file in lines if file == ours)}


def _sum(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
