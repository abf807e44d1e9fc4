"""A whole stage against the same trainings in plain processes, and against the usual way.

Each is a command that runs from its start to its end, one after the other; what is compared is the
time on the wall and of all processors. The stage comes first: the others train what it trained.
"""

import json
import os
import statistics
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import click
import pandas as pd
import yaml

from benchmarks import spent
from benchmarks.trainings import Images, Training, Trainings
from hypertuning.domains import Choice
from hypertuning.learn.data import prepare
from hypertuning.record.read import read_trials
from hypertuning.search.ray_start import WORKER_ENVIRONMENT
from hypertuning.space_files import plain
from hypertuning.spaces import GRID, searched


class Asked(NamedTuple):
    """What the stage is to do, as its options."""

    stage: str
    dataset: str
    data_dir: Path
    images: int
    val_images: int
    configs: int
    epochs: int
    batch_size: int
    workers: int


def ours(asked: Asked, folder: Path) -> tuple[spent.Spent, list[float]]:
    """The stage; what it trained stands in the folder's trainings.json."""
    options = {
        "dataset": asked.dataset,
        "data-dir": asked.data_dir,
        "train-size": asked.images,
        "val-size": asked.val_images,
        "batch-size": asked.batch_size,
        "concurrency": asked.workers,
        "storage-path": folder / "records",
        **OPTIONS[asked.stage](asked, folder),
    }
    words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    took = run([f"entrypoints.{asked.stage}", *words], folder)
    (study_dir,) = (file.parent for file in folder.glob("records/*/study.json"))
    trials = read_trials(study_dir)
    cache = prepare(asked.dataset, asked.data_dir)
    trained = [Training(trial.config, trial.epochs_run) for trial in trials]
    images = Images(str(cache), asked.images, asked.val_images, split_seed=0)
    Trainings(images, asked.workers, trained).write(folder / "trainings.json")
    return took, [trial.epochs[-1]["val_accuracy"] for trial in trials]


def grid_options(asked: Asked, folder: Path) -> dict[str, object]:
    """The grid, with values left out until it has at most so many configurations."""
    values = {name: list(domain.values) for name, domain in searched(GRID).items()}
    while pd.Series(values).map(len).prod() > asked.configs:
        max(values.values(), key=len).pop()
    space = plain({name: Choice(tuple(left)) for name, left in values.items()})
    (folder / "space.yaml").write_text(yaml.safe_dump(space))
    return {"epochs": asked.epochs, "space": folder / "space.yaml"}


def hyperband_options(asked: Asked, folder: Path) -> dict[str, object]:
    return {"num-samples": asked.configs, "max-epochs": asked.epochs, "augment": "crop_flip"}


OPTIONS = {"grid": grid_options, "hyperband": hyperband_options}


def again(module: str) -> Callable[[Asked, Path], tuple[spent.Spent, list[float]]]:
    """The same trainings by another module."""

    def trained(asked: Asked, folder: Path) -> tuple[spent.Spent, list[float]]:
        results = folder / f"{module}.json"
        took = run([f"benchmarks.{module}", folder / "trainings.json", results], folder)
        return took, json.loads(results.read_text())

    return trained


def run(words: list, folder: Path) -> spent.Spent:
    """Run a module of the project, with a store and a folder of its own."""
    project = Path(__file__).parents[1]
    own = TemporaryDirectory(dir=folder)
    environment = {
        **os.environ,
        **(WORKER_ENVIRONMENT if words[0] == "benchmarks.bare" else {}),
        "PYTHONPATH": os.pathsep.join([str(project), str(project / "src")]),
        "MLFLOW_TRACKING_URI": f"sqlite:///{own.name}/mlflow.db",
    }
    try:
        return spent.run([sys.executable, "-m", *map(str, words)], Path(own.name), environment)
    except Exception:
        print((Path(own.name) / "log.txt").read_text(), file=sys.stderr)
        raise
    finally:
        own.cleanup()


ARMS = {"stage": ours, "bare": again("bare"), "usual": again("usual")}


def measure(asked: Asked, arms: list[str]) -> Iterator[dict]:
    with TemporaryDirectory() as folder:
        for arm in arms:
            took, accuracies = ARMS[arm](asked, Path(folder))
            yield {
                "arm": arm,
                **took._asdict(),
                "trainings": len(accuracies),
                "val_accuracy": statistics.fmean(accuracies),
                "best_val_accuracy": max(accuracies),
            }


def ratios(rows: pd.DataFrame) -> pd.DataFrame:
    """The mean of each arm, and its times as a multiple of the stage's."""
    table = rows.groupby("arm", sort=False).mean(numeric_only=True)
    for name in ("wall", "cpu"):
        table[f"{name}_ratio"] = table[f"{name}_seconds"] / table.loc["stage", f"{name}_seconds"]
    return table.reset_index()


@click.command()
@click.option("--out", required=True, type=click.Path(path_type=Path))
@click.option("--stage", default="grid", type=click.Choice(list(OPTIONS)))
@click.option("--dataset", default="cifar10", help="As for a stage.")
@click.option("--data-dir", default="data", type=click.Path(path_type=Path))
@click.option("--images", default=5000, help="For training.")
@click.option("--val-images", default=0, help="As the stage's val_size.")
@click.option("--configs", default=36, help="Of a grid: at most so many.")
@click.option("--epochs", default=3, help="Of hyperband: at most so many.")
@click.option("--batch-size", default=64)
@click.option("--workers", default=os.cpu_count(), help="Trainings at once.")
@click.option("--arms", default=",".join(ARMS), help="With commas; the stage is always one.")
@click.option("--rounds", default=1)
def main(out, stage, dataset, data_dir, arms, rounds, **given) -> None:
    """Print and write the times, and how they compare with the stage's."""
    dataset = str(Path(dataset).absolute()) if Path(dataset).is_dir() else dataset
    asked = Asked(stage, dataset, data_dir.absolute(), **given)
    prepare(asked.dataset, asked.data_dir)
    wanted = ["stage", *(arm for arm in arms.split(",") if arm != "stage")]
    out.mkdir(parents=True, exist_ok=True)
    rows = []
    for row in (row for _ in range(rounds) for row in measure(asked, wanted)):
        rows.append(row)
        print(row, flush=True)
        pd.DataFrame(rows).to_csv(out / f"{stage}.csv", index=False, float_format="%.5g")
    table = ratios(pd.DataFrame(rows))
    print(table.to_string(index=False, float_format="%.4g"))
    table.to_csv(out / f"{stage}-ratios.csv", index=False, float_format="%.5g")


if __name__ == "__main__":
    main()
