"""Record → MLflow: every trial of a study as a child run. Repeating it changes nothing.

The store is asked once per study what it holds, and only the rest is sent: the run, its parameters,
its epochs with the times at which they were recorded, its ending. A trial costs one `create_run`,
one `log_batch` for all epochs since the last one, and at its end one `log_batch`, one figure and
one `set_terminated`.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from os import PathLike
from typing import TYPE_CHECKING

from mlflow import MlflowClient
from mlflow.entities import Metric, Param, Run, RunTag
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID, MLFLOW_RUN_NOTE

from hypertuning.record.locks import only_writer
from hypertuning.record.read import read_trials
from hypertuning.record.trial import PLACE, Trial
from hypertuning.tracking.artifacts import send_figure, stores
from hypertuning.tracking.histories import histories
from hypertuning.tracking.labels import STILL_TRAINING, note, run_name
from hypertuning.tracking.points import LAST_METRIC, in_ms, points_of, summary_of
from hypertuning.tracking.queries import find_trials
from hypertuning.tracking.store import NotStored, reason

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FIGURE = "overfitting.png"
STATUS = {
    "completed": "FINISHED",
    "pruned": "FINISHED",  # nothing went wrong with it: others were better
    "diverged": "FAILED",
    "failed": "FAILED",
    "interrupted": "KILLED",
}

Draw = Callable[[Trial], "Figure"]
logger = logging.getLogger(__name__)


@dataclass
class _Copy:
    """What the store holds of one trial."""

    run_id: str
    status: str
    tags: dict[str, str]
    params: set[str]
    metrics: dict[str, float]
    """The latest value of each."""
    epochs: set[int]
    figure: bool = True
    """False if the figure was found to be missing."""

    def shows_end_of(self, trial: Trial) -> bool:
        """Whether the run already shows how the trial ended. A user may have edited its note."""
        return (
            self.tags.get("outcome") == trial.outcome
            and self.metrics.get("epochs_run") == trial.epochs_run
            and not self.tags.get(MLFLOW_RUN_NOTE, "").endswith(STILL_TRAINING)
        )


class Mirror:
    """Copies trials of one study into the runs below the study's own.

    It remembers what it sent. After an error, make a new one: it asks the store what has arrived.

    Args:
        look: Check that the figures of ended trials are still there, which is a request for each.
    """

    def __init__(
        self,
        client: MlflowClient,
        study_run_id: str,
        draw: Draw | None = None,
        look: bool = False,
    ) -> None:
        study = client.get_run(study_run_id)
        self._client, self._study_id, self._draw, self._look = client, study_run_id, draw, look
        self.not_stored: NotStored | None = None
        """Why figures are missing. Once the store of artifacts has failed, no more are sent."""
        self._experiment_id = study.info.experiment_id
        self._stage = study.data.tags.get("stage", "")
        self._found: dict[str, Run] = {}
        self._doubles: list[Run] = []
        found = find_trials(client, self._experiment_id, study_run_id)
        for run in sorted(found, key=_fuller_first):
            if self._found.setdefault(run.data.tags["trial_id"], run) is not run:
                self._doubles.append(run)
        self._copies: dict[str, _Copy] = {}
        self._epochs: dict[str, set[int]] = {}
        # a long history is sent in several requests, of which the last may not have arrived
        ids = [run.info.run_id for run in found]
        for run_id, point in histories(client, ids, LAST_METRIC):
            self._epochs.setdefault(run_id, set()).add(point.step)

    def trial(self, trial: Trial) -> str:
        """Bring the run of a trial up to date, making it if there is none; give its id."""
        copy = self._copy(trial)
        missing = points_of(row for row in trial.epochs if row["epoch"] not in copy.epochs)
        if trial.outcome:
            self._end(copy, trial, missing)
        elif missing or copy.status == "RUNNING":
            self._go_on(copy, trial, missing)
        # otherwise the trial had ended, and its study goes on: it may not change any more
        return copy.run_id

    def fold_doubles(self) -> None:
        """Delete the second run of a trial if the first one holds all its epochs.

        A server that is too slow to answer `create_run` in time may still make the run, after we
        have made another one. MLflow can restore a deleted run.
        """
        for run in self._doubles:
            kept = self._copies.get(run.data.tags["trial_id"])
            if kept and self._held(run).epochs <= kept.epochs:
                self._client.set_tag(run.info.run_id, "duplicate_of", kept.run_id)
                self._client.delete_run(run.info.run_id)

    def _copy(self, trial: Trial) -> _Copy:
        if trial.trial_id not in self._copies:
            run = self._found.get(trial.trial_id)
            self._copies[trial.trial_id] = self._held(run) if run else self._create(trial)
        return self._copies[trial.trial_id]

    def _held(self, run: Run) -> _Copy:
        return _Copy(
            run_id=run.info.run_id,
            status=run.info.status,
            tags=dict(run.data.tags),
            params=set(run.data.params),
            metrics=dict(run.data.metrics),
            epochs=set(self._epochs.get(run.info.run_id, ())),
            figure=not self._look or stores(self._client, run, FIGURE),
        )

    def _create(self, trial: Trial) -> _Copy:
        tags = {MLFLOW_PARENT_RUN_ID: self._study_id, **self._tags(replace(trial, outcome=None))}
        name = run_name(trial.config)
        run = self._client.create_run(self._experiment_id, in_ms(trial.started), tags, name)
        return _Copy(run.info.run_id, run.info.status, tags, set(), {}, set())

    def _go_on(self, copy: _Copy, trial: Trial, missing: list[Metric]) -> None:
        if copy.status != "RUNNING":
            if copy.tags.pop("outcome", None):
                self._client.delete_tag(copy.run_id, "outcome")
            self._client.update_run(copy.run_id, status="RUNNING")
            copy.status = "RUNNING"
        self._send(copy, trial, missing, self._tags(trial))

    def _end(self, copy: _Copy, trial: Trial, missing: list[Metric]) -> None:
        tags, summary, ended = self._tags(trial), [], copy.shows_end_of(trial)
        drawn = (ended and copy.figure) or self._log_figure(copy, trial)
        # the note is sent last, once the figure is there: without it, the end is sent again
        if ended or not drawn:
            del tags[MLFLOW_RUN_NOTE]
        if not ended:
            summary = summary_of(trial, copy.metrics)
        self._send(copy, trial, missing + summary, tags)
        if not ended or copy.status != STATUS[trial.outcome]:
            self._client.set_terminated(copy.run_id, STATUS[trial.outcome], in_ms(trial.ended))
            copy.status = STATUS[trial.outcome]

    def _send(self, copy: _Copy, trial: Trial, metrics: list[Metric], tags: dict[str, str]) -> None:
        """Send the metrics, and the parameters and tags that the store lacks, in one request."""
        params = {name: value for name, value in trial.config.items() if name not in copy.params}
        tags = {name: value for name, value in tags.items() if copy.tags.get(name) != value}
        if not (metrics or params or tags):
            return
        self._client.log_batch(
            copy.run_id,
            metrics,
            [Param(name, str(value)) for name, value in params.items()],
            [RunTag(name, value) for name, value in tags.items()],
        )
        copy.params |= params.keys()
        copy.tags |= tags
        copy.metrics |= {metric.key: metric.value for metric in metrics}
        copy.epochs |= {metric.step for metric in metrics if metric.key == LAST_METRIC}

    def _log_figure(self, copy: _Copy, trial: Trial) -> bool:
        """Send the figure of a trial. If that fails, its numbers are sent all the same."""
        if not (self._draw and trial.has_curve):
            return True
        if self.not_stored:
            return False
        try:
            send_figure(self._client, copy.run_id, self._draw(trial), FIGURE)
        except NotStored as error:
            self.not_stored = error
        except Exception as error:  # noqa: BLE001 - the numbers matter more
            logger.warning("%s of %s could not be drawn: %s", FIGURE, trial.trial_id, reason(error))
        else:
            copy.figure = True
            return True
        return False

    def _tags(self, trial: Trial) -> dict[str, str]:
        tags = {"stage": self._stage, "trial_id": trial.trial_id, "outcome": trial.outcome}
        tags |= {name: trial.job.get(name) for name in PLACE}
        tags[MLFLOW_RUN_NOTE] = note(trial, self._stage)
        return {name: str(value) for name, value in tags.items() if value is not None}


def mirror_study(
    client: MlflowClient,
    study_run_id: str,
    study_dir: PathLike[str],
    draw: Draw | None = None,
    sent: Callable[[Trial], None] = lambda trial: None,
    look: bool = False,
    trials: Sequence[Trial] | None = None,
) -> None:
    """Mirror every trial of a study's record.

    Args:
        trials: Those of the record, where it has been read already.
        sent: Called with each trial when its numbers are in the store.
        look: Check that the figures of ended trials are still there.

    Raises:
        MlflowException: the store is away. What has arrived is not sent again next time.
        NotStored: all numbers are there, but not all figures.
        UserError: another process is mirroring.
    """
    with only_writer(study_dir):
        mirror = Mirror(client, study_run_id, draw, look)
        for trial in read_trials(study_dir) if trials is None else trials:
            mirror.trial(trial)
            sent(trial)
        mirror.fold_doubles()
    if mirror.not_stored:
        raise mirror.not_stored


def _fuller_first(run: Run) -> int:
    """Sorts runs so that of two runs of a trial the fuller one is kept, or else the older one."""
    return -len(run.data.metrics)
