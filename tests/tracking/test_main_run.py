"""Claims about the run of `main`: its name, who may go on with it, and how it ends."""

import subprocess
import sys

import pytest

from hypertuning.config import UserError
from hypertuning.tracking.main_run import close_main, find_main, open_main, reopen_main
from hypertuning.tracking.processes import DRIVER

OPTIONS = {"profile": "quick", "dataset": "/some/where/pets"}


@pytest.fixture
def main_id(client) -> str:
    return open_main(client, OPTIONS)


@pytest.fixture
def ended_process() -> str:
    code = "from hypertuning.tracking.processes import this_process; print(this_process())"
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.strip()


def test_its_name_says_on_what_and_how_much(client, main_id):
    assert client.get_run(main_id).info.run_name == "main · pets · quick"


def test_one_that_a_living_process_runs_is_left_alone(client, main_id):
    with pytest.raises(UserError, match=f"main run {main_id} is being run by another process"):
        find_main(client, main_id)


def test_one_whose_process_was_killed_goes_on(client, main_id, ended_process):
    client.set_tag(main_id, DRIVER, ended_process)
    assert find_main(client, "last") == (main_id, OPTIONS)
    reopen_main(client, main_id)
    with pytest.raises(UserError, match="is being run"):
        find_main(client, main_id)


def test_one_that_goes_on_has_no_outcome_until_it_ends(client, main_id):
    close_main(client, main_id, "interrupted")
    reopen_main(client, main_id)
    run = client.get_run(main_id)
    assert (run.info.status, run.data.tags.get("outcome")) == ("RUNNING", None)
    close_main(client, main_id, "completed")
    run = client.get_run(main_id)
    assert (run.info.status, run.data.tags["outcome"]) == ("FINISHED", "completed")


def test_one_that_was_deleted_is_named_with_the_way_back(client, main_id):
    close_main(client, main_id, "completed")
    client.delete_run(main_id)
    with pytest.raises(UserError, match=f"mlflow runs restore --run-id {main_id}"):
        find_main(client, main_id)
