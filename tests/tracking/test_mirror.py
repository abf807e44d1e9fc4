"""Claims about the mirror: everything once, whenever and however often it is made."""

import logging
import math
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from unittest.mock import Mock

import pytest
from matplotlib.figure import Figure
from mlflow.exceptions import MlflowException
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore
from records import START, Record, row
from sqlalchemy import Engine, event
from stores import dump, new_study

from hypertuning.config import UserError, parse_config
from hypertuning.epoch import EPOCH_METRICS
from hypertuning.record.locks import only_writer
from hypertuning.record.read import read_trial
from hypertuning.tracking.doctor import StudyAndRecord, examine
from hypertuning.tracking.labels import run_name
from hypertuning.tracking.mirror import Mirror, mirror_study
from hypertuning.tracking.queries import find_trials
from hypertuning.tracking.store import NotStored, insist

TRACE = 'Failure # 1\nray::x()\n  File "x.py", line 1, in f\nValueError: no such luck\n'


def draw(trial) -> Figure:
    figure = Figure()
    figure.suptitle(f"{trial.trial_id} {trial.outcome} {trial.epochs_run}")
    return figure


def runs_of(client, study_id):
    experiment_id = client.get_run(study_id).info.experiment_id
    return {run.data.tags["trial_id"]: run for run in find_trials(client, experiment_id, study_id)}


def write_study(record) -> None:
    """One trial of every kind, in two parts and several jobs, damaged where it can be."""
    ladder = {"sampler": "random", "bracket": 1}
    record.epochs(record.job(0, until=3, rung=0, **ladder), [1, 2, 3])
    record.epochs(record.job(1, until=3, rung=0, **ladder), [1, 2, 2, 3])
    diverged = record.job(2, until=9, rung=1, **ladder)
    record.epochs(diverged, [1, 2])
    record.line(diverged, {"epoch": 3, "diverged": True})
    failed = record.job(3, until=9, config={"model": "nn"}, sampler="model")
    record.epochs(failed, [1])
    record.line(failed, '{"epoch": 2, "train_l')
    record.fail(failed, TRACE)
    record.fail(record.job(4, until=3, sampler="point"), TRACE)
    record.end("interrupted")
    promoted = record.job(1, until=9, part=2, rung=2, **ladder)
    record.epochs(promoted, [3], val_loss=9.0)
    record.epochs(promoted, range(4, 10))


OUTCOMES = {
    "t0000": ("pruned", "FINISHED"),
    "t0001": ("completed", "FINISHED"),
    "t0002": ("diverged", "FAILED"),
    "t0003": ("failed", "FAILED"),
    "t0004": ("failed", "FAILED"),
}


def test_every_trial_is_a_child_of_the_study_with_its_outcome_and_status(record, client, study_id):
    write_study(record)
    record.end("completed", part=2)
    mirror_study(client, study_id, record.folder, draw)
    runs = runs_of(client, study_id)
    found = {name: (run.data.tags["outcome"], run.info.status) for name, run in runs.items()}
    assert found == OUTCOMES
    assert {run.data.tags["mlflow.parentRunId"] for run in runs.values()} == {study_id}


def test_an_interrupted_trial_is_killed(record, client, study_id):
    record.epochs(record.job(0, until=9), [1])
    record.end("interrupted")
    mirror_study(client, study_id, record.folder)
    run = runs_of(client, study_id)["t0000"]
    assert (run.data.tags["outcome"], run.info.status) == ("interrupted", "KILLED")


def test_a_run_holds_the_curated_params_metrics_and_tags_and_nothing_else(record, client, study_id):
    write_study(record)
    mirror_study(client, study_id, record.folder, draw)
    run = runs_of(client, study_id)["t0001"]
    config = read_trial(record.folder, 1).config
    assert run.data.params == {name: str(value) for name, value in config.items()}
    best = {"best_val_loss", "best_val_accuracy", "best_epoch", "epochs_run", "overfit_epoch"}
    assert run.data.metrics.keys() == {*EPOCH_METRICS, *best}
    tags = {name: value for name, value in run.data.tags.items() if name != "mlflow.note.content"}
    assert tags == {
        "mlflow.parentRunId": study_id,
        "mlflow.runName": "cnn f146 k3 p1 h256",
        "stage": "hyperband",
        "trial_id": "t0001",
        "outcome": "completed",
        "sampler": "random",
        "bracket": "1",
        "rung": "2",
    }
    assert [file.path for file in client.list_artifacts(run.info.run_id)] == ["overfitting.png"]


def test_every_metric_has_one_point_per_epoch_at_the_time_of_its_recording(
    record, client, study_id
):
    write_study(record)
    mirror_study(client, study_id, record.folder)
    run_id = runs_of(client, study_id)["t0001"].info.run_id
    for name in EPOCH_METRICS:
        points = client.get_metric_history(run_id, name)
        assert [(p.step, p.timestamp, p.value) for p in points] == [
            (epoch, 1000 * row(epoch)["timestamp"], row(epoch)[name]) for epoch in range(1, 10)
        ]


def test_a_run_lasts_from_the_recorded_start_to_the_last_epoch(record, client, study_id):
    record.epochs(record.job(0, until=9), range(1, 10))
    mirror_study(client, study_id, record.folder)
    info = runs_of(client, study_id)["t0000"].info
    assert (info.start_time, info.end_time) == (1000 * START, 1000 * (START + 90))


@pytest.mark.parametrize("ended", [None, "completed", "interrupted"])
def test_mirroring_again_changes_nothing_and_sends_nothing(
    record, client, study_id, store, monkeypatch, ended
):
    write_study(record)
    if ended:
        record.end(ended, part=2)
    mirror_study(client, study_id, record.folder, draw)
    once = dump(store)
    for name in (
        "create_run",
        "log_batch",
        "log_artifacts",
        "set_terminated",
        "update_run",
        "delete_tag",
    ):
        monkeypatch.setattr(client, name, Mock(side_effect=AssertionError(name)))
    mirror_study(client, study_id, record.folder, draw)
    mirror_study(client, study_id, record.folder, draw)
    assert dump(store) == once


def test_following_a_study_epoch_by_epoch_equals_mirroring_it_at_its_end(
    record, client, study_id, store, new_store
):
    mirror = Mirror(client, study_id, draw)

    def follow(*numbers: int) -> None:
        for number in numbers:
            mirror.trial(read_trial(record.folder, number))

    jobs = {n: record.job(n, until=3, sampler="random", rung=0) for n in (0, 1)}
    follow(0, 1)
    for epoch in (1, 2, 3):
        for n, job in jobs.items():
            record.epochs(job, [epoch])
            follow(n)
    promoted = record.job(1, until=9, sampler="random", rung=1)
    follow(1)
    for epoch in range(4, 10):
        record.epochs(promoted, [epoch])
        follow(1)
    record.end("completed")
    mirror_study(client, study_id, record.folder, draw)
    followed = dump(store, run_ids=False)

    late_store, late = new_store()
    mirror_study(late, new_study(late), record.folder, draw)
    assert dump(late_store, run_ids=False) == followed


def test_a_trial_costs_five_requests_and_one_more_for_every_batch_of_epochs(
    record, client, study_id, monkeypatch
):
    calls = []
    for name in (
        "create_run",
        "log_batch",
        "log_artifacts",
        "set_terminated",
        "search_runs",
        "get_run",
        "get_metric_history",
        "update_run",
        "set_tag",
        "log_metric",
        "log_param",
    ):
        real = getattr(client, name)
        monkeypatch.setattr(
            client, name, lambda *a, _n=name, _r=real, **k: (calls.append(_n), _r(*a, **k))[1]
        )
    mirror = Mirror(client, study_id, draw)
    assert calls == ["get_run", "search_runs"]
    calls.clear()
    job = record.job(0, until=9)
    mirror.trial(read_trial(record.folder, 0))
    record.epochs(job, [1, 2, 3, 4])
    mirror.trial(read_trial(record.folder, 0))
    record.epochs(job, [5, 6, 7, 8, 9])
    mirror.trial(read_trial(record.folder, 0))
    mirror.trial(read_trial(record.folder, 0))
    assert calls == [
        "create_run",
        *["log_batch"] * 2,
        "log_artifacts",
        "log_batch",
        "set_terminated",
    ]


def test_to_look_again_at_many_trials_asks_the_store_no_more_than_to_look_at_few(client, tmp_path):
    def asked(trials: int) -> tuple[list[str], list[str]]:
        """The statements that looking again takes, by the mirror and by doctor."""
        record = Record(tmp_path / new_study(client))
        for number in range(trials):
            record.epochs(record.job(number, until=2), [1, 2])
        record.end("completed")
        study_id = record.folder.name
        mirror_study(client, study_id, record.folder, draw)
        study = StudyAndRecord(client.get_run(study_id), record.folder)
        looks = (
            lambda: mirror_study(client, study_id, record.folder, draw, look=True),
            lambda: examine(client, study),
        )
        return tuple(map(statements_of, looks))

    few, many = asked(2), asked(12)
    assert [len(each) for each in many] == [len(each) for each in few], (few, many)


def statements_of(look: Callable[[], object]) -> list[str]:
    """What a database is told while a function runs."""
    told = []

    def hear(*given) -> None:
        told.append(given[2])

    event.listen(Engine, "before_cursor_execute", hear)
    try:
        look()
    finally:
        event.remove(Engine, "before_cursor_execute", hear)
    return told


def test_a_trial_that_goes_on_after_its_end_runs_again_and_ends_anew(record, client, study_id):
    record.epochs(record.job(0, until=3), [1, 2], val_loss=0.5)
    first = row(3) | {"val_loss": 0.6}
    record.line(record.folder / "part-001/t0000-e003", first)
    record.end("completed")
    mirror_study(client, study_id, record.folder, draw)
    assert runs_of(client, study_id)["t0000"].data.metrics["overfit_epoch"] == 3

    job = record.job(0, until=9, part=2)
    mirror_study(client, study_id, record.folder, draw)
    assert runs_of(client, study_id)["t0000"].info.status == "FINISHED", "it may never go on"
    record.epochs(job, [4])
    mirror_study(client, study_id, record.folder, draw)
    run = runs_of(client, study_id)["t0000"]
    assert (run.info.status, run.data.tags.get("outcome")) == ("RUNNING", None)
    assert run.data.tags["mlflow.note.content"].endswith("Still training.")

    record.epochs(job, range(5, 10), val_loss=0.4)
    record.line(job, row(9) | {"val_loss": 0.1})
    mirror_study(client, study_id, record.folder, draw)
    run = runs_of(client, study_id)["t0000"]
    assert (run.info.status, run.data.tags["outcome"]) == ("FINISHED", "completed")
    assert (run.data.metrics["best_epoch"], run.data.metrics["epochs_run"]) == (5, 9)


def test_an_overfitting_that_was_overcome_is_no_longer_shown(record, client, study_id):
    record.epochs(record.job(0, until=9), [1, 2], val_loss=0.5)
    record.epochs(record.folder / "part-001/t0000-e009", [3], val_loss=0.6)
    record.end("interrupted")
    mirror_study(client, study_id, record.folder)
    record.epochs(record.job(0, until=9, part=2), range(4, 10), val_loss=0.1, train_loss=3.0)
    mirror_study(client, study_id, record.folder)
    overfit = runs_of(client, study_id)["t0000"].data.metrics["overfit_epoch"]
    assert math.isnan(overfit), "a metric cannot be taken back"


def test_epochs_that_the_store_lost_are_sent_again(record, client, study_id, store):
    write_study(record)
    record.end("completed", part=2)
    mirror_study(client, study_id, record.folder)
    whole = dump(store)
    with sqlite3.connect(store) as database:
        database.execute("DELETE FROM metrics WHERE step IN (2, 5)")
    mirror_study(client, study_id, record.folder)
    now = dump(store)
    for table in ("runs", "params", "tags", "latest"):
        assert now[table] == whole[table]
    points = [[p for p in copy["metrics"] if p[1] in EPOCH_METRICS] for copy in (now, whole)]
    assert points[0] == points[1]


def test_a_long_history_is_mirrored_whole_when_only_some_of_its_requests_arrived(
    record, client, study_id, store, monkeypatch
):
    record.epochs(record.job(0, until=400), range(1, 301))
    log_batch, sent = SqlAlchemyStore.log_batch, []

    def break_down_after_one(*args, **kwargs):
        if sent:
            raise MlflowException("gone")
        sent.append(log_batch(*args, **kwargs))

    monkeypatch.setattr(SqlAlchemyStore, "log_batch", break_down_after_one)
    with pytest.raises(MlflowException, match="gone"):
        mirror_study(client, study_id, record.folder)
    monkeypatch.undo()
    mirror_study(client, study_id, record.folder)
    points = [key for _, key, *_ in dump(store)["metrics"]]
    assert {name: points.count(name) for name in EPOCH_METRICS} == dict.fromkeys(EPOCH_METRICS, 300)


@pytest.mark.parametrize("lost", ["request", "answer"])
@pytest.mark.parametrize("name", ["create_run", "log_batch", "set_terminated"])
def test_a_request_or_an_answer_that_is_lost_makes_no_difference(
    record, client, study_id, store, new_store, monkeypatch, name, lost
):
    write_study(record)
    record.end("completed", part=2)
    monkeypatch.setattr("hypertuning.tracking.store.back_off", lambda: iter([0.0] * 99))
    request, sent = getattr(client, name), []

    def lossy(*args, **kwargs):
        sent.append(name)
        breaks = len(sent) in (1, 2, 5)
        if breaks and lost == "request":
            raise MlflowException("no route to host")
        answer = request(*args, **kwargs)
        if breaks:
            raise MlflowException("connection reset")
        return answer

    monkeypatch.setattr(client, name, lossy)
    insist(lambda: mirror_study(client, study_id, record.folder), patience_s=60)
    undisturbed, other = new_store()
    mirror_study(other, new_study(other), record.folder)
    assert dump(store, run_ids=False) == dump(undisturbed, run_ids=False)


def test_a_trial_of_one_epoch_has_no_curve_to_draw_until_it_goes_on(record, client, study_id):
    record.epochs(record.job(0, until=1), [1])
    record.end("interrupted")
    mirror_study(client, study_id, record.folder, draw)
    run = runs_of(client, study_id)["t0000"]
    assert run.data.tags["outcome"] == "interrupted"
    assert not client.list_artifacts(run.info.run_id)
    record.epochs(record.job(0, until=9, part=2), range(2, 10))
    mirror_study(client, study_id, record.folder, draw)
    assert [file.path for file in client.list_artifacts(run.info.run_id)] == ["overfitting.png"]


def test_a_figure_that_cannot_be_drawn_costs_no_number_and_is_drawn_next_time(
    record, client, study_id, caplog
):
    record.epochs(record.job(0, until=9), range(1, 10))
    with caplog.at_level(logging.WARNING):
        mirror_study(client, study_id, record.folder, Mock(side_effect=RuntimeError("no ink")))
    assert "overfitting.png of t0000 could not be drawn: no ink" in caplog.text
    run = runs_of(client, study_id)["t0000"]
    assert (run.info.status, run.data.metrics["epochs_run"]) == ("FINISHED", 9)
    mirror_study(client, study_id, record.folder, draw)
    assert len(client.list_artifacts(run.info.run_id)) == 1
    again = Mock()
    mirror_study(client, study_id, record.folder, again)
    again.assert_not_called()


def test_a_store_of_artifacts_that_fails_costs_no_number_and_is_tried_once(
    record, client, study_id, monkeypatch
):
    for number in (0, 1):
        record.epochs(record.job(number, until=9), range(1, 10))
    broken = Mock(side_effect=ModuleNotFoundError("No module named 'boto3'"))
    with monkeypatch.context() as patched:
        patched.setattr(client, "log_artifacts", broken)
        with pytest.raises(NotStored, match="No module named 'boto3'"):
            mirror_study(client, study_id, record.folder, draw)
    broken.assert_called_once()
    found = runs_of(client, study_id)
    assert [run.data.metrics["epochs_run"] for run in found.values()] == [9, 9]
    mirror_study(client, study_id, record.folder, draw)
    assert all(client.list_artifacts(run.info.run_id) for run in found.values())


def test_a_figure_that_the_store_has_lost_is_sent_again_if_it_is_looked_for(
    record, client, study_id
):
    record.epochs(record.job(0, until=9), range(1, 10))
    mirror_study(client, study_id, record.folder, draw)
    run = runs_of(client, study_id)["t0000"]
    (Path(run.info.artifact_uri) / "overfitting.png").unlink()
    mirror_study(client, study_id, record.folder, draw)
    assert not client.list_artifacts(run.info.run_id)
    mirror_study(client, study_id, record.folder, draw, look=True)
    assert client.list_artifacts(run.info.run_id)
    assert client.get_run(run.info.run_id).data.tags == run.data.tags


def test_a_note_that_a_person_wrote_on_an_ended_run_stays(record, client, study_id):
    record.epochs(record.job(0, until=9), range(1, 10))
    mirror_study(client, study_id, record.folder, draw)
    run_id = runs_of(client, study_id)["t0000"].info.run_id
    client.set_tag(run_id, "mlflow.note.content", "our favourite")
    mirror_study(client, study_id, record.folder, draw)
    assert client.get_run(run_id).data.tags["mlflow.note.content"] == "our favourite"


def test_mirrors_of_one_study_at_the_same_time_make_every_run_once(record, client, study_id):
    write_study(record)
    with ThreadPoolExecutor(3) as pool:
        mirrors = [pool.submit(mirror_study, client, study_id, record.folder) for _ in range(3)]
    assert [mirror.result() for mirror in mirrors] == [None] * 3
    assert runs_of(client, study_id).keys() == OUTCOMES.keys()
    experiment_id = client.get_run(study_id).info.experiment_id
    assert len(find_trials(client, experiment_id, study_id)) == len(OUTCOMES)


def test_a_study_that_another_process_mirrors_is_refused_after_a_while(record):
    refused = pytest.raises(UserError, match="another process is mirroring")
    with only_writer(record.folder), refused, only_writer(record.folder, timeout_s=0.1):
        pass


@pytest.mark.parametrize("late_has", ["nothing", "all"])
def test_a_run_that_a_slow_server_made_after_all_is_folded_into_the_one_that_has_the_epochs(
    record, client, study_id, late_has
):
    experiment_id = client.get_run(study_id).info.experiment_id
    record.epochs(record.job(0, until=9), [1, 2])
    mirror_study(client, study_id, record.folder)
    kept = runs_of(client, study_id)["t0000"]
    tags = {**kept.data.tags, "mlflow.parentRunId": study_id}
    late = client.create_run(experiment_id, kept.info.start_time, tags).info.run_id
    if late_has == "all":
        for name in EPOCH_METRICS:
            for point in client.get_metric_history(kept.info.run_id, name):
                client.log_metric(late, name, point.value, point.timestamp, point.step)
    mirror_study(client, study_id, record.folder)
    (left,) = find_trials(client, experiment_id, study_id)
    gone = {late, kept.info.run_id} - {left.info.run_id}
    assert client.get_run(*gone).data.tags["duplicate_of"] == left.info.run_id
    assert left.data.metrics["val_loss"] == row(2)["val_loss"]


def test_a_second_run_that_holds_what_the_first_has_not_is_never_deleted(record, client, study_id):
    experiment_id = client.get_run(study_id).info.experiment_id
    record.epochs(record.job(0, until=9), [1, 2])
    mirror_study(client, study_id, record.folder)
    tags = {"mlflow.parentRunId": study_id, "trial_id": "t0000"}
    other = client.create_run(experiment_id, tags=tags).info.run_id
    client.log_metric(other, EPOCH_METRICS[-1], 1.0, step=3)
    mirror_study(client, study_id, record.folder)
    assert len(find_trials(client, experiment_id, study_id)) == 2


@pytest.mark.parametrize(
    ("trial_id", "says"),
    [
        (
            "t0000",
            "drawn at random. Pruned after 3 epochs. Best val_loss 0.8900",
        ),
        (
            "t0001",
            "Completed 9 epochs. Best val_loss 0.8000, in epoch 6; best val_accuracy 0.4500.",
        ),
        ("t0001", "Overfits from epoch 7."),
        ("t0002", "Diverged: a loss of epoch 3 is not finite."),
        ("t0003", "proposed by the model. Failed after 1 epoch: ValueError: no such luck"),
        ("t0004", "given by the user. Failed after 0 epochs: ValueError: no such luck"),
    ],
)
def test_notes_say_what_a_trial_is_and_how_it_ended(record, client, study_id, trial_id, says):
    write_study(record)
    record.end("completed", part=2)
    trial = read_trial(record.folder, int(trial_id[1:]))
    run_id = Mirror(client, study_id).trial(trial)
    note = client.get_run(run_id).data.tags["mlflow.note.content"]
    assert note.startswith(f"Trial {trial.number} of the hyperband study, ")
    assert says in note


@pytest.mark.parametrize(
    ("config", "name"),
    [
        ({"filters": 146, "hidden_size": 415, "padding": 1}, "cnn f146 k3 p1 h415"),
        ({"num_conv_layers": 4, "num_fully_connected_layers": 4}, "cnn f64 k3 p1 h256 conv4 fc4"),
        ({"model": "nn", "num_fully_connected_layers": 5, "seed": 2}, "nn h256 fc5 s2"),
        (
            {"learning_rate": 0.00312, "optimizer": "sgd", "momentum": 0.934, "dropout": 0.213},
            "cnn f64 k3 p1 h256 lr0.0031 sgd m0.93 do0.21",
        ),
        ({"batch_norm": True, "augment": "crop_flip"}, "cnn f64 k3 p1 h256 bn crop_flip"),
    ],
)
def test_names_show_the_structure_and_what_differs_from_the_defaults(config, name):
    assert run_name(parse_config(config).hyperparameters()) == name
