"""How the user started this process: as a module, or by `mlflow run` with which words.

`mlflow run` does not tell its command how it was typed, nor in which folder. But its process waits
until the command ends, and Linux shows the words, folder and environment of that process.
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
"""The options of `mlflow run`, for getopt: `=` marks those that take a value."""
OF_ONE_COMMAND = ("-e", "--entry-point", "-P", "--param-list", "--run-id", "--run-name")
"""Options that the next command does not repeat."""
_SET_BY_MLFLOW = (environment.RUN_ID, environment.EXPERIMENT_ID, environment.TRACKING_URI)


class MLflowRun(NamedTuple):
    """`mlflow run`, as the user typed it."""

    program: list[str]
    """`mlflow`, or the words used instead, such as `python -m mlflow`."""
    project: str
    """A folder, relative to `folder` if it was typed so, or an address."""
    options: list[tuple[str, str]]
    """Options that the next command repeats, such as --env-manager and --experiment-name."""
    shell: Mapping[str, str]
    """The environment variables of the shell."""
    folder: Path
    """The folder in which it was typed."""


def mlflow_run() -> MLflowRun | None:
    """The `mlflow run` that started this process; None if no `mlflow run` did."""
    with suppress(OSError, ValueError):  # no /proc, or a process that has just ended
        for process in _ancestors():
            words = (process / "cmdline").read_bytes().rstrip(b"\0").split(b"\0")
            if typed := _typed(process, [os.fsdecode(word) for word in words]):
                return typed
    # mlflow.run() in Python sets all three; a shell with an old run id rarely has all of them
    return _by_python() if all(map(environment.read, _SET_BY_MLFLOW)) else None


def _ancestors() -> Iterator[Path]:
    """The parent of this process, its parent, and so on: a stage of `main` is a grandchild."""
    pid = os.getppid()
    while pid > 1:
        process = Path("/proc", str(pid))
        yield process
        pid = int(_after_name(process)[1])


def _typed(process: Path, words: list[str]) -> MLflowRun | None:
    """Read the words of a process; None if they are not those of `mlflow run`."""
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
    project = re.sub(r"^(https?://)[^/@]*@", r"\1", projects[0])  # without a user name or token
    return MLflowRun(program, project, kept, shell, folder)


def _shortest(program: str, shell: Mapping[str, str], folder: Path) -> str:
    """The name of a program if the shell finds it by that, otherwise its path."""
    found = shutil.which(Path(program).name, path=shell.get("PATH"))
    return Path(program).name if found and Path(found) == folder / program else program


def _by_python() -> MLflowRun:
    """The command that equals a call of `mlflow.run()`, as far as the environment shows it."""
    shell = environment.without(*_SET_BY_MLFLOW)
    options = [*_env_manager(), ("--experiment-id", environment.read(environment.EXPERIMENT_ID))]
    return MLflowRun(["mlflow"], str(Path.cwd()), options, shell, Path.cwd())


def _env_manager() -> list[tuple[str, str]]:
    """The option for the tool that made this environment; none for conda, MLproject's default."""
    environment = Path(sys.prefix)
    if not environment.name.startswith("mlflow-"):
        return [("--env-manager", "local")]
    made = environment / "pyvenv.cfg"
    if not made.exists():
        return []
    return [("--env-manager", "uv" if "\nuv = " in f"\n{made.read_text()}" else "virtualenv")]


def activation(started: MLflowRun) -> list[str]:
    """The words that activate the environment, if `make` used it and the shell has not."""
    activate = Path(sys.prefix, "bin", "activate")
    entered = started.shell.get("VIRTUAL_ENV") == sys.prefix
    if not started.shell.get("MAKELEVEL") or entered or not activate.exists():
        return []
    below = activate.is_relative_to(started.folder)
    return ["source", str(activate.relative_to(started.folder) if below else activate), "&&"]


def _after_name(process: Path) -> list[str]:
    """The fields of /proc/<pid>/stat from the third on; the second, a name, may contain spaces."""
    return (process / "stat").read_text().rpartition(")")[2].split()


def python_words(shell: Mapping[str, str]) -> list[str]:
    """The words for this process's Python that work in a shell with these variables."""
    words = sys.orig_argv[: sys.orig_argv.index("-m")] if "-m" in sys.orig_argv else []
    if words and shutil.which(words[0], path=shell.get("PATH")) == shutil.which(words[0]):
        return words
    return [sys.executable]
