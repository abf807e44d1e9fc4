"""Compare record, checkpoints and store of a study, with nothing of what it is to check.

The store is read by SQL, the record by its lines, the checkpoints by PyTorch, and what workers
measured as JSON.
"""

import json
import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import sqlalchemy
import torch

METRICS = {
    "train_loss",
    "train_accuracy",
    "val_loss",
    "val_accuracy",
    "generalization_gap",
    "learning_rate",
    "epoch_seconds",
    "images_per_second",
}
STATUS = {
    "completed": "FINISHED",
    "pruned": "FINISHED",
    "interrupted": "KILLED",
    "diverged": "FAILED",
    "failed": "FAILED",
}


class Audit(NamedTuple):
    outcome: str
    """Of the study, by the record."""
    trials: int
    epochs: int
    lost: list[str]
    duplicated: list[str]
    wrong: list[str]
    """Statuses, outcomes, values and parameters."""
    twice: int
    """Epochs that were trained and measured more than once."""

    def __str__(self) -> str:
        return (
            f"{self.outcome}, {self.trials} trials, {self.epochs} epochs: lost {len(self.lost)}, "
            f"duplicated {len(self.duplicated)}, wrong status {len(self.wrong)}; "
            f"measured twice {self.twice}"
        )


class Measured(NamedTuple):
    """What is on disk of one trial."""

    config: dict
    until: int
    rows: dict[int, dict]
    """The first one of each epoch."""
    twice: int
    diverged: bool
    failed: bool


def audit(study_dir: Path, database: str) -> Audit:
    """Look at all that was measured, and whether it stands in the store once and rightly."""
    found = on_disk(study_dir)
    runs, points, latest = in_store(study_dir.name, database)
    lost, duplicated, wrong = [], [], []
    ended = json.loads((sorted(study_dir.glob("part-*"))[-1] / "ended.json").read_text())["outcome"]
    asked = json.loads((study_dir / "study.json").read_text())
    for number, trial in found.items():
        name = f"t{number:04d}"
        mine = [run for run in runs if run["tags"].get("trial_id") == name]
        if len(mine) != 1:
            (duplicated if mine else lost).append(f"{name} has {len(mine)} runs")
            continue
        (run,) = mine
        lost += [f"{name} lacks {k}" for k in trial.config if k not in run["params"]]
        wrong += [
            f"{name}: {k} is {run['params'].get(k)}, not {v}"
            for k, v in trial.config.items()
            if run["params"].get(k, str(v)) != str(v)
        ]
        for epoch in trial.rows.keys() | {step for _, step in points[run["id"]]}:
            for metric in METRICS:
                values = points[run["id"]].get((metric, epoch), [])
                if epoch not in trial.rows:
                    wrong.append(f"{name} has {metric} of epoch {epoch}, which nobody measured")
                elif not values:
                    lost.append(f"{name}: {metric} of epoch {epoch}")
                elif len(values) > 1:
                    duplicated.append(f"{name}: {metric} of epoch {epoch}")
                elif not math.isclose(values[0], trial.rows[epoch][metric], rel_tol=1e-9):
                    wrong.append(f"{name}: {metric} of epoch {epoch} has another value")
        wrong += [f"{name}: {text}" for text in summary(trial, latest[run["id"]])]
        expected = ending(trial, asked["max_epochs"], ended)
        if (run["tags"].get("outcome"), run["status"]) != (expected, STATUS[expected]):
            wrong.append(f"{name} is {run['tags'].get('outcome')} ({run['status']}): {expected}")
    unknown = {f"t{number:04d}" for number in found}
    wrong += [
        f"{run['tags']['trial_id']} is not in the record"
        for run in runs
        if "trial_id" in run["tags"] and run["tags"]["trial_id"] not in unknown
    ]
    wrong += [f"run {run['id']} is RUNNING" for run in runs if run["status"] == "RUNNING"]
    (study,) = (run for run in runs if run["id"] == study_dir.name)
    if not any(trial.rows for trial in found.values()) and ended == "completed":
        ended = "failed"
    if (study["tags"].get("outcome"), study["status"]) != (ended, STATUS[ended]):
        wrong.append(f"the study is {study['tags'].get('outcome')} ({study['status']}): {ended}")
    epochs = sum(len(trial.rows) for trial in found.values())
    twice = sum(trial.twice for trial in found.values())
    begun = {f"t{number:04d}" for number, trial in found.items()}
    kept = [*study_dir.glob("checkpoints/*.pt"), *study_dir.glob("checkpoints/*.json")]
    lost += [file.name for file in kept if file.stem not in begun]
    return Audit(ended, len(found), epochs, lost, duplicated, wrong, twice)


def summary(trial: Measured, latest: dict[str, float]) -> list[str]:
    """What a run's summary says that its epochs do not."""
    if not trial.rows:
        return []
    best = min(row["val_loss"] for row in trial.rows.values())
    should = {"epochs_run": max(trial.rows), "best_val_loss": best}
    return [f"{k} is {latest.get(k)}, not {v}" for k, v in should.items() if latest.get(k) != v]


def ending(trial: Measured, max_epochs: int, study: str) -> str:
    """How a trial ended, by what is on disk."""
    reached = max(trial.rows, default=0)
    if trial.diverged:
        return "diverged"
    if trial.failed:
        return "failed"
    if reached >= max_epochs:
        return "completed"
    return "pruned" if study == "completed" else "interrupted"


def on_disk(study_dir: Path) -> dict[int, Measured]:
    """Everything that was measured, in the record or by a worker alone, by trial number."""
    folders = defaultdict(list)
    for params in sorted(study_dir.glob("part-*/t*-e*/params.json")):
        folders[int(re.match(r"t(\d+)", params.parent.name)[1])].append(params.parent)
    return {number: _measured(study_dir, number, folders[number]) for number in sorted(folders)}


def _measured(study_dir: Path, number: int, folders: list[Path]) -> Measured:
    rows: dict[int, dict] = {}
    times: Counter = Counter()
    diverged = failed = False
    for folder in folders:
        for line in _lines(folder):
            diverged |= line.get("diverged") is True
            failed |= line.get("failed") is True
            if line.keys() >= METRICS and all(math.isfinite(line[name]) for name in METRICS):
                rows.setdefault(line["epoch"], line)
                # an epoch that is told of again has the time at which it was measured
                times[line["epoch"], line["timestamp"]] += 1
    checkpoint = study_dir / "checkpoints" / f"t{number:04d}.pt"
    if checkpoint.exists():
        for row in torch.load(checkpoint, weights_only=True)["rows"]:
            rows.setdefault(row["epoch"], row)
    measured = checkpoint.with_suffix(".json")
    if measured.exists():
        for row in json.loads(measured.read_text())["rows"]:
            rows.setdefault(row["epoch"], row)
    params = json.loads((folders[-1] / "params.json").read_text())
    twice = len(times) - len({epoch for epoch, _ in times})
    return Measured(params["config"], params["job"]["until"], rows, twice, diverged, failed)


def _lines(folder: Path) -> Iterator[dict]:
    for name in ("result.json", "recovered.json"):
        file = folder / name
        for line in file.read_text(errors="replace").splitlines() if file.exists() else ():
            try:
                yield json.loads(line)
            except ValueError:
                continue


def in_store(study_id: str, database: str) -> tuple[list[dict], dict[str, dict], dict[str, dict]]:
    """The study's run and all below it that are not deleted, their points, their latest values."""
    engine = sqlalchemy.create_engine(database)
    with engine.connect() as connection:
        ask = lambda text, **values: connection.execute(sqlalchemy.text(text), values).all()
        ids = [
            row[0]
            for row in ask(
                "SELECT run_uuid FROM runs WHERE lifecycle_stage = 'active' AND (run_uuid = :id OR "
                "run_uuid IN (SELECT run_uuid FROM tags WHERE key = 'mlflow.parentRunId' "
                "AND value = :id))",
                id=study_id,
            )
        ]
        runs, points, latest = [], {}, {}
        for run_id in ids:
            ((status,),) = ask("SELECT status FROM runs WHERE run_uuid = :id", id=run_id)
            tags = dict(ask("SELECT key, value FROM tags WHERE run_uuid = :id", id=run_id))
            params = dict(ask("SELECT key, value FROM params WHERE run_uuid = :id", id=run_id))
            runs.append({"id": run_id, "status": status, "tags": tags, "params": params})
            points[run_id] = defaultdict(list)
            last = "SELECT key, value FROM latest_metrics WHERE run_uuid = :id"
            latest[run_id] = dict(ask(last, id=run_id))
            metrics = "SELECT key, step, value FROM metrics WHERE run_uuid = :id"
            for key, step, value in ask(metrics, id=run_id):
                if key in METRICS:
                    points[run_id][key, step].append(value)
    engine.dispose()
    return runs, points, latest
