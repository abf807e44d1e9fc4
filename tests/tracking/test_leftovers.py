"""Claims about runs that nobody closes: which are found, and which are left alone."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from mlflow.tracking.context.registry import resolve_tags

from hypertuning.environment import RUN_ID
from hypertuning.tracking import leftovers
from hypertuning.tracking.leftovers import close_leftover, find_leftovers
from hypertuning.tracking.main_run import open_main
from hypertuning.tracking.processes import DRIVER, preparing_since, this_process

ROOT = Path(__file__).parents[2]
OLD_MS = 1000 * (leftovers.NEW_SECONDS + 5)
DEAD = this_process().rsplit(":", 1)[0] + ":1"  # another process that had our number


@pytest.fixture
def experiment_id(client) -> str:
    return client.get_experiment_by_name("tests").experiment_id


@pytest.fixture
def left(client, experiment_id):
    """A function that makes a run as `mlflow run` does, and says whether it is a leftover."""

    def left(age_ms=OLD_MS, source=f"file://{ROOT}", command="bohb", **tags) -> bool:
        given = {
            "mlflow.project.entryPoint": command,
            "mlflow.source.name": source,
            "mlflow.user": resolve_tags()["mlflow.user"],
            **tags,
        }
        began = round(time.time() * 1000) - age_ms
        run = client.create_run(
            experiment_id, began, {name: tag for name, tag in given.items() if tag}, "bald-worm-42"
        )
        found = [found.info.run_id for found in find_leftovers(client, [experiment_id])]
        assert found in ([], [run.info.run_id])
        return bool(found)

    return left


@pytest.fixture
def process(request):
    """A function that starts a command and stops it when the test ends."""

    def start(words, **variables):
        started = subprocess.Popen(words, env={**os.environ, **variables})
        request.addfinalizer(lambda: (started.kill(), started.wait()))

    return start


def test_a_run_whose_command_never_started_is_found_and_closed(client, left, experiment_id):
    assert left()
    (run,) = find_leftovers(client, [experiment_id])
    close_leftover(client, run)
    assert find_leftovers(client, [experiment_id]) == []
    closed = client.get_run(run.info.run_id)
    assert (closed.info.status, closed.info.run_name) == ("KILLED", "bohb not started")
    assert (closed.data.tags["outcome"], closed.data.tags["launch"]) == ("interrupted", "bohb")


def test_one_that_has_just_been_made_is_left_alone(left):
    assert not left(age_ms=1000)


def test_one_whose_command_lives_is_left_alone(client, left, experiment_id, process):
    assert left()
    (run,) = find_leftovers(client, [experiment_id])
    process(["sleep", "60"], **{RUN_ID: run.info.run_id})
    assert find_leftovers(client, [experiment_id]) == []


def test_one_that_mlflow_run_may_still_prepare_is_left_alone(left, process, tmp_path, monkeypatch):
    monkeypatch.setattr(leftovers, "NEW_SECONDS", -10)
    just_made = -2000  # /proc knows the start of a process to a second
    assert left(age_ms=just_made)
    program = tmp_path / "mlflow"
    program.write_text("import time; time.sleep(60)")
    process([sys.executable, str(program), "run", "."])
    deadline = time.monotonic() + 10
    while preparing_since() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not left(age_ms=just_made)


def test_a_run_of_another_project_is_left_alone(left, tmp_path):
    for folder in (tmp_path, tmp_path / "sub"):
        folder.mkdir(exist_ok=True)
        (folder / "MLproject").write_text("name: another\n")
    elsewhere = ("file:///nowhere", "", "https://example.org/other.git")
    for source in (*elsewhere, str(tmp_path), f"file://{tmp_path}#sub"):
        assert not left(source=source), source


@pytest.mark.parametrize("there", ["://", "://token@"])  # of a study, no token is kept
def test_a_run_from_wherever_studies_came_from_is_found(client, left, there, experiment_id):
    source = "https://example.org/hypertuning.git"
    tags = {"stage": "bohb", "mlflow.project.entryPoint": "bohb", "mlflow.source.name": source}
    study = client.create_run(experiment_id, tags=tags)
    client.set_terminated(study.info.run_id)
    assert left(source=source.replace("://", there))


def test_a_clone_below_a_repository_is_recognised(left, tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "MLproject").write_text("name: hypertuning\n")
    assert left(source=f"file://{tmp_path}#sub")


def test_what_may_live_out_of_sight_is_left_alone_for_a_day(left):
    somebody = {"mlflow.user": "somebody"}
    assert not left(age_ms=3600 * 1000, **somebody)
    assert left(age_ms=25 * 3600 * 1000, **somebody)


def test_what_a_process_of_another_machine_drives_is_left_alone(left):
    assert not left(age_ms=25 * 3600 * 1000, **{DRIVER: "elsewhere:1:1"})


def test_a_main_run_and_a_report_are_found_when_their_process_is_gone(left):
    for held in ({"main": "quick"}, {"report": "tests"}):
        assert not left(**held, **{DRIVER: this_process()})
    assert left(main="quick", **{DRIVER: DEAD})


def test_what_belongs_to_a_study_is_left_to_that(left):
    for tags in ({"stage": "bohb"}, {"trial_id": "t0000"}, {"refit": "true"}):
        assert not left(**tags), tags


@pytest.mark.parametrize(("beside", "expected"), [(True, False), (False, True)])
def test_a_launcher_is_its_studys_unless_it_stands_in_another_experiment(
    client, left, experiment_id, beside, expected
):
    place = experiment_id if beside else "0"
    study_id = client.create_run(place, tags={"stage": "bohb"}).info.run_id
    tags = {"stage": "bohb", "outcome": "launcher", "mlflow.parentRunId": study_id}
    assert left(**tags) == expected


def test_a_launcher_of_a_main_run_is_found(client, left):
    main_id = open_main(client, {"profile": "quick", "dataset": "digits"})
    tags = {"stage": "main", "outcome": "launcher", "mlflow.parentRunId": main_id}
    assert left(**tags)
