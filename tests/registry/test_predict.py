"""Claims about what is asked: a model that this project has made, and no code of anybody else."""

import os
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import yaml

from hypertuning.config import UserError
from hypertuning.registry import pyfunc
from hypertuning.registry.evaluate import answers_of
from hypertuning.registry.predict import load

IMAGES = np.random.default_rng(0).integers(0, 256, (3, 3, 32, 32), np.uint8)
SPRUNG = """
import os
os.makedirs({place!r}, exist_ok=True)
"""


class Trap:
    """Writes a file when it is unpickled."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self):
        return os.mkdir, (str(self.file),)


def pickled(folder: Path, sprung: Path) -> None:
    """A model of somebody else, in a pickle."""
    with pyfunc.quiet():
        from mlflow.pyfunc import PythonModel

        class Foreign(PythonModel):
            def __init__(self):
                self.trap = Trap(sprung)

            def predict(self, context, model_input: list[str], params=None) -> list[str]:
                return model_input

        pyfunc.save(str(folder), python_model=Foreign(), pip_requirements=["mlflow"])
    if sprung.exists():
        sprung.rmdir()  # MLflow copies what it saves


def test_a_model_that_takes_no_images_is_refused_before_anything_of_it_runs(tmp_path):
    pickled(tmp_path / "foreign", tmp_path / "sprung")
    for trust in (False, True):
        with pytest.raises(UserError, match="is no model of this project's images"):
            load(str(tmp_path / "foreign"), trust)
    assert not (tmp_path / "sprung").exists()


def in_a_pickle(folder: Path, trap: str, sprung: Path) -> None:
    ours = yaml.safe_load((folder / "MLmodel").read_text())
    shutil.rmtree(folder)
    pickled(folder, sprung)
    described = yaml.safe_load((folder / "MLmodel").read_text())
    described["signature"] = ours["signature"]
    (folder / "MLmodel").write_text(yaml.safe_dump(described))


def in_its_code(folder: Path, trap: str, sprung: Path) -> None:
    with open(folder / "served_model.py", "a") as code:
        code.write(trap)


def in_its_networks(folder: Path, trap: str, sprung: Path) -> None:
    with open(folder / "artifacts" / "networks.py", "a") as code:
        code.write(trap)


def in_another_loader(folder: Path, trap: str, sprung: Path) -> None:
    described = yaml.safe_load((folder / "MLmodel").read_text())
    described["flavors"]["python_function"]["loader_module"] = "sprung"
    (folder / "MLmodel").write_text(yaml.safe_dump(described))


def in_another_file(folder: Path, trap: str, sprung: Path) -> None:
    described = yaml.safe_load((folder / "MLmodel").read_text())
    described["flavors"]["python_function"]["model_code_path"] = "/elsewhere/other.py"
    (folder / "MLmodel").write_text(yaml.safe_dump(described))
    (folder / "other.py").write_text(trap)


FOREIGN = [in_a_pickle, in_its_code, in_its_networks, in_another_loader, in_another_file]


@pytest.mark.parametrize("place", FOREIGN)
def test_a_model_of_somebody_else_with_our_signature_is_refused_by_name(
    place, model_folder, tmp_path
):
    folder = tmp_path / "foreign"
    shutil.copytree(model_folder, folder)
    place(folder, SPRUNG.format(place=str(tmp_path / "sprung")), tmp_path / "sprung")
    with pytest.raises(UserError, match=r"was not made by `register` .*trust=true") as refusal:
        load(str(folder))
    assert str(folder) in str(refusal.value) and "\n" not in str(refusal.value)
    assert not (tmp_path / "sprung").exists()


def test_trust_runs_the_code_of_somebody_else(model_folder, model, tmp_path):
    folder = tmp_path / "foreign"
    shutil.copytree(model_folder, folder)
    in_its_code(folder, SPRUNG.format(place=str(tmp_path / "sprung")), tmp_path)
    assert load(str(folder), trust=True).predict(IMAGES).equals(model.predict(IMAGES))
    assert (tmp_path / "sprung").exists()


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        (np.zeros((3, 10)), "a ndarray"),
        (pd.DataFrame({"label": ["cat"]}), "label"),
        (pd.DataFrame({"class": ["cat"], "probability": [1.0]}), "class, probability"),
    ],
)
def test_a_trusted_model_that_answers_otherwise_is_refused_in_one_line(answers, said):
    model = SimpleNamespace(predict=lambda images: answers)
    with pytest.raises(UserError, match=f"^the model answers with {said}; a model of this"):
        answers_of(model, IMAGES)


def test_compiled_code_that_lies_beside_ours_is_not_run(model_folder, model, tmp_path):
    """Python would take it in place of the text, and asks for no match if it is marked so."""
    import py_compile

    folder, trap = tmp_path / "ours", tmp_path / "trap.py"
    shutil.copytree(model_folder, folder)
    trap.write_text(SPRUNG.format(place=str(tmp_path / "sprung")))
    mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
    for file in (folder / "served_model.py", folder / "artifacts" / "networks.py"):
        compiled = Path(py_compile.compile(str(trap), invalidation_mode=mode))
        (file.parent / "__pycache__").mkdir(exist_ok=True)
        place = file.parent / "__pycache__" / compiled.name.replace("trap", file.stem)
        shutil.copy(compiled, place)
    assert load(str(folder)).predict(IMAGES).equals(model.predict(IMAGES))
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("kind", ["a folder", "a version", "a run"])
def test_a_model_of_ours_answers_as_mlflow_has_it_answer(kind, model_folder, model, new_version):
    version = new_version()  # no tag says that it is ours
    address = {
        "a folder": str(model_folder),
        "a version": f"models:/{version.name}/{version.version}",
        "a run": f"runs:/{version.run_id}/model",
    }
    assert load(address[kind]).predict(IMAGES).equals(model.predict(IMAGES))


def test_weights_that_are_a_pickle_of_something_else_run_nothing(model_folder, tmp_path):
    import torch

    shutil.copytree(model_folder, tmp_path / "ours")
    torch.save(Trap(tmp_path / "sprung"), tmp_path / "ours" / "artifacts" / "weights.pt")
    with pytest.raises(UserError, match="names no model that can be loaded"):
        load(str(tmp_path / "ours"))
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize(
    "address",
    ["models:/no-such-model@champion", "no/such/folder", "runs:/0/model", "models:/", "s3:///"],
)
def test_an_address_that_names_nothing_is_said_in_one_line(client, address):
    with pytest.raises(UserError, match="names no model that can be loaded") as refusal:
        load(address)
    assert "\n" not in str(refusal.value)
