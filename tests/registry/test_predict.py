"""Claims about what is asked: a model of this project's images and no other."""

import os
from pathlib import Path

import pytest

from hypertuning.config import UserError
from hypertuning.registry import pyfunc
from hypertuning.registry.predict import load


class Trap:
    """Writes a file when it is unpickled."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self):
        return os.mkdir, (str(self.file),)


def test_a_foreign_model_is_refused_before_anything_of_it_runs(tmp_path):
    with pyfunc.quiet():
        from mlflow.pyfunc import PythonModel

        class Foreign(PythonModel):
            def __init__(self):
                self.trap = Trap(tmp_path / "sprung")

            def predict(self, context, model_input: list[str], params=None) -> list[str]:
                return model_input

        pyfunc.save(str(tmp_path / "foreign"), python_model=Foreign())
    (tmp_path / "sprung").rmdir()  # MLflow copies what it saves
    with pytest.raises(UserError, match="is no model of this project's images"):
        load(str(tmp_path / "foreign"))
    assert not (tmp_path / "sprung").exists()


def test_a_model_of_ours_is_loaded(model_folder):
    assert load(str(model_folder)).metadata.signature is not None


@pytest.mark.parametrize("address", ["models:/no-such-model@champion", "no/such/folder"])
def test_an_address_that_names_nothing_is_said_in_one_line(client, address):
    with pytest.raises(UserError, match="names no model that can be loaded") as refusal:
        load(address)
    assert "\n" not in str(refusal.value)
