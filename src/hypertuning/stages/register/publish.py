"""Test the refitted model once, put it into the registry, and let the gate decide."""

import re
import shutil
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion
from mlflow.utils.mlflow_tags import MLFLOW_RUN_NOTE

from hypertuning.record.layout import StudyDir
from hypertuning.registry import card, pyfunc, versions
from hypertuning.registry.evaluate import TestImages
from hypertuning.registry.gate import Verdict, judge
from hypertuning.registry.package import package
from hypertuning.registry.predict import load
from hypertuning.report import tables
from hypertuning.report.exhibits import candidates, class_accuracy, registered
from hypertuning.stages.console.commands import command_of
from hypertuning.stages.register.describe import Tested, facts, tags
from hypertuning.stages.register.refit import Fitted
from hypertuning.stages.study.deliver import note_with
from hypertuning.stages.study.files import write_exhibits
from hypertuning.stages.study.prepare import Prepared
from hypertuning.tracking.artifacts import send
from hypertuning.tracking.refit_run import log_test

MODEL = "model"
"""Folder of the model among the artifacts of its run."""


def publish(
    prepared: Prepared, study_dir: StudyDir, ranked: pd.DataFrame, fitted: Fitted
) -> list[str]:
    """Test the packaged model, as it will be served, and register it with its card.

    Safe to repeat: a run makes one version and counts as one opening of the test images, and the
    verdict on a version is final.

    Returns:
        The results, in lines.

    Raises:
        UserError: the model cannot be compared with the champion.
    """
    client, name = prepared.client, prepared.options.model_name
    version, found = versions.of_run(client, name, fitted.run_id), []
    if version is None:
        version, found = _register(prepared, study_dir, ranked, fitted)
    alias = _announce(prepared, version)
    model = f"models:/{name}@{alias}"
    said = [*found, version.tags["gate"], f"registered: {model} (version {version.version})"]
    champion = versions.find(client, name, versions.CHAMPION)
    if champion and alias != versions.CHAMPION:
        said.append(f"version {champion.version} stays champion")
        if version.tags[versions.PROMOTED] == "true":
            met = champion.tags.get(versions.COMPARED) == str(version.version)
            again = "it came meanwhile, and the two were not compared: register again"
            said.append("the two were compared when that was registered" if met else again)
    note = note_with(client.get_run(study_dir.id), [*candidates.says(ranked), *said])
    done = {"model_name": name, MLFLOW_RUN_NOTE: note, "model_version": version.version}
    for key, value in done.items():  # the version last: it marks the stage as complete
        client.set_tag(study_dir.id, key, value)
    use = command_of("predict", model_uri=model, images="FILE_OR_FOLDER")
    return [*said, f"use it: {use}"]


def _announce(prepared: Prepared, version: ModelVersion) -> str:
    """Give a version the alias that the gate's verdict asks for.

    A champion that it has not been compared with stays champion, unless it was forced.
    """
    forced = version.tags["forced"] == "true"
    met = forced or not versions.unmet(prepared.client, version)
    if met and version.tags[versions.PROMOTED] == "true":
        versions.promote(prepared.client, version, prepared.options.alias)
        return versions.CHAMPION
    prepared.client.set_registered_model_alias(
        version.name, prepared.options.alias, version.version
    )
    return prepared.options.alias


def _register(
    prepared: Prepared, study_dir: StudyDir, ranked: pd.DataFrame, fitted: Fitted
) -> tuple[ModelVersion, list[str]]:
    """Test, log the results to the run of the refit, and make a version of the model."""
    tested = _test(prepared, study_dir, fitted)
    found = class_accuracy.test_says(tested.scores)
    written = card.write(facts(prepared, study_dir, ranked, fitted, tested, found))
    _log(prepared.client, study_dir, fitted, tested, written)
    version = versions.register(
        prepared.client,
        prepared.options.model_name,
        f"{prepared.client.get_run(fitted.run_id).info.artifact_uri}/{MODEL}",
        fitted.run_id,
        tags(prepared, study_dir, ranked, fitted, tested),
        written,
    )
    return version, found


def _test(prepared: Prepared, study_dir: StudyDir, fitted: Fitted) -> Tested:
    opened = versions.open_test(prepared.client, prepared.options.model_name, fitted.run_id)
    test = TestImages(prepared.problem.cache, fitted.data.classes)
    with TemporaryDirectory() as made:
        folder = Path(made, MODEL)
        package(fitted.state, fitted.data, folder)
        predictions = test.predictions(pyfunc.load(str(folder)))
        kept = study_dir.artifacts_of(fitted.run_id)
        shutil.rmtree(kept, ignore_errors=True)
        shutil.copytree(folder, kept / MODEL)
    champion = versions.find(prepared.client, prepared.options.model_name, versions.CHAMPION)
    verdict = _judge(prepared, champion, test, predictions)
    scores, mistakes = tables.test_scores(predictions), test.mistakes(predictions)
    met = str(champion.version) if champion else "none"
    return Tested(opened, predictions, mistakes, scores, verdict, met)


def _judge(
    prepared: Prepared,
    champion: ModelVersion | None,
    test: TestImages,
    predictions: pd.DataFrame,
) -> Verdict:
    """The gate's verdict, with the champion on the same images."""
    name = prepared.options.model_name
    if champion is None:
        return judge(_right(predictions), None)
    trust, classes = prepared.options.trust, prepared.images["classes"]
    if not prepared.options.force:
        versions.check_champion(prepared.client, name, classes, trust)
    elif why := versions.incomparable(champion, classes, trust):
        return Verdict(True, f"The champion cannot be compared with: {why}. Promoted by force.")
    theirs = test.predictions(load(versions.uri(champion), trust))
    verdict = judge(_right(predictions), _right(theirs), prepared.options.force)
    if champion.tags.get("digest") == prepared.images["digest"]:
        return verdict
    other = " The champion was trained on another data set, which may hold some of these images."
    return verdict._replace(reason=verdict.reason + other)


def _right(predictions: pd.DataFrame):
    return (predictions["label"] == predictions["predicted"]).to_numpy()


def _log(
    client: MlflowClient, study_dir: StudyDir, fitted: Fitted, tested: Tested, written: str
) -> None:
    """Log the model, tables, figures, the card and metrics to the run of the refit."""
    run_id, folder = fitted.run_id, study_dir.artifacts_of(fitted.run_id)
    rows = {
        "refit": pd.DataFrame(fitted.state.rows)[["epoch", "train_loss", "train_accuracy"]],
        "predictions": tested.predictions,
        "mistakes": tested.mistakes,
    }
    write_exhibits(folder, registered(rows))
    tested.predictions.to_csv(folder / "tables" / "predictions.csv", index=False)
    (folder / "model_card.md").write_text(written)
    send(client, run_id, folder)
    classes = tables.class_accuracy(tested.predictions)
    names = metric_names(classes["label"])
    shares = zip(names, classes["accuracy"], strict=True)
    metrics = {f"test_accuracy.{name}": accuracy for name, accuracy in shares}
    for row in tested.scores.itertuples():
        metrics[f"test_{row.measure}"] = row.value
        if row.low == row.low:
            metrics |= {f"test_{row.measure}_low": row.low, f"test_{row.measure}_high": row.high}
    counted = {versions.OPENED: str(tested.opened)}
    # not the current time: a test that is repeated after an interruption logs the same points
    log_test(client, run_id, metrics, counted, round(fitted.state.rows[-1].timestamp * 1000))


def metric_names(classes: Iterable[str]) -> list[str]:
    """Classes as parts of metric names, which allow only some characters; all are different."""
    plain = [re.sub(r"[^\w./ -]", "-", name) for name in classes]
    names = [
        name if plain.count(name) == 1 else f"{name}-{number}" for number, name in enumerate(plain)
    ]
    if len(set(names)) < len(names):  # one of them had such a number already
        return [f"{number}-{name}" for number, name in enumerate(plain)]
    return names
