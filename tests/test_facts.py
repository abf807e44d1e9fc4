"""Claims about a hyperparameter that is new: it is one field, and everything knows it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

SOURCE = Path(__file__).parents[1] / "src"
LAST = "    seed: Annotated[int"
FIELD = "    clip: Annotated[float, CNN, {facts}] = Field(2.0, gt=0)\n"
USES = """
from pathlib import Path

import pandas as pd

from hypertuning.config import Config, differing
from hypertuning.domains import Float
from hypertuning.report.texts import words
from hypertuning.report.parameters import scale_of
from hypertuning.report.trials import varied
from hypertuning.search.sampler import Random
from hypertuning.space_files import read_config, read_space
from hypertuning.spaces import idle
from hypertuning.tracking.labels import run_name
from hypertuning.tracking.runs import _HYPERPARAMETERS

Path("space.yaml").write_text("clip: {low: 0.5, high: 8.0, log: true}")
space = read_space(Path("space.yaml"))
assert space == {"clip": Float(0.5, 8.0, log=True)}
assert idle({"model": "nn", **space}, {}) == {"clip": "`model` is never 'cnn'"}

drawn = [Random(space, {}, 0).propose(trial).config for trial in range(5)]
assert differing(drawn) == {"clip": True}
trials = pd.DataFrame([config.hyperparameters() for config in drawn])
assert varied(trials) == ["clip"]
assert scale_of(trials["clip"]) == "log"
assert len({run_name(config.hyperparameters()) for config in drawn}) == 5

Path("config.yaml").write_text("clip: 3.5\\nmodel: nn")
assert read_config(Path("config.yaml")).idle() == ["`clip` does nothing where `model` is 'nn'"]
assert run_name(Config(clip=3.5).hyperparameters()) == "cnn f64 k3 p1 h256 c3.5"
assert words("clip") == "largest gradient"
assert _HYPERPARAMETERS["clip"] is float
"""


def with_field(folder: Path, facts: str) -> subprocess.CompletedProcess[str]:
    """Run USES with a copy of the package in which `Config` has one more field."""
    shutil.copytree(SOURCE / "hypertuning", folder / "hypertuning")
    module = folder / "hypertuning" / "config.py"
    module.write_text(module.read_text().replace(LAST, FIELD.format(facts=facts) + LAST))
    return subprocess.run(
        [sys.executable, "-c", USES],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
    )


def test_one_more_field_is_searched_named_and_reported(tmp_path):
    ended = with_field(tmp_path, 'Display("c", log=True, words="largest gradient")')
    assert ended.returncode == 0, ended.stderr


def test_a_field_without_a_short_name_ends_every_command(tmp_path):
    ended = with_field(tmp_path, "'nothing'")
    assert "AssertionError: each field of Config needs its Display" in ended.stderr
