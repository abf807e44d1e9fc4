"""Claims about what ends a search before its time, without a search."""

import errno
import os
import signal

import pytest

from hypertuning.search import stop as stop_module
from hypertuning.search.stop import Stop, Stopped, disk_error_of, signals_caught


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_first_signal_ends_the_search_between_two_steps(number):
    before = signal.getsignal(number)
    with signals_caught() as stop:
        stop.searching = True
        assert not stop.stop_all()
        os.kill(os.getpid(), number)
        with pytest.raises(Stopped):
            stop.stop_all()
    assert signal.getsignal(number) == before


def test_the_signals_of_one_ctrl_c_count_as_one_and_another_one_leaves_at_once(monkeypatch):
    with signals_caught() as stop:
        stop.searching = True
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGTERM)  # what `mlflow run` sends right after
        stop.searching = False
        os.kill(os.getpid(), signal.SIGTERM)
        monkeypatch.setattr(stop_module, "ONE_CTRL_C_SECONDS", 0)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)


def test_the_sigterm_of_mlflow_run_may_come_late_and_a_second_ctrl_c_leaves_at_once(monkeypatch):
    now = 100.0
    monkeypatch.setattr(stop_module.time, "monotonic", lambda: now)
    with signals_caught() as stop:
        stop.searching = True
        os.kill(os.getpid(), signal.SIGINT)
        now += 8
        os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)


def test_a_signal_of_another_kind_long_after_the_first_leaves_at_once(monkeypatch):
    now = 100.0
    monkeypatch.setattr(stop_module.time, "monotonic", lambda: now)
    with signals_caught() as stop:
        stop.searching = True
        os.kill(os.getpid(), signal.SIGINT)
        now += 60
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGTERM)


def test_where_nothing_is_searched_a_first_signal_leaves_at_once():
    with signals_caught(), pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGTERM)


def test_a_checkpoint_that_could_not_be_written_ends_the_search():
    stop = Stop()
    assert not stop("a", {"epoch": 1})
    assert not stop("a", {"epoch": 2, "unsaved": "no space"}), "it is all trials that end"
    with pytest.raises(Stopped):
        stop.stop_all()
    assert stop.disk_error == "no space"


def test_a_full_disk_is_found_below_an_error_of_rays():
    seen = RuntimeError("TuneError")
    seen.__context__ = OSError(errno.ENOSPC, "No space left on device")  # raised while handling it
    assert disk_error_of(seen) == "No space left on device"
    assert disk_error_of(RuntimeError("a bug")) is None
    assert disk_error_of(ConnectionRefusedError(errno.ECONNREFUSED, "refused")) is None
