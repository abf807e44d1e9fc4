"""Claims about Ray's start: a slow one is tried again, a failed one is one line of advice."""

from pathlib import Path

import pytest
import ray
from ray._private import services
from ray.exceptions import AuthenticationError

from hypertuning.config import UserError
from hypertuning.search import ray_start
from hypertuning.search.ray_start import PATIENCE_VARIABLE, RayStart
from hypertuning.search.resources import Resources

SLOW = Exception(
    "The current node timed out during startup. This could happen because some of the raylet "
    "failed to startup or the GCS has become overloaded."
)
NO_NODE = RuntimeError(
    b"GCS cannot find the node with node ID 3a68. The node registration may not be complete yet "
    b"before the timeout. Try increase the RAY_raylet_start_wait_time_s config."
)
NO_CLUSTER = ConnectionError(
    "Could not find any running Ray instance. Please specify the one to connect to by setting "
    "`--address` flag or `RAY_ADDRESS` environment variable."
)
VERSIONS = RuntimeError("Version mismatch: The cluster was started with:\n    Ray: 2.9.0\n")
TOKEN_FILE = PermissionError(13, "Permission denied", "/home/me/.ray/auth_token")
FULL = OSError(28, "No space left on device")


def forget_patience(monkeypatch) -> None:
    monkeypatch.setenv(PATIENCE_VARIABLE, "0")  # so that it is absent afterwards too
    monkeypatch.delenv(PATIENCE_VARIABLE)


@pytest.fixture
def told(monkeypatch):
    """A function that says what Ray's starts end in, and gives what they were told."""
    forget_patience(monkeypatch)
    monkeypatch.setattr(ray, "cluster_resources", lambda: {"CPU": 2})

    def ends(*outcomes):
        calls, left = [], list(outcomes)

        def init(**how):
            calls.append(how | {"patience": ray_start.os.environ.get(PATIENCE_VARIABLE)})
            if error := left.pop(0):
                raise error

        monkeypatch.setattr(ray, "init", init)
        return calls

    return ends


def refused(tmp_path, address="local") -> str:
    with (
        pytest.raises(UserError) as refusal,
        RayStart(Resources(address), tmp_path / "logs") as started,
    ):
        started.room()
    assert "\n" not in str(refusal.value)
    return str(refusal.value)


@pytest.mark.parametrize("slow", [SLOW, NO_NODE, SystemExit("timed out during startup")])
def test_a_slow_start_is_tried_once_more_with_more_patience(told, tmp_path, caplog, slow):
    caplog.set_level("INFO", "hypertuning")
    calls = told(slow, None)
    with RayStart(Resources(), tmp_path) as started:
        assert started.room() == 2
    assert [call["patience"] for call in calls] == ["30", "120"]
    assert "once more" in caplog.text
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("given", "waited"), [("60", [60, 120]), ("300", [300, 300]), ("0", [1, 120]), ("x", [30, 120])]
)
def test_the_users_own_patience_counts(told, tmp_path, monkeypatch, given, waited):
    monkeypatch.setenv(PATIENCE_VARIABLE, given)
    calls = told(SLOW, SLOW)
    refused(tmp_path)
    assert [int(call["patience"]) for call in calls] == waited


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (SLOW, "this machine is too busy (load "),
        (TOKEN_FILE, "set HOME to a folder that can be written to, or RAY_AUTH_MODE=disabled"),
        (FULL, "has no room: make some, or name another folder by RAY_TMPDIR"),
        (PermissionError(13, "Permission denied", "/tmp/ray"), "by RAY_TMPDIR that can be written"),
        (ValueError("The configured object store size (9 GB) exceeds /dev/shm size"), "memory"),
        (OSError(98, "Address already in use"), "a port that it was told to use is taken"),
        (KeyError("anything"), "see there what happened"),
        (SystemExit(1), "see there what happened"),
    ],
)
def test_what_stops_a_start_here_is_one_line_with_its_own_advice(told, tmp_path, error, says):
    told(error, error)
    line = refused(tmp_path)
    assert line.startswith("Ray did not start on this machine (")
    assert says in line and "ray start --head" not in line
    story = Path(line.rpartition("the whole story: ")[2])
    assert story.parent == tmp_path / "logs"
    assert "Traceback" in story.read_text() and type(error).__name__ in story.read_text()


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (NO_CLUSTER, "start one with `ray start --head`, or use ray_address=local"),
        (AuthenticationError("Token authentication is enabled"), "set RAY_AUTH_MODE=token, and"),
        (VERSIONS, "install the versions of Ray and Python that the cluster has"),
        (ImportError("must be installed via pip install ray[client]"), "install that, or use the"),
        (RuntimeError("Failed to connect to GCS."), "something listens there"),
    ],
)
def test_what_stops_joining_a_cluster_has_its_own_advice(told, tmp_path, error, says):
    calls = told(error)
    line = refused(tmp_path, "auto")
    assert line.startswith("no Ray cluster could be joined at ray_address=auto (")
    assert says in line and len(calls) == 1


def test_a_file_for_the_story_that_cannot_be_written_is_not_named(told, tmp_path):
    told(FULL)
    (tmp_path / "logs").touch()
    assert "story" not in refused(tmp_path)


def test_ray_is_not_asked_to_join_where_nothing_listens(told, tmp_path):
    calls = told()
    assert "no Ray cluster answers at ray_address=127.0.0.1:1 (" in refused(tmp_path, "127.0.0.1:1")
    assert not calls and not list(tmp_path.iterdir())


def test_an_end_that_goes_wrong_does_not_hide_what_was_measured(told, tmp_path, monkeypatch):
    def shutdown():
        raise RuntimeError("a raylet is gone")

    told(None)
    monkeypatch.setattr(ray, "shutdown", shutdown)
    with RayStart(Resources(), tmp_path) as started:
        measured = started.room()
    assert measured


def children() -> set[int]:
    """Process ids of what this process has started and what still runs."""
    files = Path("/proc/self/task").glob("*/children")
    return {int(pid) for file in files for pid in file.read_text().split()}


@pytest.mark.slow
def test_ray_starts_after_a_first_try_of_which_nothing_is_left(tmp_path, monkeypatch):
    forget_patience(monkeypatch)
    get_node, before, of_the_first = services.get_node, children(), set()

    def slow_at_first(*given):
        if not of_the_first:
            of_the_first.update(children() - before)
            raise SLOW
        return get_node(*given)

    monkeypatch.setattr(services, "get_node", slow_at_first)
    with RayStart(Resources(), tmp_path) as started:
        assert started.room() >= 1
        assert of_the_first and not of_the_first & children()
        assert ray.get(ray.remote(lambda: 1).remote()) == 1, "without its agents at first"
    assert not ray.is_initialized()
