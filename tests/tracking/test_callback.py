"""Claims about the callback: it costs Ray nothing, falls behind and catches up."""

import time
from types import SimpleNamespace

import pytest
from mlflow import MlflowClient
from ray import cloudpickle
from records import row
from stores import dump, new_study, track

from hypertuning.epoch import EPOCH_METRICS
from hypertuning.tracking import callback as callback_module
from hypertuning.tracking.callback import MLflowMirror
from hypertuning.tracking.mirror import mirror_study
from hypertuning.tracking.runs import curves, trials


def ray_trial(number: int) -> SimpleNamespace:
    """As much of Ray's trial as the callback looks at."""
    return SimpleNamespace(config={"config": {}, "job": {"trial": number}})


@pytest.fixture
def follow(record, client, study_id):
    """Start a callback on a study, in the store that was named last; at the end it is stopped."""
    started = []

    def start(study: str = study_id) -> MLflowMirror:
        started.append(MLflowMirror(study, record.folder))
        started[-1].setup()
        return started[-1]

    yield start
    for callback in started:
        callback.on_experiment_end([])


def wait_until(condition, seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def test_it_can_be_pickled_until_ray_sets_it_up(record):
    callback = MLflowMirror("1", record.folder)
    assert cloudpickle.loads(cloudpickle.dumps(callback)).study_dir == record.folder


def test_epochs_are_in_the_store_soon_after_they_were_reported(record, client, study_id, follow):
    callback = follow()
    job = record.job(0, until=9)
    callback.log_trial_start(ray_trial(0))
    wait_until(lambda: len(trials(client, [study_id])) == 1)
    record.epochs(job, [1, 2])
    callback.log_trial_result(1, ray_trial(0), row(2))
    wait_until(lambda: list(curves(client, [study_id])["epoch"]) == [1, 2])


def test_the_end_of_the_experiment_waits_for_what_is_behind(record, client, study_id):
    callback = MLflowMirror(study_id, record.folder)
    callback.setup()
    for number in range(8):
        record.epochs(record.job(number, until=9), range(1, 10))
        callback.log_trial_end(ray_trial(number))
    callback.on_experiment_end([])
    assert list(trials(client, [study_id])["outcome"]) == ["completed"] * 8
    assert callback.last_error is None


def test_many_reports_of_a_trial_become_few_batches(record, client, study_id, follow, store):
    job = record.job(0, until=300)
    callback = follow()
    for epoch in range(1, 201):
        record.epochs(job, [epoch])
        callback.log_trial_result(epoch, ray_trial(0), row(epoch))
    wait_until(lambda: len(curves(client, [study_id])) == 200)
    keys = [point[:3] for point in dump(store)["metrics"]]
    assert len(keys) == len(set(keys))


def test_a_server_that_goes_away_makes_the_mirror_late_and_nothing_else(
    record, follow, server, monkeypatch
):
    monkeypatch.setattr(callback_module, "back_off", lambda: iter([0.1] * 999))
    client = MlflowClient(server.uri)
    study_id = new_study(client)
    track(monkeypatch, server.uri)
    callback = follow(study_id)
    job = record.job(0, until=9)
    record.epochs(job, [1, 2, 3])
    callback.log_trial_result(3, ray_trial(0), row(3))
    wait_until(lambda: len(curves(client, [study_id])) == 3)

    server.stop()
    record.epochs(job, [4, 5])
    callback.log_trial_result(5, ray_trial(0), row(5))
    record.epochs(record.job(1, until=9), [1])
    callback.log_trial_start(ray_trial(1))
    wait_until(lambda: callback.last_error)
    assert "Connection refused" in callback.last_error
    server.start()

    wait_until(lambda: len(curves(client, [study_id])) == 6)
    wait_until(lambda: callback.last_error is None)
    points = [point for point in dump(server.store)["metrics"] if point[1] in EPOCH_METRICS]
    assert len(trials(client, [study_id])) == 2
    assert len({point[:3] for point in points}) == len(points)


def test_a_damaged_line_is_told_once_and_holds_up_nobody(record, client, study_id, follow, caplog):
    callback = follow()
    damaged = record.job(0, until=9)
    record.line(damaged, "[]\n")
    for number in (0, 0, 1):
        if number:
            record.epochs(record.job(number, until=9), range(1, 10))
        callback.log_trial_end(ray_trial(number))
    wait_until(lambda: list(trials(client, [study_id])["trial_id"]) == ["t0001"])
    (told,) = caplog.messages
    assert f"record is damaged: {damaged / 'result.json'}, line 1" in told


def test_a_trial_that_cannot_be_mirrored_does_not_hold_up_the_others(
    record, client, study_id, follow, monkeypatch
):
    monkeypatch.setattr(callback_module, "back_off", lambda: iter([0.01] * 9999))
    monkeypatch.setattr(callback_module, "DRAIN_SECONDS", 0.2)
    read = callback_module.read_trial
    monkeypatch.setattr(
        callback_module, "read_trial", lambda folder, n: read(folder, n) if n else 1 / 0
    )
    callback = follow()
    for number in range(3):
        record.epochs(record.job(number, until=9), range(1, 10))
        callback.log_trial_end(ray_trial(number))
    wait_until(lambda: list(trials(client, [study_id])["trial_id"]) == ["t0001", "t0002"])
    wait_until(lambda: callback.last_error == "division by zero")


def test_the_end_leaves_a_store_that_stays_away_to_the_last_pass(
    record, client, study_id, monkeypatch
):
    monkeypatch.setattr(callback_module, "DRAIN_SECONDS", 0.2)
    track(monkeypatch, "http://127.0.0.1:9")
    callback = MLflowMirror(study_id, record.folder)
    callback.setup()
    record.epochs(record.job(0, until=9), range(1, 10))
    callback.log_trial_end(ray_trial(0))
    began = time.monotonic()
    callback.on_experiment_end([])
    assert time.monotonic() - began < 5
    assert "Connection refused" in callback.last_error
    mirror_study(client, study_id, record.folder)
    assert list(trials(client, [study_id])["outcome"]) == ["completed"]
