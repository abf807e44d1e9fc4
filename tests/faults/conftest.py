"""Places for the faults, and the table of what they cost."""

import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from processes import STARTED, Postgres, Server

ROWS = pytest.StashKey[list[tuple[str, str]]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[ROWS] = []


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    while STARTED:
        study = STARTED.pop()
        if study.poll() is None:
            os.killpg(study.pid, signal.SIGKILL)
        study.wait(60)


@pytest.fixture
def store(folder: Path) -> str:
    """An SQLite store that nobody has made yet."""
    return f"sqlite:///{folder}/mlflow.db"


@pytest.fixture(params=["sqlite", "postgres"])
def server(request: pytest.FixtureRequest, folder: Path) -> Iterator[Server]:
    """A tracking server on an SQLite file and on PostgreSQL."""
    postgres = Postgres(folder) if request.param == "postgres" else None
    served = Server(folder, postgres.uri if postgres else f"sqlite:///{folder}/server.db")
    yield served
    served.stop()
    if postgres:
        postgres.stop()


@pytest.fixture
def clean(request: pytest.FixtureRequest):
    """A function that notes what an audit found, and claims that it found nothing wrong."""

    def check(audit, outcome: str = "completed") -> None:
        name = re.sub(r"^test_", "", request.node.name).replace("_", " ")
        request.config.stash[ROWS].append((name, str(audit)))
        assert audit.lost == []
        assert audit.duplicated == []
        assert audit.wrong == []
        assert audit.twice == 0
        assert audit.outcome == outcome

    return check


def pytest_terminal_summary(terminalreporter, config: pytest.Config) -> None:
    if config.stash[ROWS]:
        terminalreporter.section("record, checkpoints and store compared")
    for name, found in config.stash[ROWS]:
        terminalreporter.line(f"{name}: {found}")
