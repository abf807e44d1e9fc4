"""The processes of this machine that belong to runs, read from Linux's /proc."""

import os
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from hypertuning.environment import RUN_ID

DRIVER = "driver"
"""Tag of a report and of a main run: the process that will close it, see `this_process`."""
_PROC = Path("/proc")


class _Process(NamedTuple):
    pid: int
    parent: int
    ticks: int
    """When it began, in clock ticks since this machine was started."""
    words: list[str]
    """Its command line."""
    run_id: str | None
    """The run that `mlflow run` made for its command."""

    @property
    def is_mlflow_run(self) -> bool:
        named = any(Path(word).name == "mlflow" for word in self.words[:3])
        return named and "run" in self.words

    @property
    def began(self) -> float:
        """Unix seconds."""
        booted = next(
            int(line.split()[1])
            for line in (_PROC / "stat").read_text().splitlines()
            if line.startswith("btime")
        )
        return booted + self.ticks / os.sysconf("SC_CLK_TCK")


def this_process() -> str:
    """A name that no other process has: machine, number and start."""
    return f"{socket.gethostname()}:{os.getpid()}:{_ticks(os.getpid())}"


def is_alive(name: str) -> bool | None:
    """Whether a process, named by `this_process`, lives; None if that cannot be seen from here."""
    host, pid, ticks = name.rsplit(":", 2)
    if host != socket.gethostname():
        return None
    try:
        return _ticks(int(pid)) == int(ticks)
    except (FileNotFoundError, ProcessLookupError):
        return False
    except OSError:
        return None


def launched_runs() -> set[str]:
    """The runs whose command is alive."""
    return {process.run_id for process in _processes() if process.run_id}


def preparing_since() -> float | None:
    """When the oldest `mlflow run` began that has not started its command yet.

    Returns:
        Unix seconds; None if all have.
    """
    found = list(_processes())
    started = {process.parent for process in found if process.run_id}
    waiting = [p for p in found if p.is_mlflow_run and p.pid not in started]
    return min((process.began for process in waiting), default=None)


def _processes() -> Iterator[_Process]:
    """The processes that this user may look at."""
    for folder in _PROC.glob("[0-9]*"):
        with suppress(OSError):  # it has ended, or is somebody else's
            yield _read(int(folder.name))


def _read(pid: int) -> _Process:
    folder, fields = _PROC / str(pid), _stat(pid)
    variables = dict(word.partition("=")[::2] for word in _words(folder / "environ"))
    run_id = variables.get(RUN_ID) or None
    return _Process(pid, int(fields[1]), int(fields[19]), _words(folder / "cmdline"), run_id)


def _stat(pid: int) -> list[str]:
    """Fields of `stat`, which all users may read, from the third on: the second may hold spaces."""
    return (_PROC / str(pid) / "stat").read_text(errors="replace").rpartition(")")[2].split()


def _ticks(pid: int) -> int:
    """When a process began, in clock ticks."""
    return int(_stat(pid)[19])


def _words(file: Path) -> list[str]:
    return file.read_bytes().decode(errors="replace").split("\0")
