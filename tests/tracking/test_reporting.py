"""Claims about the command `report`, on real stores."""

import json
import shlex
from unittest.mock import Mock
from urllib.parse import urlencode

import pytest
from click.testing import CliRunner
from mlflow import MlflowClient
from mlflow.entities import Metric
from records import Record, row
from stores import new_study, track

import hypertuning.tracking.histories as histories_module
from entrypoints import report as command
from hypertuning.config import UserError
from hypertuning.stages.report.write import choose, pages_of, what_makes
from hypertuning.tracking import runs
from hypertuning.tracking.histories import histories
from hypertuning.tracking.mirror import mirror_study
from hypertuning.tracking.store import connect


def run_report(*arguments):
    return CliRunner().invoke(command.main, list(arguments))


def mirrored_study(client, folder, outcome="completed", trials=4) -> str:
    """A study with trials of nine epochs, the last one of two and perhaps still training."""
    study_id = new_study(client)
    record = Record(folder / study_id)
    for number in range(trials - 1):
        arm = {"augment": ("none", "crop_flip")[number % 2], "filters": 100 + number // 2}
        job = record.job(number, until=9, config=arm, sampler="random", bracket=0, rung=1)
        record.epochs(job, range(1, 10))
    record.epochs(record.job(trials - 1, until=3, sampler="random"), [1, 2])
    if outcome:
        record.end(outcome)
    mirror_study(client, study_id, record.folder)
    client.set_tag(study_id, "outcome", outcome) if outcome else None
    return study_id


@pytest.fixture
def reported(client, tmp_path, monkeypatch):
    study_id = mirrored_study(client, tmp_path / "records")
    return study_id, tmp_path / "reports"


def test_a_report_is_on_disk_and_in_a_run_of_its_own(client, reported):
    study_id, out = reported
    result = run_report("--out", str(out))
    assert result.exit_code == 0, result.output + result.stderr
    assert "1 study, 4 trials, 29 epochs" in result.output
    names = {file.name for file in (out / "tests").iterdir()}
    assert names == {"report.html", "report.md", "figures", "tables"}
    experiment_id = client.get_run(study_id).info.experiment_id
    made = client.search_runs([experiment_id], "tags.report = 'tests'")
    assert [(run.info.run_name, run.info.status) for run in made] == [("report tests", "FINISHED")]
    logged = {artifact.path for artifact in client.list_artifacts(made[0].info.run_id)}
    assert logged == names
    assert list(runs.studies(client)["study_id"]) == [study_id], "a report is no study"


def test_the_numbers_of_a_report_are_those_of_the_store(client, reported):
    _, out = reported
    run_report("--out", str(out))
    text = (out / "tests/report.md").read_text()
    assert f"validation loss: {row(6)['val_loss']:.3f}, after epoch 6 of 9" in text
    assert "lowest before the last epoch in 2 of the 2 trials that trained 9 epochs without" in text


@pytest.mark.parametrize("experiment", ["tests", "Default", "not there"])
def test_what_makes_a_study_makes_it_beside_the_others_on_their_images(
    client, reported, monkeypatch, experiment
):
    study_id, _ = reported
    client.set_tag(study_id, "images", "my 'own' images")
    client.log_param(study_id, "train_size", "600")
    client.log_param(study_id, "val_size", "0")
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", experiment)
    made = what_makes(client, runs.studies(client))
    assert set(made) == {"compare", "grid", "hyperband", "bohb", "register"}
    assert shlex.split(made["register"])[-3:] == ["entrypoints.register", "--source", study_id]
    words = shlex.split(made["grid"])
    images = ["--dataset", "my 'own' images", "--train-size", "600"]
    assert words[-6:] == ["-m", "entrypoints.grid", *images]
    assert ("MLFLOW_EXPERIMENT_NAME=tests" in words) == (experiment != "tests")


def test_a_report_over_http_is_that_of_the_database(client, server, tmp_path, monkeypatch):
    served = connect()
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "Default")
    study_id = served.create_run("0", tags={"stage": "hyperband"}).info.run_id
    record = Record(tmp_path / "records" / study_id)
    record.epochs(record.job(0, until=9, sampler="random"), range(1, 10))
    record.end("completed")
    mirror_study(served, study_id, record.folder)
    result = run_report("--source", study_id, "--out", str(tmp_path / "out"))
    assert result.exit_code == 0, result.output + result.stderr
    folder = tmp_path / "out" / f"hyperband-{study_id[:6]}"
    assert f"validation loss: {row(6)['val_loss']:.3f}" in (folder / "report.md").read_text()


def test_a_study_that_still_runs_has_its_numbers_so_far(client, tmp_path):
    mirrored_study(client, tmp_path / "records", outcome=None, trials=1)
    run_report("--out", str(tmp_path / "out"))
    text = (tmp_path / "out/tests/report.md").read_text()
    assert "still running" in text
    assert f"validation loss: {row(2)['val_loss']:.3f}, after epoch 2 of 2" in text


def test_a_second_report_takes_the_place_of_the_first(client, reported):
    _, out = reported
    assert run_report("--out", str(out)).exit_code == 0
    (out / "tests/report.html").write_text("old")
    assert run_report("--out", str(out)).exit_code == 0
    assert (out / "tests/report.html").read_text() != "old"
    assert [path.name for path in out.iterdir()] == ["tests"]


def test_under_mlflow_run_the_run_that_it_made_holds_the_report(client, reported, monkeypatch):
    study_id, out = reported
    experiment_id = client.get_run(study_id).info.experiment_id
    made = client.create_run(experiment_id, run_name="bold-fox-123").info.run_id
    monkeypatch.setenv("MLFLOW_RUN_ID", made)
    assert run_report("--out", str(out)).exit_code == 0
    run = client.get_run(made)
    assert (run.info.run_name, run.data.tags["report"]) == ("report tests", "tests")
    assert "report.html" in [artifact.path for artifact in client.list_artifacts(made)]


def test_sources_are_studies_their_parents_and_experiments(client, tmp_path):
    first, second = (mirrored_study(client, tmp_path / "records", trials=1) for _ in range(2))
    client.set_tag(second, "mlflow.parentRunId", "f" * 32)
    client.create_experiment("empty")
    assert choose(client, first)[0] == f"hyperband-{first[:6]}"
    assert choose(client, first)[1]["study_id"].tolist() == [first]
    assert choose(client, "f" * 32)[1]["study_id"].tolist() == [second]
    name, both = choose(client, f"tests, {first}")
    assert name == f"tests-hyperband-{first[:6]}"
    assert both["study_id"].tolist() == [first, second]


@pytest.mark.parametrize("source", ["nowhere", "empty", "0" * 32])
def test_a_source_without_a_study_is_refused_with_those_that_have_some(client, reported, source):
    client.create_experiment("empty")
    with pytest.raises(UserError, match=r"`source` must .* got '"):
        choose(client, source)
    result = run_report("--source", source, "--out", str(reported[1]))
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert not reported[1].exists()


def test_an_experiment_without_studies_says_which_have_some(client, reported, monkeypatch):
    client.create_experiment("another")
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "another")
    result = run_report("--out", str(reported[1]))
    assert "experiment another has no study yet; experiments with studies: tests" in result.stderr


def test_a_folder_that_is_no_report_is_left_alone(client, reported):
    _, out = reported
    (out / "tests").mkdir(parents=True)
    (out / "tests/precious.txt").write_text("mine")
    result = run_report("--out", str(out))
    assert result.exit_code == 1
    assert "is there and is no report" in result.stderr
    assert (out / "tests/precious.txt").read_text() == "mine"


def test_a_place_that_cannot_be_written_to_is_one_line(client, reported, tmp_path):
    (tmp_path / "file").write_text("")
    result = run_report("--out", str(tmp_path / "file" / "below"))
    assert result.exit_code == 1
    assert "cannot be written to: " in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_run_that_holds_a_study_is_not_adopted_by_mistake(client, reported, monkeypatch):
    study_id, out = reported
    before = client.get_run(study_id).to_dictionary()
    monkeypatch.setenv("MLFLOW_RUN_ID", study_id)
    result = run_report("--out", str(out))
    assert result.exit_code == 1
    assert "holds something else already; unset it" in result.stderr
    assert client.get_run(study_id).to_dictionary() == before


def test_more_points_than_the_server_gives_at_once_are_read_all_the_same(server, monkeypatch):
    client = connect()
    made = [client.create_run("0").info.run_id for _ in range(2)]
    for run_id in made:
        client.log_batch(run_id, [Metric("val_loss", 1 / n, n, n) for n in range(1, 6)])
    whole = sorted((run_id, n) for run_id in made for n in range(1, 6))
    for limit in (7, 25_000):
        monkeypatch.setattr("hypertuning.tracking.histories._POINTS_PER_REQUEST", limit)
        found = histories(client, made, "val_loss")
        assert sorted((run_id, point.step) for run_id, point in found) == whole


def test_where_a_proxy_refuses_the_pages_own_addresses_the_clients_are_asked(server, monkeypatch):
    client = connect()
    made = [client.create_run("0").info.run_id for _ in range(3)]
    for run_id in made:
        client.log_metric(run_id, "val_loss", 1.0, step=4)
    asked, answers = [], histories_module.http_request

    def refused(credentials, where, method, **given):
        asked.append(where)
        return answers(credentials, "/no/such/page", method, **given)

    monkeypatch.setattr(histories_module, "http_request", refused)
    found = histories(client, made, "val_loss")
    assert sorted((run_id, point.step) for run_id, point in found) == sorted((m, 4) for m in made)
    assert len(asked) == 1


def test_the_address_of_a_request_for_many_runs_is_not_too_long_for_gunicorn(monkeypatch):
    client = MlflowClient("http://127.0.0.1:9")
    lines = []

    def told(credentials, where, method, params):
        lines.append(f"{method} {where}?{urlencode(params, doseq=True)} HTTP/1.1")
        return Mock(status_code=200, text="", json=lambda: {"metrics": []})

    monkeypatch.setattr(histories_module, "http_request", told)
    list(histories(client, [f"{n:032x}" for n in range(500)], "generalization_gap"))
    assert sum(line.count("run_id=") for line in lines) == 500
    assert max(map(len, lines)) < 4094


def test_without_a_store_nothing_is_made(tmp_path, monkeypatch):
    track(monkeypatch, f"sqlite:///{tmp_path}/none.db")
    result = run_report("--out", str(tmp_path / "out"))
    assert "there is no tracking store" in result.stderr
    assert not (tmp_path / "none.db").exists()


def test_curves_can_be_read_with_some_of_their_metrics(client, tmp_path):
    study_id = mirrored_study(client, tmp_path / "records", trials=2)
    trials = runs.trials(client, [study_id])
    whole = runs.curves(client, [study_id])
    part = runs.curves_of(client, trials, ["val_loss"])
    names = ["study_id", "run_id", "trial_id", "epoch", "timestamp", "val_loss"]
    assert list(part.columns) == names
    assert part.equals(whole[names])


def test_a_store_without_bulk_reads_is_read_run_by_run(client, tmp_path, monkeypatch):
    study_id = mirrored_study(client, tmp_path / "records", trials=2)
    whole = runs.curves(client, [study_id])
    store = type(client._tracking_client.store)
    monkeypatch.setattr(store, "get_metric_history_bulk", None)
    assert runs.curves(client, [study_id]).equals(whole)


def test_a_study_tells_its_strategy_its_plan_and_where_it_came_from(client, tmp_path):
    study_id = mirrored_study(client, tmp_path / "records", trials=1)
    client.set_tag(study_id, "strategy", "asha")
    client.set_tag(study_id, "planned_trials", "40")
    client.set_tag(study_id, "space", json.dumps({"filters": "32–64"}))
    client.set_tag(study_id, "mlflow.source.git.commit", "abc")
    study = runs.studies(client).iloc[0]
    assert (study["strategy"], study["planned_trials"], study["commit"]) == ("asha", 40, "abc")
    assert json.loads(study["space"]) == {"filters": "32–64"}


def test_links_lead_to_the_server_without_its_password_or_to_one_that_a_command_starts():
    assert pages_of("http://me:secret@host:5000") == ("http://host:5000", "")
    server, start = pages_of("sqlite:////my runs/mlflow.db")
    assert server == "http://127.0.0.1:5000"
    assert start.endswith("mlflow ui --backend-store-uri 'sqlite:////my runs/mlflow.db'")
