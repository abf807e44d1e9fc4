"""Real tracking stores, and all that stands in them."""

import sqlite3
import threading
from pathlib import Path

import pytest
from mlflow import MlflowClient
from werkzeug.serving import make_server


def new_study(client: MlflowClient) -> str:
    """The run of a study in the experiment `tests`."""
    found = client.get_experiment_by_name("tests")
    experiment_id = found.experiment_id if found else client.create_experiment("tests")
    return client.create_run(experiment_id, tags={"stage": "hyperband"}).info.run_id


def dump(store: Path, run_ids: bool = True) -> dict[str, list[tuple]]:
    """All that a store holds about runs; without their ids, runs go by their trials'."""
    with sqlite3.connect(store) as database:
        trials = dict(database.execute("SELECT run_uuid, value FROM tags WHERE key = 'trial_id'"))
        named = (lambda run_id: run_id) if run_ids else (lambda run_id: trials[run_id])
        queries = {
            "runs": "run_uuid, name, status, start_time, end_time, lifecycle_stage FROM runs",
            "params": "run_uuid, key, value FROM params",
            "tags": "run_uuid, key, value FROM tags",
            "metrics": "run_uuid, key, step, timestamp, value, is_nan FROM metrics",
            "latest": "run_uuid, key, step, timestamp, value, is_nan FROM latest_metrics",
        }
        rows = {
            name: database.execute(f"SELECT {query}").fetchall() for name, query in queries.items()
        }
    if not run_ids:  # the study and its children's parents differ from store to store
        rows = {name: [r for r in rows[name] if r[0] in trials] for name in rows}
        rows["tags"] = [r for r in rows["tags"] if r[1] != "mlflow.parentRunId"]
    return {name: sorted((named(run_id), *rest) for run_id, *rest in rows[name]) for name in rows}


def track(monkeypatch: pytest.MonkeyPatch, uri: str | None) -> None:
    """Set MLFLOW_TRACKING_URI as a shell does, and let MLflow forget what it was set to before."""
    monkeypatch.setattr("mlflow.tracking._tracking_service.utils._tracking_uri", None)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri or "")
    if uri is None:
        monkeypatch.delenv("MLFLOW_TRACKING_URI")  # set before, so that it is restored


class Server:
    """MLflow's tracking server in this process, which can go away and come back."""

    def __init__(self, store: Path) -> None:
        from mlflow.server import app, handlers

        handlers.initialize_backend_stores(
            f"sqlite:///{store}", default_artifact_root=str(store.parent / "artifacts")
        )
        self.store, self.app, self.port = store, app, 0
        self.start()

    @property
    def uri(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        self._http = make_server("127.0.0.1", self.port, self.app, threaded=True)
        self.port = self._http.server_port
        threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        self._http.shutdown()
        self._http.server_close()
