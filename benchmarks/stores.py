"""The stores that are measured: a database beside us, and MLflow's server in front of one."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """MLflow's own server on loopback, on the folder's mlflow.db."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [
            *[sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--workers", "1"],
            *["--port", str(port), "--backend-store-uri", f"sqlite:///{folder}/mlflow.db"],
        ],
        cwd=folder,
        env={**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    uri = f"http://127.0.0.1:{port}"
    try:
        while not answers(uri):
            time.sleep(0.2)
        yield uri
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()


def answers(uri: str) -> bool:
    """Whether a server has its store open, which takes it longer than to start."""
    try:
        asked = f"{uri}/api/2.0/mlflow/experiments/search"
        return requests.get(asked, params={"max_results": 1}, timeout=60).ok
    except requests.RequestException:
        return False


@contextmanager
def local(folder: Path) -> Iterator[str]:
    yield f"sqlite:///{folder}/mlflow.db"


STORES = {"SQLite": local, "HTTP": served}
