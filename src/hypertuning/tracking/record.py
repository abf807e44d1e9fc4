"""Ray's record of a study, read back as trials and as jobs.

    <study>/study.json                           what was asked for
    <study>/checkpoints/t0007.pt                 the trial's state, and its epochs so far
    <study>/part-001/t0007-e009/params.json      hyperparameters, and the job: trial 7 until epoch 9
                               /result.json      one result a line
                               /recovered.json   what a checkpoint knew and result.json did not
                               /error.txt        only of a job that failed
    <study>/part-001/ended.json                  how the part ended; absent while it lives

It may be read while Ray writes it, and after it was cut off at any byte.
"""

import json
import math
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hypertuning.config import OBJECTIVE, UserError
from hypertuning.tracking.trial import EPOCH_METRICS, Outcome, Row, Trial


def read_study(study_dir: Path) -> dict[str, Any]:
    """What was asked for: `stage`, `strategy`, `num_samples`, `max_epochs`, `parameters`.

    Raises:
        UserError: the folder is no study's.
    """
    study = _read_json(study_dir / "study.json")
    if study is None:
        raise UserError(f"{study_dir} holds no record of a study: it has no readable study.json")
    return study


def write_study(study_dir: Path, study: dict[str, Any]) -> None:
    """Write what was asked for; a reader finds the old words or the new ones, whole."""
    study_dir.mkdir(parents=True, exist_ok=True)
    with (study_dir / "study.json.unfinished").open("w") as file:
        file.write(json.dumps(study, indent=2))
        file.flush()
        os.fsync(file.fileno())
    (study_dir / "study.json.unfinished").replace(study_dir / "study.json")


def parts(study_dir: Path) -> list[Path]:
    """The folders of the study's parts, the first one first."""
    return sorted(study_dir.glob("part-*"), key=_numbers)


def last_job(study_dir: Path, number: int) -> Path:
    """The folder of the job that a trial began last."""
    folders = _job_folders(study_dir, f"t{number:04d}-e*")
    return [folder for folder in folders if (folder / "params.json").exists()][-1]


def read_outcome(study_dir: Path) -> str | None:
    """How the last part ended; None while it lives, and where its driver was killed."""
    begun = parts(study_dir)
    ended = _read_json(begun[-1] / "ended.json") if begun else None
    return ended and ended["outcome"]


def study_outcome(study_dir: Path, trials: Iterable[Trial]) -> str | None:
    """How a study ended: as its last part did, but failed if no trial finished an epoch."""
    outcome = read_outcome(study_dir)
    measured = any(trial.epochs for trial in trials)
    return "failed" if outcome == "completed" and not measured else outcome


def read_trials(study_dir: Path) -> list[Trial]:
    """All trials that have begun, in the order of their numbers."""
    max_epochs, study_outcome = read_study(study_dir)["max_epochs"], read_outcome(study_dir)
    trials = (
        _trial(number, folders, max_epochs, study_outcome)
        for number, folders in _folders_by_trial(study_dir)
    )
    return [trial for trial in trials if trial]


def read_trial(study_dir: Path, number: int) -> Trial | None:
    """One trial; None if it has not begun."""
    max_epochs, study_outcome = read_study(study_dir)["max_epochs"], read_outcome(study_dir)
    folders = _job_folders(study_dir, f"t{number:04d}-e*")
    return _trial(number, folders, max_epochs, study_outcome)


@dataclass(frozen=True)
class RecordedJob:
    """What is known of a job: to train a trial until an epoch."""

    config: dict[str, Any]
    job: dict[str, Any]
    """`trial`, `until` and what else was said of it when it began last."""
    recorded: int
    """Up to which epoch the trial's rows stand in the record without a gap."""
    loss: float | None
    """The objective at the job's end; +inf if it failed or diverged, None if it did not end."""


def read_jobs(study_dir: Path) -> list[RecordedJob]:
    """The jobs that ended, in the order in which the search learnt of it, then the others."""
    ended, unfinished = [], []
    for _, folders in _folders_by_trial(study_dir):
        for order, job in _jobs(folders):
            if job.loss is None:
                unfinished.append(job)
            else:
                ended.append((order, job))
    return [job for _, job in sorted(ended, key=lambda pair: pair[0])] + unfinished


_Order = tuple[float, float]
"""Number of the part, and of the line in it."""


def _jobs(folders: list[Path]) -> Iterator[tuple[_Order, RecordedJob]]:
    """The jobs of one trial; of one that was begun again, the last beginning."""
    begun = [(f, params) for f in folders if (params := _read_json(f / "params.json"))]
    lines = [(_numbers(f)[0], line) for f, _ in begun for line in _read_results(f)]
    rows = _epochs(line for _, line in lines)
    losses = {row["epoch"]: row[OBJECTIVE.metric] for row in rows}
    for until, params in sorted({p["job"]["until"]: p for _, p in begun}.items()):
        ends = [
            (part, line.get("order", math.inf), math.inf if _is_lost(line) else losses[until])
            for part, line in lines
            if _is_lost(line) or (line.get("epoch") == until and until in losses)
        ]
        # what the search learnt first: an epoch may have come to light after its trial was given up
        part, order, loss = min(ends, default=(math.inf, math.inf, None))
        yield (part, order), RecordedJob(params["config"], params["job"], _without_gap(rows), loss)
        if loss is None:
            return  # whatever it had begun after that, the search decides on it again


def _is_lost(result: dict[str, Any]) -> bool:
    """Whether this is the line of a job that diverged or failed: its trial's last."""
    return result.get("diverged") is True or result.get("failed") is True


def _without_gap(rows: list[Row]) -> int:
    """Up to which epoch there is one row after the other."""
    return sum(row["epoch"] == number for number, row in enumerate(rows, start=1))


def _folders_by_trial(study_dir: Path) -> list[tuple[int, list[Path]]]:
    folders: dict[int, list[Path]] = {}
    for folder in _job_folders(study_dir):
        folders.setdefault(_numbers(folder)[1], []).append(folder)
    return sorted(folders.items())


def _job_folders(study_dir: Path, name: str = "t*-e*") -> list[Path]:
    """The folders of jobs, in the order in which a trial's jobs ran."""
    return sorted(study_dir.glob(f"part-*/{name}"), key=_numbers)


def _numbers(folder: Path) -> list[int]:
    """…/part-001/t0007-e009 → [1, 7, 9]; …/part-001 → [1]."""
    part = folder if folder.name.startswith("part-") else folder.parent
    return [int(number) for number in re.findall(r"\d+", str(folder.relative_to(part.parent)))]


def _trial(
    number: int, folders: list[Path], max_epochs: int, study_outcome: str | None
) -> Trial | None:
    """Put a trial's jobs together; None before the first of them has written its parameters."""
    params = {folder: _read_json(folder / "params.json") for folder in folders}
    begun = [folder for folder in folders if params[folder]]
    if not begun:
        return None
    results = [result for folder in begun for result in _read_results(folder)]
    epochs, error = _epochs(results), _read_error(begun[-1])
    config, job = params[begun[-1]]["config"], params[begun[-1]]["job"]
    reached = epochs[-1]["epoch"] if epochs else 0
    outcome: Outcome | None
    if any(result.get("diverged") is True for result in results):
        outcome = "diverged"
    elif any(map(_is_lost, results)):
        outcome, error = "failed", error or "it left no message"
    elif reached >= max_epochs:
        outcome = "completed"
    else:
        outcome = _unfinished(study_outcome)
    return Trial(number, config, job, epochs, outcome, error, _started(begun[0], epochs))


def _unfinished(study_outcome: str | None) -> Outcome | None:
    """What a trial is that nothing ended but the study's own end."""
    if study_outcome is None:
        return None
    return "pruned" if study_outcome == "completed" else "interrupted"


def _started(folder: Path, epochs: list[Row]) -> float:
    """When the first job wrote its parameters; a retry writes them again, after the first epoch."""
    written = (folder / "params.json").stat().st_mtime
    return min([written, *(row["timestamp"] - row["epoch_seconds"] for row in epochs[:1])])


def _epochs(results: Iterable[dict[str, Any]]) -> list[Row]:
    """The first whole row of every epoch; a retry and a part that began earlier repeat some."""
    rows: dict[int, Row] = {}
    for result in results:
        row = {name: result.get(name) for name in ("epoch", "timestamp", *EPOCH_METRICS)}
        if all(isinstance(value, int | float) and math.isfinite(value) for value in row.values()):
            rows.setdefault(row["epoch"], row)
    return [rows[epoch] for epoch in sorted(rows)]


def _read_results(folder: Path) -> Iterator[dict[str, Any]]:
    """The results of a job; a line that was cut off, by kill -9 or a full disk, is passed over."""
    text = _read(folder / "result.json") + "\n" + _read(folder / "recovered.json")
    return (result for result in map(_parse, text.split("\n")) if isinstance(result, dict))


def _read_error(folder: Path) -> str | None:
    """The exception of a job's last failure: the first line below the last frame of its trace."""
    failures = re.split(r"^Failure # .*$", _read(folder / "error.txt"), flags=re.MULTILINE)
    lines = failures[-1].strip().split("\n")
    frames = [number for number, line in enumerate(lines) if line.startswith("  File ")]
    below = lines[frames[-1] + 1 :] if frames else lines
    return next((line for line in below if line and not line[0].isspace()), None)


def _read_json(path: Path) -> Any:
    return _parse(_read(path))


def _parse(text: str) -> Any:
    """JSON as Ray writes it, NaN included; None if it is not whole."""
    try:
        return json.loads(text)
    except ValueError:
        return None


def _read(path: Path) -> str:
    """A file's text, which is empty where there is no file yet."""
    try:
        return path.read_text(errors="replace")
    except FileNotFoundError:
        return ""
