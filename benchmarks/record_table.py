"""Record what configurations of the bohb stage's space reach: the table for `bench_search`.

A round draws configurations from the space, and then others near the best tenth of all so far, so
that the table is dense where searches end. Every third configuration is trained with two seeds,
which shows the noise. All are trained for all epochs. Started again, the command goes on.

Trials train as they do in a stage (same code, space and split) but in plain processes: nothing is
stopped here and no result decides on a running trial, so Ray and MLflow would only add their start
and a second record.
"""

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import click
import yaml

from benchmarks.recorded import SHEET, SPACE, Record, Trial
from benchmarks.table_draws import STEP, SWITCH, TWICE, Size, drawn, parts
from benchmarks.table_workers import Images, Workers
from hypertuning.config import UserError
from hypertuning.space_files import plain, read_space
from hypertuning.spaces import AUGMENT, FAMILIES, Space, searched
from hypertuning.whole_file import write_whole


def record(growing: Record, size: Size, workers: Workers) -> bool:
    """Record what the record lacks; whether it has all of it in the end."""
    names = list(searched(growing.space))
    total = size.rounds * (size.drawn + size.near)
    for part in parts(growing.space, size, growing.trials):
        known = {(trial.number, trial.seed) for trial in growing.trials}
        missing = [asked for asked in part if (asked.number, asked.seed) not in known]
        for trial in workers.trained(missing, growing.max_epochs, names):
            growing.append(trial)
            print(
                f"{_told(trial)}; {len(growing.trials)} trials, {total} configurations", flush=True
            )
        if workers.late:
            return False
    return True


def _told(trial: Trial) -> str:
    what = f"configuration {trial.number} ({trial.drawn}), seed {trial.seed}"
    return f"{what}: best val_loss {trial.best:.4f}"


def described(space: Space, size: Size, max_epochs: int, images: Images) -> dict[str, object]:
    """What must stay the same while a table grows."""
    from hypertuning.learn.cache import read_meta

    meta, fixed = read_meta(images.cache), drawn(space, 0).hyperparameters()
    return {
        "dataset": meta["dataset"],
        "digest": meta["digest"],
        "train_size": images.train_size,
        "val_size": images.val_size,
        "split_seed": 0,
        "max_epochs": max_epochs,
        "space": plain(space),
        "fixed": {n: v for n, v in fixed.items() if n not in {*searched(space), "seed"}},
        "round": {"drawn": size.drawn, "near": size.near},
        "second_seed": f"for one configuration in {TWICE}",
        "near": f"the best tenth so far, numbers moved by a deviation of {STEP} of their range, "
        f"choices drawn anew with probability {SWITCH}",
        "columns": "losses in nats per image, accuracies as fractions, seconds of an epoch with "
        "its validation; one thread a trial; train_loss as the images passed",
    }


def open_record(folder: Path, space: Space, about: dict[str, object]) -> Record:
    """Begin the record of a folder, or go on with it.

    Raises:
        UserError: the folder has the trials of another space, of other images, ….
    """
    folder.mkdir(parents=True, exist_ok=True)
    sheet, sessions = folder / SHEET, []
    if sheet.exists():
        *_, (_, sessions) = before = json.loads(sheet.read_text()).items()
        other = [name for name, value in before if name in about and about[name] != value]
        if other:
            raise UserError(f"{folder} has trials with another {other[0]}; name another `--out`")
    write_whole(sheet, json.dumps({**about, "sessions": sessions}, indent=2) + "\n")
    write_whole(folder / SPACE, yaml.safe_dump(plain(space), sort_keys=False))
    return Record(folder, space, about["max_epochs"])


def close_record(record: Record, hardware: tuple[str, str]) -> None:
    """Write the table, and where and when this session recorded its part."""
    from hypertuning.learn.hardware import precision_of
    from hypertuning.tracking.provenance import provenance

    record.write_table()
    about = json.loads((record.folder / SHEET).read_text())
    here = {name: tag for name, tag in provenance().items() if name != "command"}  # it has paths
    session = {
        "ended": datetime.now(UTC).isoformat(timespec="minutes"),
        "trials": len(record.trials) - sum(session["trials"] for session in about["sessions"]),
        "device": hardware[0],
        "precision": precision_of(*hardware),
        **here,
    }
    about["sessions"].append(session)
    write_whole(record.folder / SHEET, json.dumps(about, indent=2) + "\n")


@click.command()
@click.option("--dataset", default="cifar10", help="As for a stage: cifar10, digits or a folder.")
@click.option("--data-dir", default="data", type=click.Path(path_type=Path))
@click.option("--train-size", default=5000)
@click.option("--val-size", default=2000)
@click.option("--family", type=click.Choice(list(FAMILIES)), default="recipe")
@click.option(
    "--space",
    "space_file",
    type=click.Path(exists=True, path_type=Path),
    help="As for a stage; changes or adds parameters of the family's space.",
)
@click.option("--max-epochs", default=9)
@click.option("--rounds", default=5, help="More of them go on from the table that is there.")
@click.option("--drawn", default=40, help="Configurations of a round, from the space.")
@click.option("--near", default=20, help="Configurations of a round, near the best so far.")
@click.option("--processes", default=os.cpu_count())
@click.option("--device", type=click.Choice(["cpu", "cuda"]), default="cpu")
@click.option("--precision", type=click.Choice(["auto", "float32", "bfloat16"]), default="auto")
@click.option("--time-budget-s", default=0.0, help="Begin no trial after so many seconds.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The table's folder.")
def main(
    dataset,
    data_dir,
    train_size,
    val_size,
    family,
    space_file,
    max_epochs,
    rounds,
    drawn,
    near,
    processes,
    device,
    precision,
    time_budget_s,
    out,
) -> None:
    """Record the trials that the output folder lacks, then write its table and its data sheet."""
    from hypertuning.learn.data import prepare

    images = Images(prepare(dataset, data_dir), train_size, val_size)
    changes = read_space(space_file) if space_file else {}
    space = {"augment": AUGMENT[family], **FAMILIES[family], **changes}
    size = Size(rounds, drawn, near)
    growing = open_record(out, space, described(space, size, max_epochs, images))
    workers = Workers(processes, images, (device, precision), time_budget_s)
    try:
        done = record(growing, size, workers)
    finally:
        workers.pool.shutdown(cancel_futures=True)
        close_record(growing, (device, precision))
    left = "" if done else "; started again, the command goes on"
    print(f"{len(growing.trials)} trials in {out}{left}")


if __name__ == "__main__":
    main()
