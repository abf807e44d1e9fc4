"""Claims about the addresses of MLflow's pages and of a run's files."""

import os
from pathlib import Path

import mlflow
import pytest
from mlflow import MlflowClient

from hypertuning.stages.console import pages
from hypertuning.tracking.view import offer_views


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    return MlflowClient(f"sqlite:///{tmp_path_factory.mktemp('store')}/mlflow.db")


@pytest.mark.parametrize(
    ("uri", "site", "start"),
    [
        ("http://host:5001/", "http://host:5001", ""),
        (
            "sqlite:////a b/m.db",
            "http://127.0.0.1:5000",
            "--backend-store-uri 'sqlite:////a b/m.db'",
        ),
        (
            "postgresql://me:secret@host/db",
            "http://127.0.0.1:5000",
            '--backend-store-uri "$MLFLOW_TRACKING_URI"',
        ),
    ],
)
def test_the_pages_are_on_the_tracking_server_or_on_one_to_be_started(uri, site, start):
    assert pages.site(uri) == site
    said = pages.start_command(uri)
    assert said.split("mlflow ui ")[-1] == start
    assert "secret" not in said


def test_the_files_of_a_run_are_in_a_folder_or_on_a_page(client, tmp_path):
    for place in (tmp_path / "my files", "mlflow-artifacts:/7"):
        location = place.as_uri() if isinstance(place, Path) else place
        experiment_id = client.create_experiment(str(place), artifact_location=location)
        run_id = client.create_run(experiment_id).info.run_id
        files = pages.files_of(client, run_id)
        if isinstance(place, Path):
            assert files == f"{place}{os.sep}{run_id}/artifacts"
        else:
            page = f"#/experiments/{experiment_id}/runs/{run_id}/artifacts"
            assert files == f"http://127.0.0.1:5000/{page}"


def test_make_prints_the_page_of_each_experiment_that_holds_studies(
    client, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(mlflow, "get_tracking_uri", lambda: f"sqlite:///{tmp_path}/none.db")
    pages.main(5001)
    said = capsys.readouterr().out
    assert said.startswith(f"there is no tracking store {tmp_path}/none.db; ")
    assert said.endswith("; `make demo` makes a study\n")
    monkeypatch.setattr(mlflow, "get_tracking_uri", lambda: "nonsense://somewhere")
    pages.main(5001)
    assert "has a scheme that MLflow does not know" in capsys.readouterr().out
    monkeypatch.setattr(mlflow, "get_tracking_uri", lambda: client.tracking_uri)
    demo, _ = client.create_experiment("demo"), client.create_experiment("of something else")
    offer_views(client, client.create_run(demo), "bohb · digits · 51 trials", {})
    pages.main(5001)
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith(f"experiment demo: http://127.0.0.1:5001/#/experiments/{demo}/runs?")
