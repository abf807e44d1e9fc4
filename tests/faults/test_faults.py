"""Faults of every kind, with real processes, signals and servers: nothing lost, nothing twice."""

import os
import shutil
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from audit import audit, in_store, on_disk
from processes import ROOT, Server, Study, python_m, wait_until

pytestmark = pytest.mark.faults

STUDIES = {
    "grid": ("grid", {"epochs": 2}),
    "asha": ("hyperband", {"num_samples": 12, "grace_period": 1, "max_epochs": 9}),
    "hyperband": ("bohb", {"num_samples": 22, "strategy": "hyperband"}),
    "gp": ("bohb", {"num_samples": 16, "max_epochs": 9, "space": "space.yaml"}),
    "bohb": (
        "bohb",
        {"num_samples": 28, "max_epochs": 3, "strategy": "bohb", "space": "space.yaml"},
    ),
}
"""One study at a time, so that the order of results, and with it every decision, is fixed."""
SMALL_SPACE = "{momentum: 0.9, dropout: 0.1, weight_decay: 0.0, hidden_size: 64, optimizer: sgd}"


def small_bohb(folder: Path, store: str, **given) -> Study:
    given = {"num_samples": 9, "max_epochs": 9, "strategy": "hyperband", **given}
    return Study(folder, store, "bohb", **given)


@pytest.mark.parametrize("strategy", STUDIES)
def test_the_driver_is_killed_early_in_the_middle_and_late(folder, strategy, clean):
    stage, given = STUDIES[strategy]
    (folder / "space.yaml").write_text(SMALL_SPACE)
    straight, killed = ((folder / name) for name in ("straight", "killed"))
    studies = []
    for place in (straight, killed):
        place.mkdir()
        shutil.copy(folder / "space.yaml", place)
        store = f"sqlite:///{place}/mlflow.db"
        studies.append(Study(place, store, stage, concurrency=1, **given))
    assert studies[0].start().end() == 0
    total = studies[0].epochs()
    study = studies[1].start()
    for share in (0.1, 0.5, 0.9):
        study.wait_for(round(share * total))
        study.kill()
        study.resume()
    assert study.end() == 0
    clean(audit(study.study_dir, study.store))
    assert decisions(study) == decisions(studies[0]), "it decided as the undisturbed one"


def decisions(study: Study) -> dict[int, tuple]:
    """Configuration, epochs and losses of every trial."""
    return {
        number: (trial.config, {epoch: row["val_loss"] for epoch, row in trial.rows.items()})
        for number, trial in on_disk(study.study_dir).items()
    }


def test_a_worker_is_killed_and_its_trial_goes_on(folder, store, clean):
    study = small_bohb(folder, store).start()
    study.wait_for(12)
    os.kill(study.workers()[0], signal.SIGKILL)
    assert study.end() == 0
    found = audit(study.study_dir, store)
    clean(found)
    assert not any(trial.failed for trial in on_disk(study.study_dir).values())


def test_a_worker_is_killed_and_its_trial_may_not_be_tried_again(folder, store, clean):
    study = small_bohb(folder, store, max_failures=0).start()
    study.wait_for(12)
    os.kill(study.workers()[0], signal.SIGKILL)
    assert study.end() == 0
    clean(audit(study.study_dir, store))
    (failed,) = (n for n, trial in on_disk(study.study_dir).items() if trial.failed)
    runs, *_ = in_store(study.study_dir.name, store)
    (run,) = (run for run in runs if run["tags"].get("trial_id") == f"t{failed:04d}")
    assert "The actor died" in run["tags"]["mlflow.note.content"]


def test_ctrl_c_under_mlflow_run(folder, store, clean):
    study = small_bohb(folder, store, by_mlflow=True).start()
    study.wait_for(8)
    study.press_ctrl_c()
    began = time.monotonic()
    study.process.wait(60)
    assert time.monotonic() - began < 20
    assert "Traceback" not in study.printed
    again = f"run {ROOT} -e bohb --env-manager local -P resume={study.study_dir.name}"
    assert again in study.printed
    runs, *_ = in_store(study.study_dir.name, store)
    outcomes = [run["tags"]["outcome"] for run in runs if run["id"] == study.study_dir.name]
    assert outcomes == ["interrupted"]
    # the status is MLflow's: FAILED, until somebody looks
    assert python_m(folder, store, "sync", *at(study)).returncode == 0
    clean(audit(study.study_dir, store), "interrupted")

    assert study.resume().end() == 0
    clean(audit(study.study_dir, store))
    runs, *_ = in_store(study.study_dir.name, store)
    (launcher,) = (run for run in runs if run["tags"]["outcome"] == "launcher")
    assert launcher["status"] == "FINISHED"


def test_ctrl_c_twice(folder, store, clean):
    study = small_bohb(folder, store).start()
    study.wait_for(8)
    driver = study.driver()
    os.kill(study.workers()[0], signal.SIGSTOP)  # so that the first one has to wait
    study.press_ctrl_c()
    time.sleep(2.5)
    os.kill(driver, signal.SIGINT)
    began = time.monotonic()
    assert study.end(60) == 130
    assert time.monotonic() - began < 15
    assert study.resume().end() == 0
    clean(audit(study.study_dir, store))


def test_sigterm(folder, store, clean):
    study = small_bohb(folder, store).start()
    study.wait_for(8)
    os.kill(study.driver(), signal.SIGTERM)
    assert study.end(60) == 130
    clean(audit(study.study_dir, store), "interrupted")
    assert study.resume().end() == 0
    clean(audit(study.study_dir, store))


def test_the_driver_is_killed_and_the_doctor_closes_the_study(folder, store, clean):
    study = small_bohb(folder, store).start()
    study.wait_for(8)
    study.kill()
    seen = python_m(folder, store, "doctor", *at(study))
    assert seen.returncode == 1
    assert "study is RUNNING, but its driver is gone" in seen.stdout
    mended = python_m(folder, store, "doctor", *at(study), "--fix=true")
    assert mended.returncode == 0, mended.stdout + mended.stderr
    clean(audit(study.study_dir, store), "interrupted")
    assert study.resume().end() == 0
    clean(audit(study.study_dir, store))


def at(study: Study) -> list[str]:
    return [f"--storage-path={study.study_dir.parent}"]


def test_the_server_is_down_for_a_minute_in_the_middle(folder, server, clean):
    study = small_bohb(folder, server.uri, num_samples=45, train_size=600).start()
    study.wait_for(10)
    server.kill()
    time.sleep(60)
    assert study.epochs() > 20, "training went on"
    server.start()
    assert study.end() == 0
    clean(audit(study.study_dir, server.database))


def test_the_server_is_killed_with_a_request_in_flight(folder, server, clean):
    study = small_bohb(folder, server.uri, num_samples=22).start()
    for epochs in (6, 14, 22):
        study.wait_for(epochs)
        server.signal(signal.SIGSTOP)  # requests arrive, and get no answer
        time.sleep(3)
        server.kill()
        server.start()
    assert study.end() == 0
    clean(audit(study.study_dir, server.database))


def test_the_server_does_what_it_was_asked_but_answers_too_late(folder, server, clean):
    study = small_bohb(folder, server.uri, num_samples=22).start()
    for epochs in (6, 20):
        study.wait_for(epochs)
        server.signal(signal.SIGSTOP)
        time.sleep(15)  # longer than a request waits
        server.signal(signal.SIGCONT)
    assert study.end() == 0
    clean(audit(study.study_dir, server.database))


def test_the_server_is_down_at_the_end_and_sync_delivers(folder, server, clean):
    study = small_bohb(folder, server.uri, sync_timeout_s=5).start()
    study.wait_for(10)
    server.kill()
    assert study.end() == 1
    assert "did not reach the tracking store" in study.printed
    assert "python -m entrypoints.sync --study" in study.printed
    server.start()
    synced = python_m(folder, server.uri, "sync", *at(study))
    assert synced.returncode == 0, synced.stdout + synced.stderr
    clean(audit(study.study_dir, server.database))


def test_the_database_is_locked(folder, store, clean):
    study = small_bohb(folder, store, num_samples=22).start()
    study.wait_for(10)
    with sqlite3.connect(folder / "mlflow.db", timeout=60, isolation_level=None) as other:
        other.execute("BEGIN EXCLUSIVE")
        time.sleep(40)  # twice as long as MLflow waits
        other.execute("ROLLBACK")
    assert study.end() == 0
    clean(audit(study.study_dir, store))


@pytest.fixture
def small_disk(folder: Path) -> Iterator[Path]:
    """A file system of 8 MB for the record: some checkpoints fit, not all."""
    disk = folder / "ray_results"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no small file system can be mounted here: that needs root")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_the_disk_is_full_when_a_checkpoint_is_written(folder, store, small_disk, clean):
    study = small_bohb(folder, store).start()
    assert study.end() == 1
    assert "could not be written: No space left on device" in study.printed
    assert study.epochs() > 0
    make_room(small_disk)
    assert study.resume().end() == 0
    clean(audit(study.study_dir, store))


def make_room(disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,size=200m", str(disk)], check=True)


def test_the_disk_is_full_when_a_result_is_written(folder, store, small_disk, clean):
    make_room(small_disk)
    study = small_bohb(folder, store).start()
    study.wait_for(6)
    with suppress(OSError), (small_disk / "filler").open("wb", buffering=0) as filler:
        while True:
            filler.write(b"0" * 4096)
    assert study.end() == 1
    assert "could not be written: No space left on device" in study.printed
    (small_disk / "filler").unlink()
    assert study.resume().end() == 0
    clean(audit(study.study_dir, store))


def test_two_studies_start_at_the_same_moment_in_a_fresh_folder(folder, store, clean):
    places = [folder / name for name in ("one", "two")]
    for place in places:
        place.mkdir()
    studies = [Study(place, store, "compare", epochs=1, concurrency=1) for place in places]
    for study in studies:
        study.start()
    assert [study.end() for study in studies] == [0, 0]
    for study in studies:
        clean(audit(study.study_dir, store))


def test_a_loss_is_not_finite(folder, store, clean):
    (folder / "points.yaml").write_text("[{learning_rate: 1.0e+30, optimizer: sgd}]")
    study = small_bohb(folder, store, points=folder / "points.yaml").start()
    assert study.end() == 0
    clean(audit(study.study_dir, store))
    assert on_disk(study.study_dir)[0].diverged


TOO_LARGE = "{filters: 2000000, num_conv_layers: 1, global_pool: true, hidden_size: 64}"
"""A network of 180 million weights, whose first batch needs half a terabyte."""


def test_a_trial_raises(folder, store, clean):
    (folder / "points.yaml").write_text(f"[{TOO_LARGE}]")
    study = small_bohb(folder, store, points=folder / "points.yaml").start()
    assert study.end() == 0
    clean(audit(study.study_dir, store))
    assert on_disk(study.study_dir)[0].failed
    runs, *_ = in_store(study.study_dir.name, store)
    (run,) = (run for run in runs if run["tags"].get("trial_id") == "t0000")
    assert "Failed after 0 epochs: RuntimeError" in run["tags"]["mlflow.note.content"]


def test_all_trials_raise(folder, store, clean):
    (folder / "space.yaml").write_text(TOO_LARGE)
    given = {"space": folder / "space.yaml", "num_samples": 3, "max_failures": 0}
    study = small_bohb(folder, store, **given).start()
    assert study.end() == 1
    assert "none of its 3 trials finished an epoch; the first cause: RuntimeError" in study.printed
    clean(audit(study.study_dir, store), "failed")


def test_the_power_fails_and_the_disk_lost_what_was_written_last(folder, store, clean):
    study = small_bohb(folder, store).start()
    study.wait_for(14)
    study.kill()
    files = sorted(study.study_dir.glob("part-*/*/result.json"), key=lambda f: f.stat().st_mtime)
    torn, empty = files[-1], files[-2]
    torn.write_bytes(torn.read_bytes()[:-40])  # half a line at the end
    empty.write_bytes(b"")
    assert study.resume().end() == 0
    clean(audit(study.study_dir, store))


def test_a_finished_study_gets_more_samples(folder, store, clean):
    study = small_bohb(folder, store).start()
    assert study.end() == 0
    before = decisions(study)
    assert study.resume(num_samples=14).end() == 0
    clean(audit(study.study_dir, store))
    after = decisions(study)
    assert len(after) == 14
    for number, (config, losses) in before.items():
        assert after[number][0] == config
        assert losses.items() <= after[number][1].items(), "nothing was trained again"


def test_a_server_that_was_away_shows_epochs_soon_after_it_is_back(folder, server, clean):
    study = small_bohb(folder, server.uri, num_samples=30, train_size=600).start()
    study.wait_for(8)
    server.kill()
    time.sleep(10)
    server.start()
    back = time.monotonic()
    wait_until(lambda: points(study, server) >= study.epochs() - 4, seconds=60)
    assert time.monotonic() - back < 40
    assert study.end() == 0
    clean(audit(study.study_dir, server.database))


def points(study: Study, server: Server) -> int:
    """Epochs that the store holds."""
    _, found, _ = in_store(study.study_dir.name, server.database)
    return sum(metric == "val_loss" for run in found.values() for metric, _ in run)
