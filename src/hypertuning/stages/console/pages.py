"""Addresses of MLflow's pages. Run as a module, print the page of every experiment."""

import sys
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from mlflow import MlflowClient

from hypertuning.addresses import without_password
from hypertuning.config import UserError
from hypertuning.stages.console.commands import mlflow_command
from hypertuning.tracking.queries import find_experiments
from hypertuning.tracking.store import connect
from hypertuning.tracking.view import address_in

PORT = 5000
"""The default port of `mlflow ui`."""


def site(tracking_uri: str, port: int = PORT) -> str:
    """The address of the pages: the tracking server, or `mlflow ui` on this machine."""
    served = tracking_uri.startswith(("http://", "https://"))
    return without_password(tracking_uri).rstrip("/") if served else f"http://127.0.0.1:{port}"


def start_command(tracking_uri: str) -> str:
    """The command that starts `mlflow ui`; empty if a tracking server has the pages."""
    if tracking_uri.startswith(("http://", "https://")):
        return ""
    words = ["ui", "--backend-store-uri"]
    if tracking_uri == without_password(tracking_uri):
        return mlflow_command(*words, tracking_uri)
    return f'{mlflow_command(*words)} "$MLFLOW_TRACKING_URI"'


def how_to_see(client: MlflowClient, page: str) -> list[str]:
    """Lines that say how to see a page of MLflow, `#/…`: the last one is its address."""
    started = start_command(client.tracking_uri)
    start = [f"start MLflow's pages: {started}"] if started else []
    return [*start, f"{site(client.tracking_uri)}/{page}"]


def model_page(name: str, version: str) -> str:
    """The page of a version of a registered model."""
    return f"#/models/{quote(name, safe='')}/versions/{version}"


def files_of(client: MlflowClient, run_id: str) -> str:
    """Where the files of a run are: a folder if it is on this machine, otherwise a page."""
    run = client.get_run(run_id).info
    place = urlsplit(run.artifact_uri)
    if place.scheme in ("", "file"):
        return str(Path(unquote(place.path) if place.scheme else run.artifact_uri))
    page = f"#/experiments/{run.experiment_id}/runs/{run_id}/artifacts"
    return f"{site(client.tracking_uri)}/{page}"


def main(port: int) -> None:
    """Print the page of every experiment that holds studies, the newest last."""
    try:
        client = connect(must_exist=True)
    except UserError as error:
        return print(f"{error}; `make demo` makes a study")
    of_studies = [e for e in find_experiments(client) if "mlflow.experimentKind" in e.tags]
    for experiment in reversed(of_studies):
        page = f"{site(client.tracking_uri, port)}/{address_in(experiment.experiment_id)}"
        print(f"experiment {experiment.name}: {page}")


if __name__ == "__main__":
    main(int(sys.argv[1]))
