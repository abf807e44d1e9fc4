"""Claims about whole stages whose trials share a GPU, as a user would run them."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import hypertuning

ROOT = Path(__file__).parents[2]
DIGITS = {"dataset": "digits", "train_size": 400, "val_size": 100}
SHARED = {"gpus_per_trial": 0.25, "cpus_per_trial": 1}
STAGES = {
    "compare": {"epochs": 2},
    "grid": {"epochs": 1, "space": {"filters": [4, 8], "num_conv_layers": [2]}},
    "hyperband": {"num_samples": 3, "max_epochs": 4},
    "bohb": {"num_samples": 4, "max_epochs": 3},
}


@pytest.mark.parametrize(
    ("name", "precision"),
    [*((name, "auto") for name in STAGES), ("compare", "float32"), ("bohb", "float32")],
)
def test_a_stage_trains_on_the_gpu(here, name, precision):
    study = getattr(hypertuning, name)(**DIGITS, **SHARED, **STAGES[name], precision=precision)
    assert study.curves["val_loss"].notna().all()
    assert study.client.get_run(study.id).data.tags["hardware.gpu"]


def test_a_model_trained_on_a_gpu_serves_with_one_and_without(here):
    study = hypertuning.bohb(
        **DIGITS, **SHARED, family="recipe", num_samples=3, max_epochs=3, space={"filters": [8, 16]}
    )
    registered = hypertuning.register(
        source=study.id, model_name="gpu-cnn", repeats=1, top_k=1, **SHARED
    )
    Image.fromarray(np.full((32, 32, 3), 200, np.uint8)).save(here / "grey.png")
    with_gpu, without = (probabilities(here, registered.model_uri, seen) for seen in ("0", ""))
    assert with_gpu == pytest.approx(without, abs=5e-3)


def probabilities(folder: Path, uri: str, seen: str) -> np.ndarray:
    """What the registered model says of a picture, by a process that sees these GPUs."""
    code = (
        "import sys, mlflow, numpy as np\n"
        "from PIL import Image\n"
        "model = mlflow.pyfunc.load_model(sys.argv[1])\n"
        "image = np.asarray(Image.open('grey.png')).transpose(2, 0, 1)[None]\n"
        "table = model.predict(image).filter(like='p_')\n"
        "print('row', *table.to_numpy()[0])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, uri],
        cwd=folder,
        env={**os.environ, "CUDA_VISIBLE_DEVICES": seen},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    line = next(line for line in done.stdout.splitlines() if line.startswith("row "))
    return np.array(line.split()[1:], float)
