"""Claims about the views that MLflow's page is given: what they show, and where they are listed."""

import base64
import json
import re
import zlib

import pytest
from stores import new_study

from hypertuning.tracking import view
from hypertuning.tracking.view import address, offer_views

SEARCHED = {"learning_rate": True, "momentum": False}


@pytest.fixture
def experiment_id(client) -> str:
    return client.get_experiment_by_name("tests").experiment_id


def study(client, searched=SEARCHED, trials=2):
    """A study with trials and the run of a command that resumed it; give its run."""
    study_id = new_study(client)
    experiment_id = client.get_run(study_id).info.experiment_id
    for number in range(trials):
        tags = {"mlflow.parentRunId": study_id, "trial_id": f"t{number:04d}", "stage": "bohb"}
        client.create_run(experiment_id, tags=tags)
    tags = {"mlflow.parentRunId": study_id, "stage": "bohb", "outcome": "launcher"}
    client.create_run(experiment_id, tags=tags)
    client.set_tag(study_id, "planned_trials", str(trials))
    client.set_tag(study_id, view.SEARCHED, ", ".join(searched))
    run = client.get_run(study_id)
    offer_views(client, run, f"bohb · {study_id[:4]}", searched)
    return run


def views(client, experiment_id):
    """The states of the views by their keys, and the names of those in the menu."""
    tags = client.get_experiment(experiment_id).tags
    kept = {key.removeprefix(view._TAG): v for key, v in tags.items() if key.startswith(view._TAG)}
    listed = {key: json.loads(value) for key, value in kept.items() if value.startswith("{")}
    packed = kept | {key: saved["state"] for key, saved in listed.items()}
    states = {
        key: json.loads(zlib.decompress(base64.b64decode(state.removeprefix("deflate;"))))
        for key, state in packed.items()
    }
    menu = sorted(listed.values(), key=lambda saved: saved["createdAt"], reverse=True)
    return states, [saved["name"] for saved in menu]


def columns(state, kind):
    return re.findall(rf"{kind}\.`(.+?)`", " ".join(state["selectedColumns"]))


def shown(client, experiment_id, state):
    """The runs that MLflow finds by the view's own filter."""
    return {run.info.run_id for run in client.search_runs([experiment_id], state["searchFilter"])}


def test_each_view_shows_the_runs_that_it_names(client, experiment_id):
    first, second = study(client), study(client, {"filters": True})
    client.create_run(experiment_id, tags={"launch": "predict"})
    client.create_run(experiment_id, tags={"report": "tests"})
    states, menu = views(client, experiment_id)
    both = {first.info.run_id, second.info.run_id}
    named = [f"bohb · {run.info.run_id[:4]}" for run in (second, first)]
    assert menu == ["All trials", "All studies", *named]
    assert shown(client, experiment_id, states["studies"]) == both
    assert len(shown(client, experiment_id, states["trials"])) == 4
    for run in (first, second):
        found = shown(client, experiment_id, states[f"study-{run.info.run_id}"])
        parents = {client.get_run(trial).data.tags["mlflow.parentRunId"] for trial in found}
        assert (len(found), parents) == (2, {run.info.run_id})


def test_what_a_study_searched_are_its_columns_and_those_of_all_are_in_the_view_of_all(
    client, experiment_id
):
    first, second = study(client), study(client, {"filters": True})
    states, _ = views(client, experiment_id)
    of_studies = [states[f"study-{run.info.run_id}"] for run in (first, second)]
    assert [columns(state, "params") for state in of_studies] == [
        ["learning_rate", "momentum"],
        ["filters"],
    ]
    assert sorted(columns(states["trials"], "params")) == ["filters", "learning_rate", "momentum"]
    assert columns(states["trials"], "metrics")[0] == "best_val_loss"


def test_the_parallel_coordinates_leave_out_what_some_trials_have_not(client, experiment_id):
    run = study(client)
    charts = views(client, experiment_id)[0][f"study-{run.info.run_id}"]["compareRunCharts"]
    (parallel,) = [chart for chart in charts if chart["type"] == "PARALLEL"]
    assert (parallel["selectedParams"], parallel["selectedMetrics"]) == (
        ["learning_rate"],
        ["best_val_loss"],
    )


def test_a_study_of_one_configuration_has_no_parallel_coordinates(client, experiment_id):
    run = study(client, searched={})
    state = views(client, experiment_id)[0][f"study-{run.info.run_id}"]
    assert {chart["type"] for chart in state["compareRunCharts"]} == {"LINE"}
    assert [section["uuid"] for section in state["compareRunSections"]] == ["curves"]


def test_older_studies_leave_the_menu_but_keep_their_addresses(client, experiment_id, monkeypatch):
    monkeypatch.setattr(view, "LISTED", 2)
    made = [study(client, trials=1) for _ in range(4)]
    states, menu = views(client, experiment_id)
    assert menu[2:] == [f"bohb · {run.info.run_id[:4]}" for run in reversed(made[2:])]
    assert {f"study-{run.info.run_id}" for run in made} <= states.keys()


def test_offering_twice_changes_nothing(client, experiment_id):
    run = study(client)
    before = client.get_experiment(experiment_id).tags
    offer_views(client, run, f"bohb · {run.info.run_id[:4]}", SEARCHED)
    assert client.get_experiment(experiment_id).tags == before


def test_the_address_of_a_study_of_an_earlier_version_is_that_of_all_trials(client):
    earlier = client.get_run(new_study(client))
    assert "viewStateShareKey=trials&" in address(earlier)
    run = study(client)
    assert f"viewStateShareKey=study-{run.info.run_id}&" in address(run)
