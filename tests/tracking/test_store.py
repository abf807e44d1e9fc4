"""Claims about finding a store, and about stores that are not there."""

import shutil
import socket
import sqlite3
import subprocess
import sys
import time
from unittest.mock import Mock

import pytest
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import RESOURCE_DOES_NOT_EXIST
from mlflow.utils.file_utils import path_to_local_sqlite_uri
from stores import track

from hypertuning.config import UserError
from hypertuning.tracking.store import connect, insist


@pytest.mark.parametrize("name", ["plain", "my project", "c#", "täst 100% x"])
def test_without_any_setting_the_store_is_in_the_working_directory(
    tmp_path, empty_store, monkeypatch, name
):
    folder = tmp_path / name
    folder.mkdir()
    shutil.copy(empty_store, folder)
    monkeypatch.chdir(folder)
    track(monkeypatch, None)
    client = connect(timeout_s=60, must_exist=True)
    assert client.tracking_uri == f"sqlite:///{folder}/mlflow.db"
    assert list(tmp_path.iterdir()) == [folder], "MLflow makes folders such as my%20project"


def test_the_encoded_address_that_mlflow_run_passes_on_is_the_same_store(
    tmp_path, empty_store, monkeypatch
):
    folder = tmp_path / "what? a%41b"
    folder.mkdir()
    shutil.copy(empty_store, folder)
    track(monkeypatch, path_to_local_sqlite_uri(str(folder / "mlflow.db")))
    made = connect(timeout_s=60).create_experiment("here")
    with sqlite3.connect(folder / "mlflow.db") as database:
        found = database.execute("SELECT experiment_id FROM experiments WHERE name = 'here'")
        assert found.fetchall() == [(int(made),)]
    assert list(tmp_path.iterdir()) == [folder]


def test_a_relative_store_means_the_same_after_ray_went_elsewhere(tmp_path, monkeypatch, new_store):
    store, client = new_store()
    monkeypatch.chdir(store.parent)
    track(monkeypatch, "sqlite:///mlflow.db")
    assert connect(timeout_s=60).tracking_uri == client.tracking_uri == f"sqlite:///{store}"


@pytest.mark.slow
def test_a_fresh_store_is_whole_or_absent(tmp_path, monkeypatch):
    file = tmp_path / "mlflow.db"
    script = f"""
import threading, os, time
from hypertuning.tracking.store import connect, insist
threading.Thread(target=connect, daemon=True).start()
while not os.path.exists("{file}.unfinished"):
    time.sleep(0.01)
time.sleep(0.3)
os._exit(9)
"""
    track(monkeypatch, f"sqlite:///{file}")
    killed = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=False)
    assert killed.returncode == 9
    assert not file.exists()
    client = connect()
    assert [experiment.name for experiment in client.search_experiments()] == ["Default"]
    assert not list(tmp_path.glob("*.unfinished*"))


OPEN_IN_TWO_PROCESSES = """
import os
from hypertuning.tracking.store import connect, insist

child = os.fork()
connect(100).create_experiment(f"of {'parent' if child else 'child'}")
if child and os.waitpid(child, 0)[1]:
    raise SystemExit("the child failed")
"""


@pytest.mark.slow
def test_two_processes_that_open_a_fresh_store_at_the_same_moment_both_can(tmp_path, monkeypatch):
    track(monkeypatch, None)
    opening = [sys.executable, "-c", OPEN_IN_TWO_PROCESSES]
    done = subprocess.run(opening, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "mlflow.db").exists()


@pytest.fixture
def silent_port():
    """A port that takes connections and never answers, like a server behind a bad firewall."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def test_a_server_that_refuses_is_named_at_once(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    track(monkeypatch, f"http://me:secret@127.0.0.1:{port}")
    with pytest.raises(UserError) as refused:
        connect()
    assert f"http://127.0.0.1:{port} does not answer: [Errno 111] Connection refused" in str(
        refused.value
    )
    assert "secret" not in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "address",
    [
        "http://u:pa@ssword@127.0.0.1:1",
        "postgresql://u:pa/ssword@127.0.0.1:1/db",
        "postgresql://u:first@ssword@127.0.0.1:1/db?password=ssword",
        "nowhere://u:ssword@host",
        "u:ssword@127.0.0.1:1",
    ],
)
def test_no_message_shows_a_password_whatever_library_fails(monkeypatch, address):
    monkeypatch.setattr("mlflow.store.db.utils.MAX_RETRY_COUNT", 1)  # it would try for a minute
    track(monkeypatch, address)
    with pytest.raises(UserError) as refused:
        connect(timeout_s=60)
    assert "ssword" not in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_scheme_that_mlflow_does_not_know_is_named_with_those_it_knows(monkeypatch):
    track(monkeypatch, "htps://host")
    with pytest.raises(UserError, match=r"\(=htps://host\) has a scheme .*it knows .*postgresql"):
        connect(timeout_s=60)


def test_a_server_that_is_silent_is_given_up_in_bounded_time(monkeypatch, silent_port):
    track(monkeypatch, f"http://127.0.0.1:{silent_port}")
    began = time.monotonic()
    with pytest.raises(UserError, match=r"does not answer: nothing came within 0\.5 s"):
        connect(timeout_s=0.5)
    assert time.monotonic() - began < 5


def test_a_store_that_cannot_be_made_is_named(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("in the way")
    track(monkeypatch, f"sqlite:///{tmp_path}/file/mlflow.db")
    with pytest.raises(UserError, match=f"{tmp_path}/file/mlflow.db does not answer: .*Errno"):
        connect(timeout_s=60)


def test_what_is_asked_while_the_store_is_away_is_asked_again_for_a_while(monkeypatch):
    monkeypatch.setattr("hypertuning.tracking.store.back_off", lambda: iter([0.01] * 999))
    answers = iter([MlflowException("away"), OSError("reset"), "there"])

    def ask():
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert insist(ask, patience_s=30) == "there"


def test_patience_ends_with_what_was_wrong_last_after_one_more_try(monkeypatch):
    monkeypatch.setattr("hypertuning.tracking.store.back_off", lambda: iter([30.0] * 999))
    tries = []

    def ask():
        tries.append(time.monotonic())
        raise MlflowException(f"away {len(tries)}")

    with pytest.raises(MlflowException, match="away 2"):
        insist(ask, patience_s=0.2)
    assert tries[1] - tries[0] >= 0.2


def test_an_answer_that_will_not_change_is_not_waited_for():
    missing = MlflowException("no such run", error_code=RESOURCE_DOES_NOT_EXIST)
    with pytest.raises(MlflowException, match="no such run"):
        insist(Mock(side_effect=missing), patience_s=1e9)
