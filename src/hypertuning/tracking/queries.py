"""Find the runs of studies, of their trials, and of what else belongs to studies."""

from collections.abc import Callable, Iterator, Sequence

from mlflow import MlflowClient
from mlflow.entities import Experiment, Run
from mlflow.store.entities.paged_list import PagedList
from mlflow.utils.mlflow_tags import (
    MLFLOW_PARENT_RUN_ID,
    MLFLOW_PROJECT_ENTRY_POINT,
    MLFLOW_SOURCE_NAME,
)

from hypertuning.tracking.launch import LAUNCHER

_STUDIES = "tags.stage IS NOT NULL AND tags.trial_id IS NULL"
"""The filter of studies; the runs of commands that resumed a study pass it, too."""


def pages(search: Callable[[str | None], PagedList]) -> Iterator:
    """All that a search finds, page by page.

    Args:
        search: Gives the page of a token, the first one for None.
    """
    page = search(None)
    yield from page
    while page.token:
        page = search(page.token)
        yield from page


def find_experiments(client: MlflowClient) -> list[Experiment]:
    """All experiments that are not deleted, the newest first."""
    return list(pages(lambda token: client.search_experiments(page_token=token)))


def find_trials(client: MlflowClient, experiment_id: str, study_id: str) -> list[Run]:
    """The runs of a study's trials, the oldest first."""
    below = f"tags.`{MLFLOW_PARENT_RUN_ID}` = '{study_id}' AND tags.trial_id IS NOT NULL"
    return _search(client, [experiment_id], below)


def all_trials(client: MlflowClient, experiment_ids: Sequence[str]) -> list[Run]:
    """The runs of all trials of some experiments, the oldest first."""
    return _search(client, experiment_ids, "tags.trial_id IS NOT NULL")


def find_launchers(client: MlflowClient, experiment_id: str, study_id: str) -> list[Run]:
    """The runs that `mlflow run` made for commands that resumed a study."""
    below = f"tags.`{MLFLOW_PARENT_RUN_ID}` = '{study_id}' AND tags.outcome = '{LAUNCHER}'"
    return _search(client, [experiment_id], below)


def find_running(client: MlflowClient, experiment_ids: Sequence[str]) -> list[Run]:
    """All runs that are open, the oldest first."""
    return _search(client, experiment_ids, "attributes.status = 'RUNNING'")


def find_studies(client: MlflowClient, experiment_ids: Sequence[str]) -> list[Run]:
    """The runs of all studies of some experiments, the oldest first."""
    found = _search(client, experiment_ids, _STUDIES)
    return [run for run in found if run.data.tags.get("outcome") != LAUNCHER]


def find_sources(client: MlflowClient, experiment_ids: Sequence[str]) -> set[str]:
    """The places from which `mlflow run` took the project for studies."""
    tags = (run.data.tags for run in find_studies(client, experiment_ids))
    return {tag[MLFLOW_SOURCE_NAME] for tag in tags if MLFLOW_PROJECT_ENTRY_POINT in tag}


def find_refits(client: MlflowClient, experiment_id: str, study_id: str) -> list[Run]:
    """The run in which a study's winner was trained again; empty if that has not begun."""
    below = f"tags.`{MLFLOW_PARENT_RUN_ID}` = '{study_id}' AND tags.refit = 'true'"
    return _search(client, [experiment_id], below)


def _search(client: MlflowClient, experiment_ids: Sequence[str], condition: str) -> list[Run]:
    """All runs that meet a condition, the oldest first."""
    ids, order = list(experiment_ids), ["attributes.start_time"]
    return list(
        pages(lambda token: client.search_runs(ids, condition, order_by=order, page_token=token))
    )
