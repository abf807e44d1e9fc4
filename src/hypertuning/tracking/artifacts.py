"""Files of a study: kept in its record, sent to MLflow's store of artifacts, compared with it.

The store may be S3, a disk or a server that passes files on. Each raises the errors of a library of
its own, so every Exception is caught where the store is called.
"""

from collections.abc import Iterator
from contextlib import suppress
from os import PathLike
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from mlflow import MlflowClient
from mlflow.entities import Run
from mlflow.exceptions import MlflowException
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

from hypertuning.addresses import without_password
from hypertuning.config import UserError
from hypertuning.record.layout import StudyDir
from hypertuning.tracking.store import NotStored, is_final, reason, within

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PLAN = "plan.json"
"""Among the files of every study: what was asked for."""
TRIALS = "tables/trials.csv"
"""Among the files of every study: its trials, one a row."""
PROBE = "write-test.txt"
"""Written to the folder of an experiment before a stage starts, and deleted at once."""
_PROBE_SECONDS = 20
_PACKAGES = {
    "s3": "boto3",
    "r2": "boto3",
    "b2": "boto3",
    "gs": "google-cloud-storage",
    "wasbs": "azure-storage-blob azure-identity",
    "abfss": "azure-storage-file-datalake azure-identity",
    "sftp": "pysftp",
    "hdfs": "pyarrow",
    "viewfs": "pyarrow",
}
"""The packages that MLflow needs for a kind of store, but does not install."""


def check_artifact_store(client: MlflowClient, experiment_id: str) -> None:
    """Check that an experiment's store of artifacts takes files: write a small one, and delete it.

    Raises:
        UserError: it takes none.
    """
    experiment = client.get_experiment(experiment_id)
    place = experiment.artifact_location
    if place.startswith("/") and unquote(place) != place:
        raise UserError(
            f"artifacts of experiment {experiment.name} are in {place}, which MLflow takes for "
            f"{unquote(place)}; use a folder without % and two digits in its name"
        )
    try:
        within(_PROBE_SECONDS, lambda: _write_and_delete(place, client.tracking_uri))
    except Exception as error:
        raise UserError(
            f"artifacts of experiment {experiment.name} are in {without_password(place)}, which "
            f"cannot be written: {reason(error)}; {_advice(error, place)}"
        ) from error


def send(client: MlflowClient, run_id: str, folder: Path, path: str | None = None) -> None:
    """Send all files of a folder to a run; safe to repeat.

    Raises:
        NotStored: not all arrived.
    """
    try:
        client.log_artifacts(run_id, str(folder), path)
    except Exception as error:
        raise _not_stored(client, run_id, "did not all reach", error) from error


def send_figure(client: MlflowClient, run_id: str, figure: "Figure", name: str) -> None:
    """Send one figure to a run.

    Raises:
        NotStored: it did not arrive.
    """
    with TemporaryDirectory() as made:
        figure.savefig(Path(made, name))
        send(client, run_id, Path(made))


def send_what_is_missing(client: MlflowClient, study_dir: PathLike[str]) -> None:
    """Send again what the record keeps and the store has lost.

    Raises:
        NotStored: not all arrived.
    """
    for folder in _kept(StudyDir(study_dir)):
        if any(_differences(client, folder)):
            send(client, folder.name, folder)


def missing_files(client: MlflowClient, study_dir: PathLike[str]) -> Iterator[tuple[str, str]]:
    """Run ids, each with one thing that is wrong with the run's files in the store.

    Raises:
        NotStored: the store cannot be read.
    """
    study = StudyDir(study_dir)
    folders = _kept(study)
    for folder in folders:
        yield from ((folder.name, found) for found in _differences(client, folder))
    if not folders:  # an earlier version kept none, or nothing has been sent yet
        stored = stored_files(client, study.id)
        yield from ((study.id, f"lacks {name}") for name in (PLAN, TRIALS) if name not in stored)


def _kept(study: StudyDir) -> list[Path]:
    """The folders of the runs whose files the record keeps."""
    return sorted(study.artifacts.glob("*"))


def stores(client: MlflowClient, run: Run, name: str) -> bool:
    """Whether a file is in the folder of a run; the store of runs is not asked where that is.

    Raises:
        NotStored: the store cannot be read.
    """
    try:
        place = get_artifact_repository(run.info.artifact_uri, tracking_uri=client.tracking_uri)
        return any(item.path == name for item in place.list_artifacts())
    except Exception as error:
        raise _not_stored(client, run.info.run_id, "cannot be looked up in", error) from error


def stored_files(client: MlflowClient, run_id: str) -> dict[str, int | None]:
    """Path and size in bytes of the files of a run; None if the store does not tell the size.

    Raises:
        NotStored: the store cannot be read.
    """
    found, folders = {}, [None]
    try:
        while folders:
            for item in client.list_artifacts(run_id, folders.pop()):
                if item.is_dir:
                    folders.append(item.path)
                else:
                    found[item.path] = item.file_size
    except Exception as error:
        raise _not_stored(client, run_id, "cannot be looked up in", error) from error
    return found


def _not_stored(client: MlflowClient, run_id: str, what: str, error: Exception) -> NotStored:
    """An error that says which store of artifacts fails, why, and what to do."""
    try:
        place = without_password(client.get_run(run_id).info.artifact_uri)
    except MlflowException:  # the run itself is gone
        place = "the store of artifacts"
    return NotStored(
        f"files of run {run_id} {what} {place}: {reason(error)}; {_advice(error, place)}"
    )


def _differences(client: MlflowClient, folder: Path) -> Iterator[str]:
    stored = stored_files(client, folder.name)
    for file in sorted(file for file in folder.rglob("*") if file.is_file()):
        name, size = file.relative_to(folder).as_posix(), file.stat().st_size
        if name not in stored:
            yield f"lacks {name}"
        elif stored[name] not in (size, None):
            yield f"has {stored[name]} of the {size} bytes of {name}"


def _write_and_delete(place: str, tracking_uri: str) -> None:
    repository = get_artifact_repository(place, tracking_uri=tracking_uri)
    with TemporaryDirectory() as made:
        file = Path(made, PROBE)
        file.write_text("Whether files can be stored here. This one may be deleted.\n")
        repository.log_artifact(str(file))
    with suppress(Exception):  # deleting may be forbidden, and the next probe replaces this one
        repository.delete_artifacts(PROBE)


def _advice(error: BaseException, place: str) -> str:
    scheme = urlsplit(place).scheme
    if is_final(error) and scheme in _PACKAGES:
        return f"pip install {_PACKAGES[scheme]}, or start MLflow's server with --serve-artifacts"
    if scheme == "mlflow-artifacts":
        return "the log of MLflow's server says more"
    return "mend that, or start MLflow's server with --serve-artifacts"
