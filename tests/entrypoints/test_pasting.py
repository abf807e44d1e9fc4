"""Claims about a stage's last lines: each command works when pasted into the same shell."""

import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.request import urlopen

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).parents[2]
PARTS = ("MLproject", "conda.yaml", "entrypoints", "requirements.txt", "src")
STUDY = {"dataset": "digits", "train_size": 60, "val_size": 20, "num_samples": 2, "max_epochs": 1}
TYPED = {
    "mlflow run": "mlflow run . -e bohb --env-manager local --experiment-name 'my own'",
    "from elsewhere": "mlflow run ../project -e bohb --env-manager local",
    "a module": "python -m entrypoints.bohb",
}


class Shell:
    """A user's shell, in the folder of the project or beside it."""

    def __init__(self, tmp_path, elsewhere=False):
        project = tmp_path / "project"
        project.mkdir()
        for name in PARTS:
            (project / name).symlink_to(ROOT / name)
        (tmp_path / "work").mkdir()
        self.folder = tmp_path / "work" if elsewhere else project
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        self.variables = {**os.environ, "PATH": path}

    def run(self, line):
        done = subprocess.run(
            ["bash", "-c", line],
            cwd=self.folder,
            env=self.variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout

    def serve(self, line):
        """Start MLflow's pages by a printed line, and return the HTML of the first."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        process = subprocess.Popen(
            ["bash", "-c", f"exec {line} --port {port}"],
            cwd=self.folder,
            env=self.variables,
            start_new_session=True,
        )
        try:
            return _page(f"http://127.0.0.1:{port}/")
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait()


def _page(address, seconds=120):
    for _ in range(seconds):
        try:
            return urlopen(address).read().decode()
        except OSError:
            time.sleep(1)
    raise TimeoutError(address)


def command(printed, what):
    """The rest of the line that begins with `what: `."""
    found = [line for line in printed.splitlines() if line.startswith(f"{what}: ")]
    assert len(found) == 1, printed
    return found[0].removeprefix(f"{what}: ")


@pytest.mark.slow
@pytest.mark.parametrize("typed", TYPED.values(), ids=TYPED)
def test_what_a_stage_prints_at_its_end_works_as_pasted(tmp_path, typed):
    shell = Shell(tmp_path, elsewhere="../" in typed)
    space = tmp_path / "small networks.yaml"  # the printed `train` takes 20 epochs of all images
    space.write_text("filters: [2, 4]\nhidden_size: 8\nbatch_size: 256\n")
    places = {"data_dir": tmp_path / "it's data", "storage_path": tmp_path / "my records"}
    given = {**STUDY, **places, "space": space}
    words = ("-P {}={}", "--{}={}") if typed.startswith("mlflow") else ("--{}={}",)
    options = [words[0].format(name, shlex.quote(str(value))) for name, value in given.items()]
    said = shell.run(" ".join([typed, *options]))

    trained = shell.run(command(said, "train the best longer"))
    assert "best 1 of 1 trial, by validation loss" in trained
    assert "20 epochs" in trained
    registered = shell.run(command(said, "register the best"))
    assert list(tmp_path.glob("**/data")) == [], "the images are those that are there"
    picture = shell.folder / "picture.png"  # `mlflow run` starts its commands in the project
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(picture)
    predict = command(registered, "use it").replace("FILE_OR_FOLDER", str(picture))
    assert "picture.png" in shell.run(predict)
    written = shell.run(command(said, "write it up"))
    report = Path(command(written, "the report")).with_suffix(".md").read_text()
    assert "1 trial" in report and "2 trials" in report, "those of train and of bohb"
    assert "<title>MLflow" in shell.serve(command(said, "start MLflow's pages"))
