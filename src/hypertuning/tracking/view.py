"""MLflow's page of runs set up for studies: the columns that matter, the best first, the charts.

In a browser that visits it for the first time, MLflow 3 opens the page on the GenAI overview,
whatever the experiment's kind. A saved view sets filter, columns, order and charts. It is opened by
its address or from the page's menu "Views"; MLflow keeps it in a tag of the experiment. There is
one view of all trials, one of all studies, and one of each study's own trials.
"""

import base64
import json
import zlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import Run
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID

from hypertuning.config import BEST, OBJECTIVE
from hypertuning.epoch import EPOCH_METRICS
from hypertuning.tracking import queries

SEARCHED = "searched"
"""Tag of a study that has a view: the parameters in which its trials differ, with commas."""
LISTED = 10
"""Studies in the menu. MLflow's page cannot save a view if there are forty."""
_KIND = "mlflow.experimentKind"
_TAG = "mlflow.sharedViewState."
_ALL = "trials"
_STUDY = "study-"
"""The key of a study's view begins with it; then comes the run id."""
_FIRST = 10**13
"""When a view was made, in Unix milliseconds: the menu shows the latest first."""
_CURVES = ("val_loss", "train_loss", "generalization_gap", "val_accuracy", "train_accuracy")
_SUMMARY = ("best_val_loss", "best_val_accuracy", "best_epoch", "epochs_run", "overfit_epoch")
_TRIALS = "tags.trial_id LIKE 't%'"  # a study has the numbers of its best trial as well


def offer_views(client: MlflowClient, study: Run, name: str, searched: Mapping[str, bool]) -> None:
    """Save the views in the study's experiment, and mark it as one of training runs.

    Args:
        name: Of the study.
        searched: The parameters in which its trials differ, and whether every trial has them.
    """
    experiment = client.get_experiment(study.info.experiment_id)
    if _KIND not in experiment.tags:  # a user may have marked it otherwise
        client.set_experiment_tag(experiment.experiment_id, _KIND, "custom_model_development")
    columns = _all_searched(client, experiment.experiment_id, searched)
    ours = f"{_TRIALS} AND tags.`{MLFLOW_PARENT_RUN_ID}` = '{study.info.run_id}'"
    views = {
        _ALL: _saved("All trials", _FIRST + 1, _trials_view(_TRIALS, columns)),
        "studies": _saved("All studies", _FIRST, _studies_view()),
        f"{_STUDY}{study.info.run_id}": _saved(
            name, study.info.start_time, _trials_view(ours, searched, _parallel(searched))
        ),
    }
    tags = {f"{_TAG}{key}": view for key, view in views.items()}
    tags |= _unlisted({**experiment.tags, **tags})
    for key, value in tags.items():
        if experiment.tags.get(key) != value:
            client.set_experiment_tag(experiment.experiment_id, key, value)


def address(study: Run) -> str:
    """Where the trials of a study are on MLflow's pages: `#/experiments/…`."""
    key = f"{_STUDY}{study.info.run_id}" if SEARCHED in study.data.tags else _ALL
    return address_in(study.info.experiment_id, key)


def address_in(experiment_id: str, key: str = _ALL) -> str:
    """Where a view of an experiment is on MLflow's pages, by default that of all trials."""
    opened = f"viewStateShareKey={key}&workflowType=machine_learning&compareRunsMode=CHART"
    return f"#/experiments/{experiment_id}/runs?{opened}"


def _all_searched(client: MlflowClient, experiment_id: str, first: Iterable[str]) -> list[str]:
    """The parameters that any study of an experiment searched, those of `first` first."""
    known = (
        run.data.tags.get(SEARCHED, "") for run in queries.find_studies(client, [experiment_id])
    )
    others = (name for names in known for name in names.split(", ") if name)
    return list(dict.fromkeys([*first, *others]))


def _unlisted(tags: Mapping[str, str]) -> dict[str, str]:
    """The views of older studies without their names: only their addresses still open them."""
    views = {key: value for key, value in tags.items() if key.startswith(f"{_TAG}{_STUDY}")}
    named = {key: json.loads(value) for key, value in views.items() if value.startswith("{")}
    newest_first = sorted(named, key=lambda key: named[key]["createdAt"], reverse=True)
    return {key: named[key]["state"] for key in newest_first[LISTED:]}


def _saved(name: str, created_ms: int, view: Mapping[str, Any]) -> str:
    """A view as MLflow's page (3.17) keeps it."""
    packed = base64.b64encode(zlib.compress(json.dumps(view).encode())).decode()
    dates = {"createdAt": created_ms, "updatedAt": created_ms}
    return json.dumps({"name": name, **dates, "state": f"deflate;{packed}"})


def _trials_view(
    condition: str, searched: Iterable[str], of_parameters: Sequence[Mapping[str, Any]] = ()
) -> dict[str, Any]:
    others = [name for name in (*_SUMMARY, *EPOCH_METRICS) if name not in _CURVES]
    # the axes of eight parameters need the width of the page
    wide = _section("parameters", "What the parameters do") | {"columns": 1, "cardHeight": 400}
    sections = [wide] if of_parameters else []
    return {
        **_table(condition, searched, ("stage", "outcome", "sampler")),
        "compareRunCharts": [
            *of_parameters,
            *(_curve(name, deleted=False) for name in _CURVES),
            *(_curve(name, deleted=True) for name in others),  # or the page would add them
        ],
        "compareRunSections": [*sections, _section("curves", "Curves of the trials")],
    }


def _studies_view() -> dict[str, Any]:
    """One row per study, without `main`, reports and the runs of other commands."""
    tags = ("strategy", "images", "planned_trials", "epochs", "outcome", SEARCHED)
    return _table("tags.planned_trials != ''", (), tags)


def _table(condition: str, params: Iterable[str], tags: Sequence[str]) -> dict[str, Any]:
    return {
        "searchFilter": condition,
        "orderByKey": f"metrics.`best_{OBJECTIVE}`",
        "orderByAsc": True,
        "selectedColumns": [
            *(f"metrics.`{name}`" for name in _SUMMARY),
            *(f"params.`{name}`" for name in params),
            *(f"tags.`{name}`" for name in tags),
        ],
    }


def _section(key: str, name: str) -> dict[str, Any]:
    state = {"display": True, "isReordered": False, "deleted": False, "isGenerated": True}
    return {"uuid": key, "name": name, **state}


def _parallel(searched: Mapping[str, bool]) -> list[dict[str, Any]]:
    """A chart with a line for each trial through its parameters; none if no parameter differs.

    MLflow leaves out trials that lack a parameter, so only parameters that all have are shown.
    """
    axes = [name for name, everywhere in searched.items() if everywhere]
    chart = {
        "uuid": "parallel",
        "type": "PARALLEL",
        "displayName": "parallel coordinates",
        "metricSectionId": "parameters",
        "deleted": False,
        "isGenerated": False,
        "runsCountToCompare": 10,
        "selectedParams": axes,
        "selectedMetrics": [BEST],
        "showAllRuns": True,
    }
    return [chart] if axes else []


def _curve(metric: str, deleted: bool) -> dict[str, Any]:
    return {
        "uuid": metric,
        "type": "LINE",
        "metricKey": metric,
        "displayName": metric,
        "metricSectionId": "curves",
        "deleted": deleted,
        "isGenerated": True,
        "runsCountToCompare": 10,
        "xAxisKey": "step",
        "selectedXAxisMetricKey": "",
        "xAxisScaleType": "linear",
        "yAxisKey": "metric",
        "yAxisExpressions": [],
        "scaleType": "linear",
        "range": {},
        "lineSmoothness": 0,
        "useGlobalXaxisKey": True,
        "useGlobalLineSmoothing": True,
        "ignoreOutliers": False,
    }
