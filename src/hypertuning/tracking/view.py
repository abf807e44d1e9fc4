"""MLflow's page of runs set up for studies: the columns that matter, the best first, the curves.

Since MLflow 3 the page opens on the GenAI overview in a browser that has not been there before,
whatever the experiment's kind. A shared view, which MLflow keeps in a tag of the experiment, is
opened by its address, and brings its columns, order and charts along.
"""

import base64
import json
import zlib

from mlflow import MlflowClient

from hypertuning.config import OBJECTIVE
from hypertuning.tracking.trial import EPOCH_METRICS

KEY = "trials"
_KIND = "mlflow.experimentKind"
_TAG = f"mlflow.sharedViewState.{KEY}"
_CURVES = ("val_loss", "train_loss", "generalization_gap", "val_accuracy", "train_accuracy")
_SUMMARY = ("best_val_loss", "best_val_accuracy", "best_epoch", "epochs_run", "overfit_epoch")
_TAGS = ("outcome", "strategy", "sampler")


def offer_view(client: MlflowClient, experiment_id: str) -> None:
    """Keep the view in the experiment, and that it holds training runs unless it was told else."""
    tags = client.get_experiment(experiment_id).tags
    if _KIND not in tags:
        client.set_experiment_tag(experiment_id, _KIND, "custom_model_development")
    view = "deflate;" + base64.b64encode(zlib.compress(json.dumps(_view()).encode())).decode()
    if tags.get(_TAG) != view:
        client.set_experiment_tag(experiment_id, _TAG, view)


def address(experiment_id: str) -> str:
    """Where the view is on MLflow's pages: `#/experiments/…`."""
    opened = f"viewStateShareKey={KEY}&workflowType=machine_learning&compareRunsMode=CHART"
    return f"#/experiments/{experiment_id}/runs?{opened}"


def _view() -> dict:
    """The state of MLflow's page (3.17), as its Share button writes it."""
    metrics = [f"metrics.`{name}`" for name in _SUMMARY]
    others = [name for name in (*_SUMMARY, *EPOCH_METRICS) if name not in _CURVES]
    section = {"uuid": "curves", "name": "Curves of the trials", "display": True}
    return {
        "searchFilter": "tags.trial_id LIKE 't%'",  # a study has the numbers of its best trial
        "orderByKey": f"metrics.`best_{OBJECTIVE.metric}`",
        "orderByAsc": OBJECTIVE.mode == "min",
        "selectedColumns": [*metrics, *(f"tags.`{name}`" for name in _TAGS)],
        "compareRunCharts": [
            *(_chart(name, deleted=False) for name in _CURVES),
            *(_chart(name, deleted=True) for name in others),  # or the page would add them
        ],
        "compareRunSections": [
            {**section, "isReordered": False, "deleted": False, "isGenerated": True}
        ],
    }


def _chart(metric: str, deleted: bool) -> dict:
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
