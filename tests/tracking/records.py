"""A study's record as Ray and search/ write it, written by hand: whole, growing or damaged."""

import json
import os
from collections.abc import Iterable
from pathlib import Path

from hypertuning.config import parse_config

START = 1_764_000_000
"""When every job of every trial wrote its parameters, in Unix seconds."""


class Record:
    """A study's folder, written as Ray and search/ write it."""

    def __init__(self, folder: Path, max_epochs: int = 9) -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        study = {"stage": "hyperband", "strategy": "asha", "num_samples": 4, "parameters": {}}
        (folder / "study.json").write_text(json.dumps({**study, "max_epochs": max_epochs}))

    def job(self, trial: int, until: int, part: int = 1, config: dict | None = None, **job) -> Path:
        """Begin a job: its folder and params.json."""
        folder = self.folder / f"part-{part:03d}" / f"t{trial:04d}-e{until:03d}"
        folder.mkdir(parents=True)
        given = parse_config({"filters": 146, **(config or {})}).hyperparameters()
        params = {"config": given, "job": {"trial": trial, "until": until, **job}}
        (folder / "params.json").write_text(json.dumps(params))
        os.utime(folder / "params.json", (START, START))
        return folder

    def epochs(self, folder: Path, epochs: Iterable[int], **changed) -> None:
        """Append results; val_loss is lowest in epoch 6, train_loss always falls."""
        for epoch in epochs:
            self.line(folder, {**row(epoch), **changed})

    def line(self, folder: Path, result: dict | str) -> None:
        text = result if isinstance(result, str) else json.dumps(result) + "\n"
        with (folder / "result.json").open("a") as file:
            file.write(text)

    def fail(self, folder: Path, error: str) -> None:
        """Give a job up; the recorder never goes on in a line that was torn."""
        (folder / "error.txt").write_text(error)
        self.line(folder, "\n" + json.dumps({"failed": True}) + "\n")

    def end(self, outcome: str, part: int = 1) -> None:
        folder = self.folder / f"part-{part:03d}"
        folder.mkdir(exist_ok=True)
        (folder / "ended.json").write_text(json.dumps({"outcome": outcome, "timestamp": START}))


def row(epoch: int) -> dict:
    """What a trial reports after an epoch, with some of what Ray adds."""
    train_loss, val_loss = 2.0 / epoch, 0.8 + 0.01 * (epoch - 6) ** 2
    return {
        "epoch": epoch,
        "train_loss": train_loss,
        "train_accuracy": 0.1 * epoch,
        "val_loss": val_loss,
        "val_accuracy": 0.05 * epoch,
        "generalization_gap": val_loss - train_loss,
        "learning_rate": 1e-3,
        "epoch_seconds": 10.0,
        "images_per_second": 500.0,
        "timestamp": START + 10 * epoch,
        "done": False,
        "pid": 4711,
        "time_total_s": 10.0 * epoch,
        "config": {"config": {}},
    }
