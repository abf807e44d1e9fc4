"""Run a command to its end, and take its time: on the wall, and of all processors. Linux only."""

import ctypes
import os
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

INTERVAL = 0.25
"""Seconds between two looks at the processes: what one did after the last look is not counted."""
TICKS = os.sysconf("SC_CLK_TCK")
SUBREAPER = 36
"""PR_SET_CHILD_SUBREAPER of linux/prctl.h."""


class Spent(NamedTuple):
    wall_seconds: float
    cpu_seconds: float
    """Of the command and of all processes that it started."""
    other_seconds: float
    """Of all other processes of the machine, meanwhile."""


class Stat(NamedTuple):
    """A process, as /proc tells of it."""

    pid: int
    parent: int
    started: int
    cpu: int
    """In ticks; `started` likewise, since the machine's start."""


def run(command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> Spent:
    """Run a command in a folder, its output in the folder's log.txt.

    Raises:
        CalledProcessError: it failed.
    """
    began, before, over = time.perf_counter(), _machine(), threading.Event()
    seen: dict[tuple[int, int], int] = {}
    earlier = {(stat.pid, stat.started) for stat in _descendants()}
    watcher = threading.Thread(target=_watch, args=(seen, earlier, over))
    with (folder / "log.txt").open("w") as log, orphans_adopted():
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=log, stderr=subprocess.STDOUT
        )
        watcher.start()
        try:
            status = process.wait()
        finally:
            wall = time.perf_counter() - began
            over.set()
            watcher.join()
    if status:
        raise subprocess.CalledProcessError(status, command)
    ours, all_of_them = sum(seen.values()), _machine() - before
    return Spent(wall, ours / TICKS, (all_of_them - ours) / TICKS)


@contextmanager
def orphans_adopted() -> Iterator[None]:
    """Let processes whose parent ends become our children, such as Ray's daemons."""
    prctl = ctypes.CDLL(None).prctl
    prctl(SUBREAPER, 1, 0, 0, 0)
    try:
        yield
    finally:
        prctl(SUBREAPER, 0, 0, 0, 0)


def _watch(
    seen: dict[tuple[int, int], int], earlier: set[tuple[int, int]], over: threading.Event
) -> None:
    """Note the processor time of our descendants, in ticks, again and again.

    Args:
        earlier: Those that an earlier command has left.
    """
    while not over.wait(INTERVAL):
        for stat in _descendants():
            if (key := (stat.pid, stat.started)) not in earlier:
                seen[key] = stat.cpu


def _descendants() -> list[Stat]:
    stats = [stat for name in os.listdir("/proc") if name.isdigit() and (stat := _stat(name))]
    family, found = {os.getpid()}, []
    while more := [stat for stat in stats if stat.parent in family and stat.pid not in family]:
        family |= {stat.pid for stat in more}
        found += more
    return found


def _stat(pid: str) -> Stat | None:
    """None if the process has ended. See proc(5): the name, in brackets, may hold anything."""
    try:
        fields = Path("/proc", pid, "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return Stat(int(pid), int(fields[1]), int(fields[19]), int(fields[11]) + int(fields[12]))


def _machine() -> int:
    """Ticks that all processors have worked: user, nice, system, and both kinds of interrupts."""
    fields = Path("/proc/stat").read_text().split(maxsplit=8)
    return sum(int(fields[n]) for n in (1, 2, 3, 6, 7))
