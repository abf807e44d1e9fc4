"""How soon commands begin, beside the same commands of another revision, run by run in turn.

A study is timed from the command to its first training step; other commands to their end. Beside
the seconds stand those of processor time, which depend less on what else the machine does.
"""

import json
import os
import resource
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import click
import pandas as pd
from PIL import Image

ROOT = Path(__file__).parents[1]
STUDY = [
    *("grid", "--space", "space.yaml", "--dataset", "digits", "--train-size", "200"),
    *("--val-size", "100", "--epochs", "1"),
]
SPACE = "{filters: [4, 8], num_conv_layers: 1, num_fully_connected_layers: 1, kernel_size: 3}"
REGISTER = ["register", "--source", "grid", "--top-k", "1", "--repeats", "1"]
COMMANDS = {
    "--help": ["grid", "--help"],
    "a usage error": ["grid", "--epochs", "0"],
    "dry run without images": ["grid", "--data-dir", "none-yet", "--dry-run", "true"],
    "doctor": ["doctor"],
    "sync": ["sync"],
    "predict": ["predict", "--images", "picture.png"],
    "report": ["report"],
}
MARK = "HYPERTUNING_BENCH_START"
"""A variable by which a command's processes are found, whoever their parents are by now."""
SECONDS = 0.05
"""Between two looks for the first result."""


class Taken(NamedTuple):
    """What a command took."""

    seconds: float
    processor_seconds: float


class Home(NamedTuple):
    """A user's folder, and the checkout that this user has."""

    folder: Path
    checkout: Path

    def start(self, words: list[str]) -> subprocess.Popen:
        """Start a command of the checkout in the folder."""
        path = os.pathsep.join(map(str, (self.checkout, self.checkout / "src")))
        return subprocess.Popen(
            [sys.executable, "-m", f"entrypoints.{words[0]}", *words[1:]],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": path, MARK: uuid.uuid4().hex},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def fill(self) -> None:
        """Leave here what commands need: files, a store, a record and a champion."""
        (self.folder / "space.yaml").write_text(SPACE)
        Image.new("L", (8, 8)).save(self.folder / "picture.png")
        for words in (STUDY, REGISTER):
            if status := self.start(words).wait():
                raise click.ClickException(f"{words[0]} ended with status {status}")

    def results(self) -> set[Path]:
        """The files of the results of all studies here."""
        return set(self.folder.glob("ray_results/*/part-*/*/result.json"))


def whole(home: Home, words: list[str]) -> Taken:
    """What a command takes from its start as a process to its end."""
    started, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    home.start(words).wait()
    seconds, after = time.monotonic() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    user, system = after.ru_utime - before.ru_utime, after.ru_stime - before.ru_stime
    return Taken(seconds, user + system)


def until_first_step(home: Home, words: list[str]) -> Taken:
    """What a study of epochs of a moment takes to its first training step.

    The processor time is that of all its processes, up to its first result.
    """
    had, started = home.results(), time.time()
    process = home.start(words)
    while not (first := home.results() - had) and process.poll() is None:
        time.sleep(SECONDS)
    used = _processor_seconds(process.pid)
    process.wait()
    steps = [_began(line) for file in first for line in file.read_text().splitlines()]
    return Taken(min(steps) - started, used)


def _began(line: str) -> float:
    row = json.loads(line)
    return row["timestamp"] - row["epoch_seconds"]


def _processor_seconds(pid: int) -> float:
    """Processor time of all processes that a command has started, itself included."""
    mark = next(v for v in _variables(Path(f"/proc/{pid}")) if v.startswith(MARK.encode()))
    ticks = 0
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if mark in _variables(process):
                fields = (process / "stat").read_text().rpartition(")")[2].split()
                ticks += int(fields[11]) + int(fields[12])  # utime and stime, see proc(5)
        except OSError:  # it has ended, or is another user's
            continue
    return ticks / os.sysconf("SC_CLK_TCK")


def _variables(process: Path) -> list[bytes]:
    return (process / "environ").read_bytes().split(b"\0")


@contextmanager
def checked_out(revision: str, folder: Path) -> Iterator[Path]:
    """A work tree of a revision, for as long as it is needed."""
    git = ["git", "-C", str(ROOT), "worktree"]
    subprocess.run([*git, "add", "--quiet", "--detach", str(folder), revision], check=True)
    try:
        yield folder
    finally:
        subprocess.run([*git, "remove", "--force", str(folder)], check=True)


def rounds(homes: dict[str, Home], count: int, only: str) -> Iterator[dict]:
    """A row for each command, revision and round; revisions take turns."""
    for number in range(count):
        for name, words in {"first training step": STUDY, **COMMANDS}.items():
            if only in name:
                timed = until_first_step if words == STUDY else whole
                for of, home in homes.items():
                    taken = timed(home, words)
                    row = {"what": name, "revision": of, "round": number, **taken._asdict()}
                    print(*row.values(), flush=True)
                    yield row


@click.command()
@click.option("--out", required=True, type=click.Path(path_type=Path))
@click.option("--against", required=True, help="A revision to compare this checkout with.")
@click.option("--count", default=5, help="Rounds.")
@click.option("--only", default="", help="Part of the name of what is to be timed.")
def main(out: Path, against: str, count: int, only: str) -> None:
    """Time this checkout and another revision in turn."""
    with TemporaryDirectory() as name, checked_out(against, Path(name, "checkout")) as before:
        homes = {"before": Home(Path(name, "before"), before), "now": Home(Path(name, "now"), ROOT)}
        for home in homes.values():
            home.folder.mkdir()
            home.fill()
        rows = pd.DataFrame(rounds(homes, count, only))
    summary = rows.groupby(["what", "revision"], sort=False)[list(Taken._fields)]
    table = summary.agg(["min", "median"]).round(2)
    print(f"{os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}", table.to_string(), sep="\n")
    out.mkdir(parents=True, exist_ok=True)
    rows.to_csv(out / "start.csv", index=False, float_format="%.4g")


if __name__ == "__main__":
    main()
