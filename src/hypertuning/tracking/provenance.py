"""Where a result came from: the code, its libraries, the machine and the command."""

import importlib.metadata
import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from mlflow.utils.mlflow_tags import MLFLOW_GIT_COMMIT

from hypertuning.addresses import without_secrets
from hypertuning.processors import cores

LIBRARIES = ("torch", "ray", "mlflow", "hpbandster")
PATIENCE_SECONDS = 10
"""With git, and with the driver of a GPU, either of which may hang."""


def provenance() -> dict[str, str]:
    """The tags of a study that say how to repeat it; what is unknown is left out."""
    return {
        "command": shlex.join(map(without_secrets, sys.orig_argv)),
        **_code(),
        "version.python": platform.python_version(),
        **{f"version.{name}": importlib.metadata.version(name) for name in LIBRARIES},
        **_hardware(),
    }


def public(tags: Mapping[str, str]) -> dict[str, str]:
    """Tags without secrets: MLflow's tag of the git remote may contain a token."""
    return {name: without_secrets(value) for name, value in tags.items()}


def _code() -> dict[str, str]:
    here = str(Path(__file__).parent)
    describe = ["git", "-C", here, "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    commit, _, dirty = _output(describe).partition("-")
    return {MLFLOW_GIT_COMMIT: commit, "git_dirty": str(bool(dirty))} if commit else {}


def _hardware() -> dict[str, str]:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    gpus = _output(["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]).splitlines()
    return {
        "hardware.cpu": _cpu_model(),
        "hardware.cores": str(cores()),
        "hardware.memory_gib": f"{memory:.1f}",
        **({"hardware.gpu": ", ".join(gpus)} if gpus else {}),
    }


def _cpu_model() -> str:
    try:
        described = Path("/proc/cpuinfo").read_text()
    except OSError:
        described = ""
    model = re.search(r"^model name\s*: (.+)$", described, re.MULTILINE)
    return model[1] if model else platform.machine()


def _output(command: list[str]) -> str:
    """What a program prints; empty if there is no such program, or if it fails or hangs."""
    if not shutil.which(command[0]):
        return ""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=PATIENCE_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
