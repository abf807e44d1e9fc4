"""Stand-ins for the programs `mlflow` and `python` in a shell, which record how they are called."""

import importlib
import json
import os
import shlex
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[2]
_RECORDED = """
if "RECORD" in os.environ:
    given = {"words": sys.argv, "folder": os.getcwd(), "variables": dict(os.environ)}
    print(json.dumps(given))
    sys.exit()
"""
_AS_MLFLOW = """
import subprocess
set_by_mlflow = {
    "MLFLOW_RUN_ID": 32 * "0", "MLFLOW_TRACKING_URI": "sqlite:////m.db", "MLFLOW_EXPERIMENT_ID": "7"
}
command = 'exec env PYTHONPATH="$PWD/src:%s:%s/src" python -m prints' % (2 * (os.environ["ROOT"],))
subprocess.run(
    ["bash", "-c", command], cwd=os.environ["PROJECT"], env={**os.environ, **set_by_mlflow}
)
"""


class Shell(NamedTuple):
    """The shell of a user."""

    folder: Path
    variables: dict[str, str]

    def run(self, line: str, **more: str) -> str:
        """The output of a line."""
        environment = {**self.variables, **more}
        done = subprocess.run(
            ["bash", "-c", line], cwd=self.folder, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, (line, done.stdout, done.stderr)
        return done.stdout

    def paste(self, line: str) -> dict[str, Any]:
        """The words, folder and variables with which a line calls `mlflow` or `python`."""
        recorders = self.variables["RECORDERS"]
        return json.loads(
            self.run(line, RECORD="yes", PATH=f"{recorders}:{self.variables['PATH']}")
        )


def make(file: Path, *, starts: bool = False) -> None:
    """Write a program that records how it is called, or starts a project as MLflow does."""
    file.parent.mkdir(parents=True, exist_ok=True)
    lines = [f"#!{sys.executable}", "import json, os, sys", _RECORDED, _AS_MLFLOW if starts else ""]
    file.write_text("\n".join(lines))
    file.chmod(0o755)


def shell(tmp_path: Path, folder: Path, project: Path, **variables: str) -> Shell:
    """A shell with both programs on its path."""
    make(tmp_path / "bin" / "mlflow", starts=True)
    for name in ("mlflow", "python"):
        make(tmp_path / "recorders" / name)
    folder.mkdir(parents=True, exist_ok=True)
    known = {
        "HOME": str(tmp_path),
        "PATH": os.pathsep.join([str(tmp_path / "bin"), str(Path(sys.executable).parent), "/bin"]),
        "PROJECT": str(project),
        "RECORDERS": str(tmp_path / "recorders"),
        "ROOT": str(ROOT),
    }
    return Shell(folder, {**known, **variables})


def understood(words: list[str]) -> tuple[str, dict[str, str]]:
    """The stage that `mlflow run` or `python` starts by these words, and its options as given."""
    if "-e" in words:
        given = [word for option, word in pairwise(words) if option == "-P"]
        return words[words.index("-e") + 1], dict(word.split("=", 1) for word in given)
    at = words.index("-m") + 1
    names = [word.removeprefix("--").replace("-", "_") for word in words[at + 1 :: 2]]
    return words[at].removeprefix("entrypoints."), dict(zip(names, words[at + 2 :: 2], strict=True))


def parsed(line: str) -> tuple[str, dict[str, Any]]:
    """The stage of a printed line, and its parameters as click reads them in this process.

    Raises:
        click.UsageError: the stage refuses them.
    """
    stage, given = understood(shlex.split(line))
    command = importlib.import_module(f"entrypoints.{stage}").main
    options = [word for name, value in given.items() for word in (f"--{name}", value)]
    return stage, command.make_context(stage, options).params
