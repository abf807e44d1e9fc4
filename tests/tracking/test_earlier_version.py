"""Claims about studies of earlier versions: read, mirrored, reported and resumed by this one.

`recorded/` holds them as they were written, without most checkpoints. `resumed` was interrupted
while two trials were an epoch ahead of the record, and then went on to its end.
"""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from stores import new_study, track

from entrypoints import report
from hypertuning.epoch import EPOCH_METRICS
from hypertuning.record.layout import StudyDir
from hypertuning.record.read import read_record
from hypertuning.stages.repair import Sync, run
from hypertuning.stages.study.past import read_past
from hypertuning.tracking import runs

RECORDED = Path(__file__).parent / "recorded"
SRC = Path(__file__).parents[2] / "src"
TRIALS = {
    "t0000": ("completed", 3),
    "t0001": ("pruned", 1),
    "t0002": ("pruned", 1),
    "t0003": ("completed", 3),
    "t0004": ("completed", 3),
    "t0005": ("completed", 3),
    "t0006": ("pruned", 1),
    "t0007": ("pruned", 1),
}


@pytest.fixture
def study(client, tmp_path) -> StudyDir:
    """The study `resumed`, of which a fresh store has nothing but its run."""
    study = StudyDir.of(tmp_path / "records", new_study(client))
    shutil.copytree(RECORDED / "resumed", study)
    client.set_tag(study.id, "stage", "bohb")
    return study


def test_its_record_is_read_as_it_was():
    recorded = read_record(RECORDED / "resumed")
    assert {t.trial_id: (t.outcome, t.epochs_run) for t in recorded.trials} == TRIALS
    assert (recorded.outcome, recorded.epochs, recorded.best.trial_id) == ("completed", 16, "t0003")
    assert recorded.best.summary()["best_val_loss"] == 2.293259938557943


def test_it_is_synchronised_into_a_fresh_store_and_reported(client, study, tmp_path, capsys):
    run.run_sync(Sync(study=study.id, storage_path=study.storage_path, sync_timeout_s=0))
    assert "completed, 8 trials, 16 epochs, all of it in MLflow" in capsys.readouterr().out
    trials = runs.trials(client, [study.id]).itertuples()
    assert {trial.trial_id: (trial.outcome, trial.epochs_run) for trial in trials} == TRIALS
    curves = runs.curves(client, [study.id]).set_index(["trial_id", "epoch"])
    for trial in read_record(study).trials:
        for row in trial.epochs:
            stored = curves.loc[trial.trial_id, row["epoch"]]
            assert {name: stored[name] for name in EPOCH_METRICS} == {
                name: row[name] for name in EPOCH_METRICS
            }
    arguments = ["--source", study.id, "--out", str(tmp_path / "out")]
    reported = CliRunner().invoke(report.main, arguments)
    assert reported.exit_code == 0, reported.output
    (text,) = (tmp_path / "out").glob("*/report.md")
    assert "validation loss: 2.293, after epoch 3 of 3" in text.read_text()


def test_where_it_was_cut_off_it_goes_on_with_what_was_left(study):
    shutil.rmtree(study.part(2))
    assert read_record(study).outcome == "interrupted"
    past = [(past.job.trial, past.job.until, past.recorded) for past in read_past(study)]
    assert past == [(0, 1, 3), (1, 1, 1), (2, 1, 1), (0, 3, 3), (3, 3, 2)]
    assert [past.loss for past in read_past(study)][-1] is None


NEWEST = '''
    top_5_accuracy: Measured | None = None
    """A metric that no record has yet."""
'''
READ_BY_A_NEWER_VERSION = """
import sys
from pathlib import Path

from hypertuning.config import parse_config
from hypertuning.epoch import EPOCH_METRICS
from hypertuning.learn.checkpoint import load, read_rows
from hypertuning.learn.training import Hardware
from hypertuning.record.layout import StudyDir
from hypertuning.record.read import read_record
from hypertuning.record.recovery import recover
from hypertuning.tracking import runs
from hypertuning.tracking.doctor import examine, with_records
from hypertuning.tracking.mirror import mirror_study
from hypertuning.tracking.store import connect

study, client = StudyDir(sys.argv[1]), connect()
assert EPOCH_METRICS[-1] == "top_5_accuracy"
(study.part(1) / "t0003-e003/result.json").unlink()  # only its checkpoint knows its epochs
recover(study, lambda file, config: [row.as_dict() for row in read_rows(file, config)])
recorded = read_record(study)
assert recorded.outcome == "completed"
assert [trial.epochs_run for trial in recorded.trials] == [0, 3, 1, 3, 3]
assert all("top_5_accuracy" not in row for trial in recorded.trials for row in trial.epochs)

class Data:
    classes = "0123456789"
    train = range(9)

config = parse_config(recorded.trials[3].config)
state = load(study.checkpoint(3), config, Data, Hardware.of("cpu"))
assert state.epoch == 3 and state.rows[-1].top_5_accuracy is None

mirror_study(client, study.id, study, trials=recorded.trials)
curves = runs.curves(client, [study.id])
assert len(curves) == recorded.epochs == 10
assert curves["top_5_accuracy"].isna().all() and curves["val_loss"].notna().all()
(both,) = with_records(client, [study.id], study.storage_path)
assert [found for found in examine(client, both) if "epoch" in found.what] == []
"""


@pytest.mark.slow
def test_a_record_and_a_checkpoint_without_the_newest_metric_lose_nothing_else(
    client, store, tmp_path
):
    shutil.copytree(SRC, tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__"))
    epoch = tmp_path / "src/hypertuning/epoch.py"
    before, field, after = epoch.read_text().partition("    timestamp: Timestamp\n")
    doc, rest = after.split("\n", 1)
    epoch.write_text(f"{before}{field}{doc}{NEWEST}{rest}")
    study = StudyDir.of(tmp_path / "records", new_study(client))
    shutil.copytree(RECORDED / "bohb", study)
    with pytest.MonkeyPatch.context() as shell:
        track(shell, f"sqlite:///{store}")
        shell.setenv("PYTHONPATH", str(tmp_path / "src"))
        shell.setenv("MLFLOW_EXPERIMENT_NAME", "tests")
        command = [sys.executable, "-c", READ_BY_A_NEWER_VERSION, str(study)]
        done = subprocess.run(command, cwd=tmp_path, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
