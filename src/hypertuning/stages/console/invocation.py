"""How the user started this process: as a module, or by `mlflow run`, and how that was typed.

`mlflow run` tells the command that it starts neither how it was typed nor in which folder. The
process of `mlflow run` waits until the command ends, and Linux shows its words, folder and
environment.
"""

import os
import re
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from getopt import GetoptError, gnu_getopt
from pathlib import Path
from typing import NamedTuple

from hypertuning import environment

SHORT = "A:P:b:c:e:v:"
LONG = (
    *("backend=", "backend-config=", "build-image", "docker-args=", "entry-point=", "env-manager="),
    *("experiment-id=", "experiment-name=", "param-list=", "run-id=", "run-name=", "storage-dir="),
    "version=",
)
"""The options of `mlflow run`, as getopt wants them: with = where a value follows."""
OF_ONE_COMMAND = ("-e", "--entry-point", "-P", "--param-list", "--run-id", "--run-name")
"""Those that the next command does not repeat."""
_SET_BY_MLFLOW = (environment.RUN_ID, environment.EXPERIMENT_ID, environment.TRACKING_URI)


class MLflowRun(NamedTuple):
    """`mlflow run`, as the user typed it."""

    program: list[str]
    """`mlflow`, or the words that stand for it."""
    project: str
    """A folder, as seen from the user's, or an address."""
    options: list[tuple[str, str]]
    """Those that hold for the next command too, such as --env-manager and --experiment-name."""
    shell: Mapping[str, str]
    """The environment that it was typed in."""
    folder: Path
    """Where it was typed."""


def mlflow_run() -> MLflowRun | None:
    """The `mlflow run` that started this process; None if it was started without."""
    with suppress(OSError, ValueError):  # no /proc, or a process that has just ended
        for process in _ancestors():
            words = (process / "cmdline").read_bytes().rstrip(b"\0").split(b"\0")
            if typed := _typed(process, [os.fsdecode(word) for word in words]):
                return typed
    # by MLflow's Python interface: a shell that still has an old run's id seldom has all of these
    return _by_python() if all(map(environment.read, _SET_BY_MLFLOW)) else None


def _ancestors() -> Iterator[Path]:
    """The parent of this process, its parent, and so on: `main` stands between in its stages."""
    pid = os.getppid()
    while pid > 1:
        process = Path("/proc", str(pid))
        yield process
        pid = int(_after_name(process)[1])


def _typed(process: Path, words: list[str]) -> MLflowRun | None:
    """None if the words of a process are not those of `mlflow run`."""
    runs = (n for n in range(1, min(4, len(words))) if words[n] == "run")
    at = next((n for n in runs if Path(words[n - 1]).name == "mlflow"), None)
    if at is None:
        return None
    try:
        options, projects = gnu_getopt(words[at + 1 :], SHORT, LONG)
    except GetoptError:
        return None
    entries = (process / "environ").read_bytes().split(b"\0")
    pairs = (os.fsdecode(entry).partition("=") for entry in entries if entry)
    shell = {name: value for name, _, value in pairs}
    folder = (process / "cwd").readlink()
    program = words[:at] if "-m" in words[:at] else [_shortest(words[at - 1], shell, folder)]
    kept = [(name, value) for name, value in options if name not in OF_ONE_COMMAND]
    if not projects:
        return None
    project = re.sub(r"^(https?://)[^/@]*@", r"\1", projects[0])  # without a token
    return MLflowRun(program, project, kept, shell, folder)


def _shortest(program: str, shell: Mapping[str, str], folder: Path) -> str:
    """A program by its name alone, where the shell finds it by that."""
    found = shutil.which(Path(program).name, path=shell.get("PATH"))
    return Path(program).name if found and Path(found) == folder / program else program


def _by_python() -> MLflowRun:
    """What stands for a call of `mlflow.run()`: the environment says where and in what it ran."""
    shell = environment.without(*_SET_BY_MLFLOW)
    options = [*_env_manager(), ("--experiment-id", environment.read(environment.EXPERIMENT_ID))]
    return MLflowRun(["mlflow"], str(Path.cwd()), options, shell, Path.cwd())


def _env_manager() -> list[tuple[str, str]]:
    """What has made this environment; conda, where nothing is needed, is what MLproject names."""
    environment = Path(sys.prefix)
    if not environment.name.startswith("mlflow-"):
        return [("--env-manager", "local")]
    made = environment / "pyvenv.cfg"
    if not made.exists():
        return []
    return [("--env-manager", "uv" if "\nuv = " in f"\n{made.read_text()}" else "virtualenv")]


def activation(started: MLflowRun) -> list[str]:
    """What to type first where `make` used an environment that the user's shell has not entered."""
    activate = Path(sys.prefix, "bin", "activate")
    entered = started.shell.get("VIRTUAL_ENV") == sys.prefix
    if not started.shell.get("MAKELEVEL") or entered or not activate.exists():
        return []
    below = activate.is_relative_to(started.folder)
    return ["source", str(activate.relative_to(started.folder) if below else activate), "&&"]


def _after_name(process: Path) -> list[str]:
    """The fields of /proc/<pid>/stat from the third on: the second, a name, may hold blanks."""
    return (process / "stat").read_text().rpartition(")")[2].split()


def python_words(shell: Mapping[str, str]) -> list[str]:
    """The Python of this process, as the user may type it in that shell."""
    words = sys.orig_argv[: sys.orig_argv.index("-m")] if "-m" in sys.orig_argv else []
    if words and shutil.which(words[0], path=shell.get("PATH")) == shutil.which(words[0]):
        return words
    return [sys.executable]
