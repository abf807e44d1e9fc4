"""Claims about what a command imports before it works: nothing slow that it does not need."""

import subprocess
import sys

SLOW = (
    "torch", "torchvision", "statsmodels", "hpbandster", "ConfigSpace", "scipy.stats", "sklearn",
    "matplotlib", "mlflow", "sqlalchemy", "ray", "ray.tune", "pandas", "numpy", "rich",
)  # fmt: skip
"""Each takes between a tenth of a second and ten."""
CONSOLE = {"numpy", "rich"}
STORE = {*CONSOLE, "mlflow", "sqlalchemy", "pandas"}
STEPS = [
    ("the first line", "hypertuning.cli", set()),
    ("checks of options and folders", "hypertuning.stages.start", CONSOLE),
    ("a dry run before the images are there",
     "hypertuning.stages.study.listed, hypertuning.stages.study.dry_run", CONSOLE),
    ("sync and doctor", "hypertuning.stages.repair.run", STORE),
    ("what a study does while Ray starts", "hypertuning.stages.study.prepare", STORE),
    ("Ray's start", "hypertuning.search.ray_start", {*STORE, "ray"}),
    ("a grid", "hypertuning.stages.study.run", {*STORE, "ray", "ray.tune"}),
]  # fmt: skip
"""In the order in which what is imported grows: one process tells of all."""


def test_nothing_slow_is_imported_before_it_is_needed():
    lines = [f"import {modules}; print([m for m in {SLOW} if m in sys.modules])"
             for _, modules, _ in STEPS]  # fmt: skip
    code = "\n".join(["import sys", *lines])
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    for (what, _, expected), line in zip(STEPS, done.stdout.splitlines(), strict=True):
        assert set(eval(line)) <= expected, what
