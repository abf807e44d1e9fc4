"""Ray → mirror: a callback that only says which trials changed, a thread that mirrors them."""

import logging
import threading
from collections.abc import Iterator
from os import PathLike
from queue import SimpleQueue
from typing import TYPE_CHECKING

from mlflow import MlflowClient
from ray.air.integrations.mlflow import MLflowLoggerCallback

from hypertuning.record.files import DamagedRecord
from hypertuning.record.locks import only_writer
from hypertuning.record.read import read_trial
from hypertuning.tracking.mirror import Draw, Mirror
from hypertuning.tracking.store import back_off, reason

if TYPE_CHECKING:
    from ray.tune.experiment import Trial as RayTrial

DRAIN_SECONDS = 10

logger = logging.getLogger(__name__)


class MLflowMirror(MLflowLoggerCallback):
    """Keeps a study's runs up to date with its record, in the background.

    Ray's loop only puts a number into a queue. When a trial's turn comes, all that has changed of
    it goes to the store in one batch. A store that is slow or away only makes the mirror late:
    `mirror_study` delivers what is missing at the end.

    The store's address is not an attribute, but is read from MLflow, where `connect` has set it:
    Ray writes a callback's attributes into the study's folder, and the address may hold a password.
    """

    def __init__(
        self, study_run_id: str, study_dir: PathLike[str], draw: Draw | None = None
    ) -> None:
        super().__init__()
        self.study_run_id, self.study_dir, self.draw = study_run_id, study_dir, draw
        self.last_error: str | None = None
        """Why the mirror is late; None if it is not."""
        self.delivered: dict[int, int] = {}
        """By trial number: how many of its epochs are surely in the store."""

    def setup(self, *args, **info) -> None:  # Ray pickles a callback first, and no thread
        self._changed: SimpleQueue[int | None] = SimpleQueue()
        self._given_up = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="mlflow-mirror", daemon=True)
        self._thread.start()

    def log_trial_start(self, trial: "RayTrial") -> None:
        self._changed.put(trial.config["job"]["trial"])

    def log_trial_result(self, iteration: int, trial: "RayTrial", result: dict) -> None:
        self._changed.put(trial.config["job"]["trial"])

    def log_trial_end(self, trial: "RayTrial", failed: bool = False) -> None:
        self._changed.put(trial.config["job"]["trial"])

    def on_experiment_end(self, trials: list["RayTrial"], **info) -> None:
        """Wait for what is late, but not for long: `mirror_study` delivers the rest."""
        self._changed.put(None)
        self._thread.join(DRAIN_SECONDS)
        self._given_up.set()

    def _follow(self) -> None:
        try:
            with only_writer(self.study_dir, timeout_s=-1):
                self._mirror_what_changes()
        except DamagedRecord as error:
            self._complain(error)

    def _mirror_what_changes(self) -> None:
        mirror, pauses = None, back_off()
        behind: dict[int, None] = {}  # numbers of trials, an ordered set
        for number in _in_turn(self._changed, behind):
            try:
                mirror = mirror or self._connect()
                if trial := read_trial(self.study_dir, number):
                    mirror.trial(trial)
                    self.delivered[number] = len(trial.epochs)
                self.last_error, pauses = None, back_off()
            except DamagedRecord as error:
                self._complain(error)  # not read again before it changes
            except Exception as error:  # noqa: BLE001 - training goes on in any case
                self.last_error, mirror = reason(error), None
                behind[number] = None
                self._given_up.wait(next(pauses))
            if self._given_up.is_set():
                return

    def _complain(self, error: DamagedRecord) -> None:
        if self.last_error != str(error):
            logger.warning("%s", error)
        self.last_error = str(error)

    def _connect(self) -> Mirror:
        return Mirror(MlflowClient(), self.study_run_id, self.draw)


def _in_turn(changed: "SimpleQueue[int | None]", behind: dict[int, None]) -> Iterator[int]:
    """The trials that changed, in turn; one that changes again while it waits keeps its place.

    Ends when None has come through the queue and no trial waits.
    """
    ended = False
    while behind or not ended:
        while not changed.empty() or not (behind or ended):  # waits only if no trial does
            number = changed.get()
            if number is None:
                ended = True
            else:
                behind.setdefault(number)
        if behind:
            number = next(iter(behind))
            del behind[number]
            yield number
