"""The processes that the faults befall: a study, its workers, a tracking server, a database."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import requests

ROOT = Path(__file__).parents[2]
STARTED: list[subprocess.Popen] = []
"""Studies of this test, so that none outlives it."""
WORKERS = ("ray::TrialRunner", "ray::ResourceTrainable")
"""What Ray calls a worker that trains, before and while it does."""
SMALL = {"dataset": "digits", "train_size": 200, "val_size": 100}


def wait_until(condition: Callable[[], object], seconds: float = 300) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


class Study:
    """A stage in a process of its own, in a folder of its own."""

    def __init__(self, folder: Path, store: str, stage: str, by_mlflow: bool = False, **given):
        self.folder, self.store, self.stage, self.by_mlflow = folder, store, stage, by_mlflow
        self.given = {
            **SMALL,
            "data_dir": folder / "data",
            "storage_path": folder / "ray_results",
            **given,
        }
        self.log = folder / "log.txt"

    def start(self, **given) -> "Study":
        """Start it; options given here come on top of those it has."""
        values = {**self.given, **given}
        if self.by_mlflow:
            options = [f"-P{name}={value}" for name, value in values.items()]
            mlflow = [sys.executable, "-m", "mlflow"]
            command = [*mlflow, "run", str(ROOT), "-e", self.stage, "--env-manager", "local"]
        else:
            options = [f"--{name}={value}" for name, value in values.items()]
            command = [sys.executable, "-m", f"entrypoints.{self.stage}"]
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                [*command, *options],
                cwd=self.folder,
                env=environment(self.store),
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # like a terminal's: Ctrl-C reaches all of the group
            )
        STARTED.append(self.process)
        return self

    def resume(self, **given) -> "Study":
        return self.start(resume=self.study_dir.name, **given)

    def end(self, seconds: float = 900) -> int:
        """Wait for its end; give its status."""
        status = self.process.wait(seconds)
        assert "Traceback" not in self.printed, self.printed
        return status

    @property
    def printed(self) -> str:
        return self.log.read_text()

    @property
    def study_dir(self) -> Path:
        (file,) = self.folder.glob("ray_results/*/study.json")
        return file.parent

    def epochs(self) -> int:
        """Lines in the record."""
        results = self.folder.glob("ray_results/*/part-*/*/result.json")
        return sum(file.read_text(errors="replace").count("\n") for file in results)

    def wait_for(self, epochs: int) -> None:
        """Until the record has so many lines."""

        def there() -> bool:
            assert self.process.poll() is None, self.printed
            return self.epochs() >= epochs

        wait_until(there)

    def driver(self) -> int:
        """The process that holds the study: under `mlflow run` a child of a child of that."""
        (driver,) = (
            pid
            for pid, command in processes().items()
            if command[1:3] == ["-m", f"entrypoints.{self.stage}"]
            and str(self.folder) in " ".join(command)
        )
        return driver

    def kill(self) -> None:
        """End driver and launcher like the system does when memory is short, or the power fails."""
        os.kill(self.driver(), signal.SIGKILL)
        self.process.wait(60)

    def press_ctrl_c(self) -> None:
        os.killpg(self.process.pid, signal.SIGINT)

    def workers(self) -> list[int]:
        """Ray's workers that train a trial."""
        driver = self.driver()
        return [
            pid
            for pid, command in processes().items()
            if command[0].startswith(WORKERS) and _is_below(pid, driver)
        ]


def environment(store: str) -> dict[str, str]:
    return {
        **os.environ,
        "MLFLOW_TRACKING_URI": store,
        "MLFLOW_EXPERIMENT_NAME": "faults",
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "src")]),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "COLUMNS": "200",
    }


def python_m(folder: Path, store: str, module: str, *options: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", f"entrypoints.{module}", *options],
        cwd=folder,
        env=environment(store),
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def processes() -> dict[int, list[str]]:
    """Command lines by process id."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue
        found[int(folder.name)] = words
    return found


def _is_below(pid: int, ancestor: int) -> bool:
    while pid > 1:
        if pid == ancestor:
            return True
        try:
            pid = int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
        except OSError:
            return False
    return False


class Server:
    """MLflow's own tracking server on loopback, with the processes it starts."""

    def __init__(self, folder: Path, database: str) -> None:
        self.folder, self.database, self.port = folder, database, free_port()
        self.uri = f"http://127.0.0.1:{self.port}"
        self.start()

    def start(self) -> None:
        places = ["--backend-store-uri", self.database, "--artifacts-destination", "artifacts"]
        log = (self.folder / "server.txt").open("a")
        self.process = subprocess.Popen(
            [
                *[sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1"],
                *["--port", str(self.port), "--workers", "1", *places],
            ],
            cwd=self.folder,
            env={**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        log.close()
        wait_until(self.answers)

    def answers(self) -> bool:
        try:
            return requests.get(f"{self.uri}/health", timeout=2).ok
        except requests.RequestException:
            return False

    def signal(self, number: int) -> None:
        os.killpg(self.process.pid, number)

    def kill(self) -> None:
        self.signal(signal.SIGKILL)
        self.process.wait(30)

    def stop(self) -> None:
        if self.process.poll() is None:
            self.signal(signal.SIGCONT)
            self.kill()


class Postgres:
    """A PostgreSQL server of its own on loopback."""

    def __init__(self, folder: Path) -> None:
        for program in ("initdb", "postgres"):
            if not shutil.which(program):
                pytest.skip(f"PostgreSQL is not installed: there is no {program}")
        pytest.importorskip("psycopg")
        self.port, data = free_port(), folder / "postgres"
        data.mkdir()
        # PostgreSQL refuses to run as root
        user = {"user": "nobody", "group": "nogroup"} if os.getuid() == 0 else {}
        if user:
            shutil.chown(data, "nobody", "nogroup")
            for above in [folder, *folder.parents]:
                if str(above).startswith("/tmp/"):
                    above.chmod(above.stat().st_mode | 0o755)
        made = ["initdb", "-D", str(data), "-U", "mlflow", "--auth=trust", "--no-sync"]
        subprocess.run(made, check=True, capture_output=True, cwd="/", **user)
        where = ["-h", "127.0.0.1", "-p", str(self.port), "-k", str(data)]
        with (folder / "postgres.txt").open("a") as log:
            self.process = subprocess.Popen(
                ["postgres", "-D", str(data), *where],
                cwd="/",
                stdout=log,
                stderr=subprocess.STDOUT,
                **user,
            )
        self.uri = f"postgresql://mlflow@127.0.0.1:{self.port}/postgres"
        wait_until(self._answers)

    def _answers(self) -> bool:
        with socket.socket() as knock:
            return knock.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self) -> None:
        self.process.send_signal(signal.SIGINT)
        self.process.wait(60)


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]
