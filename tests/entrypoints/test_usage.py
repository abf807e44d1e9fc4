"""Claims about wrong input: one line, status 2 or 1, nothing half-written, no run left open."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import mlflow
import pytest
from click.testing import CliRunner

from entrypoints import bohb, compare, grid, hyperband

ROOT = Path(__file__).parents[2]


def refused(command, *arguments):
    """The status and the one line with which a command ends in this process."""
    result = CliRunner().invoke(command.main, list(arguments))
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1 and lines[0].startswith("error: "), result.output + result.stderr
    return result.exit_code, lines[0].removeprefix("error: ")


@pytest.mark.parametrize(
    ("command", "arguments", "message"),
    [
        (compare, ["--epochs", "0"], "0 is not in the range x>=1"),
        (compare, ["--train-size", "-1"], "-1 is not in the range x>=0"),
        (compare, ["--learning_rate", "0"], "0.0 is not in the range x>0"),
        (compare, ["--augment", "flip"], "'flip' is not one of 'none', 'crop_flip'"),
        (compare, ["--epoch", "3"], "No such option '--epoch'"),
        (bohb, ["--strategy", "tpe"], "'tpe' is not one of"),
        (
            hyperband,
            ["--grace-period", "12"],
            "`grace_period` (=12) must not exceed `max_epochs` (=10)",
        ),
        (bohb, ["--min-epochs", "12"], "`min_epochs` (=12) must not exceed `max_epochs` (=9)"),
        (bohb, ["--space", "nowhere.yaml"], "there is no "),
        (compare, ["--dataset", "cifar100"], "`dataset` must be 'cifar10', 'digits' or a folder"),
        (bohb, ["--warm-start", "x", "--strategy", "asha"], "`warm_start` needs `strategy` 'bohb'"),
        (
            bohb,
            ["--random-fraction", "0.5", "--strategy", "asha"],
            "`random_fraction` needs `strategy` 'bohb'",
        ),
        (bohb, ["--dry-run", ""], "it is empty; write true or false, or leave it out"),
        (bohb, ["--priors", "maybe"], "'maybe' is neither true nor false"),
        (compare, ["--epochs", "3.5"], "'3.5' is not a valid whole number"),
        (compare, ["--learning-rate", "fast"], "'fast' is not a valid number"),
        (bohb, ["--ray-address", " "], "`ray_address`: it is empty; leave it out"),
        (bohb, ["--random-fraction", "1.1"], "1.1 is not in the range 0<=x<=1"),
        (compare, ["--gpus-per-trial", "1.5"], "`gpus_per_trial` must be 0, a fraction from"),
        (compare, ["--gpus-per-trial", "0.00001"], "`gpus_per_trial` must be 0, a fraction from"),
    ],
)
def test_wrong_usage_ends_with_status_2(tmp_path, monkeypatch, command, arguments, message):
    monkeypatch.chdir(tmp_path)
    status, line = refused(command, *arguments)
    assert status == 2
    assert message in line
    assert not list(tmp_path.iterdir()), "nothing was written"


@pytest.mark.parametrize(
    ("command", "space", "points", "message"),
    [
        (grid, "seed: 3", "[]", "`seed` is set by the option of that name"),
        (grid, "optimizer: {low: adam, high: sgd}", "[]", "`optimizer` has no bounds"),
        (grid, "momentum: 0.9", "[]", "`momentum` (=0.9) needs `optimizer` 'sgd'"),
        (grid, "1: 3", "[]", "must map parameters"),
        (
            bohb,
            "dropout: {low: 0, high: 1, when: sgd}",
            "[]",
            "may have `log`, `prior`, `confidence` and `when: {name: value}`",
        ),
        (
            bohb,
            "momentum: {low: 0.1, high: 0.9, when: {momentum: 0.5}}",
            "[]",
            "`momentum` cannot depend on itself",
        ),
        (grid, "kernel_size: 9\npadding: 0", "[]", "leaves no pixels after conv layer 3 of 3"),
        (grid, "dropout: {low: 0, high: 0.5}", "[]", "must give values of dropout, not bounds"),
        (bohb, "filters: -3", "[]", "`filters` must be greater than or equal to 1, got -3"),
        (bohb, "optimizer: [adam, adam]", "[]", "must not offer a value twice"),
        (bohb, "filters: 3", "- {filtres: 3}", "`filtres` is not a hyperparameter"),
        (bohb, "filters: 3", "filters: 3", "must be a list of configurations"),
        (bohb, "filters: 3", "[{}, {}, {}]", "3 points do not fit in `num_samples` (=2)"),
    ],
)
def test_wrong_files_end_with_status_2(tmp_path, monkeypatch, command, space, points, message):
    monkeypatch.chdir(tmp_path)
    Path("space.yaml").write_text(space)
    Path("points.yaml").write_text(points)
    samples = ["--num-samples", "2"] if command is bohb else []
    status, line = refused(command, "--space", "space.yaml", "--points", "points.yaml", *samples)
    assert status == 2
    assert message in line


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(
            ["--dataset", "digits", "--cpus-per-trial", "4096"],
            "one trial asks for 4096 CPU",
            marks=pytest.mark.slow,
        ),
        (["--dataset", "digits", "--ray-address", "127.0.0.1:1"], "no Ray cluster answers at"),
        (["--dataset", "digits", "--storage-path", "a-file/records"], "cannot be written to"),
    ],
)
def test_what_is_lacking_ends_with_status_1_and_leaves_no_run(
    tmp_path, monkeypatch, empty_store, arguments, message
):
    monkeypatch.chdir(tmp_path)
    Path("a-file").touch()
    store = f"sqlite:///{shutil.copy(empty_store, tmp_path)}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store)
    status, line = refused(compare, *arguments)
    assert status == 1
    assert message in line
    client = mlflow.MlflowClient(store)
    assert client.search_runs([e.experiment_id for e in client.search_experiments()]) == []
    assert not Path("ray_results").exists()


@pytest.mark.slow
def test_a_server_that_is_away_ends_with_status_1(tmp_path):
    environment = {
        **os.environ,
        "MLFLOW_TRACKING_URI": "http://127.0.0.1:9",
        "PYTHONPATH": f"{ROOT}/src:{ROOT}",
    }
    command = [sys.executable, "-m", "entrypoints.compare", "--dataset", "digits"]
    ended = subprocess.run(
        command,
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 1
    assert (
        ended.stderr.strip()
        .splitlines()[-1]
        .startswith("error: the tracking store http://127.0.0.1:9")
    )
    assert "Traceback" not in ended.stderr
    assert not list(tmp_path.glob("ray_results"))


def test_a_dry_run_prints_the_plan_and_touches_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(bohb.main, ["--dry-run", "true"])
    assert result.exit_code == 0
    assert "51 trials, at least 187 epochs" in result.output
    assert "model: from trial 7 on; it needs 7 results after one number" in result.output
    assert "estimate: none before the images are there" in result.output
    assert not list(tmp_path.iterdir())


def test_a_dry_run_with_images_estimates_time_and_disk(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(compare.main, ["--dry-run", "true", "--dataset", "digits"])
    assert result.exit_code == 0, result.output
    estimate = result.output.strip().splitlines()[-1]
    assert re.fullmatch(
        r"estimate: about \d+:\d\d:\d\d of training, \d+ trials? at once, \d+ MB of checkpoints "
        r"\(3 configurations timed: [\d.]+ s an epoch\)",
        estimate,
    )
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["--strategy", "bohb", "--num-samples", "20"],
            "warning: `num_samples` (=20) never gives the model the 14 results after one number "
            "of epochs that it needs, so every configuration is drawn at random; 23 would do",
        ),
        (
            ["--strategy", "bohb", "--max-epochs", "10"],
            "`max_epochs` (=10) is not `min_epochs` (=1) times a power of `reduction_factor` (=3)"
            ": rungs end after 1, 3, 10 epochs; the nearest that is: 9",
        ),
        (
            ["--num-samples", "7"],
            "warning: `num_samples` (=7) never gives the model the 7 results after one number "
            "of epochs that it needs, so every configuration is drawn at random; 8 would do",
        ),
        ([], None),
    ],
)
def test_what_the_model_lacks_is_said_once_at_the_start(tmp_path, monkeypatch, arguments, said):
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(bohb.main, ["--dry-run", "true", *arguments])
    assert result.exit_code == 0
    opening, libraries, *above = re.split(r"bohb: \d+ trials", result.output)[0].splitlines()
    assert opening.startswith("bohb: ") and libraries.startswith("PyTorch, Ray and MLflow: ")
    assert "".join(above).strip() == (said or "")
