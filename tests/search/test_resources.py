"""Claims about what a study may occupy, and what this machine must have for Ray."""

import os

import pytest

from hypertuning.config import UserError
from hypertuning.search.resources import LONGEST_SOCKET, Resources, check_temp_dir


def test_a_trial_that_does_not_fit_is_refused_with_what_there_is():
    with pytest.raises(
        UserError, match=r"one trial asks for 4 CPU, 1 GPU, but Ray has 2 CPU, 0 GPU"
    ):
        Resources(cpus_per_trial=4, gpus_per_trial=1).room({"CPU": 2.0})
    assert Resources(cpus_per_trial=1, concurrency=8).room({"CPU": 2.0}) == 2


@pytest.mark.parametrize("address", ["local", "auto", "head:6379", "ray://10.0.0.1:1", "[::1]:1"])
def test_an_address_names_a_host_and_a_port(address):
    assert Resources(address).is_local == (address == "local")


@pytest.mark.parametrize("address", ["", "Local", "head", "http://head:6379", "head:", "a b:1"])
def test_what_is_no_address_is_refused(address):
    with pytest.raises(UserError, match="`ray_address` must be local, auto, host:port"):
        Resources(address)


@pytest.mark.parametrize("name", ["RAY_TMPDIR", "TMPDIR"])
def test_a_folder_for_sockets_is_long_at_most(monkeypatch, name):
    room = LONGEST_SOCKET - len(f"/ray/session_2026-01-31_23-59-59_123456_{os.getpid()}")
    most = room - len("/sockets/plasma_store")
    monkeypatch.setenv(name, f"/tmp/{'a' * (most - 5)}")
    check_temp_dir()
    monkeypatch.setenv(name, f"/tmp/{'a' * (most - 4)}")
    with pytest.raises(UserError, match=f"{name} is /tmp/a+, .* may have {most} bytes, and has"):
        check_temp_dir()


def test_a_folder_for_sockets_can_be_made_and_written_to(monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", "new/folder")
    check_temp_dir()
    for place, what in {
        "file": "cannot be written to",
        "file/x": "is not there and cannot",
    }.items():
        monkeypatch.setenv("TMPDIR", place)
        with pytest.raises(UserError, match=f"TMPDIR is {place}, which {what}"):
            check_temp_dir()
    assert [path.name for path in tmp_path.iterdir()] == ["file"], "nothing was made"
