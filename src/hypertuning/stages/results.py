"""What a stage returns to a caller in Python: values that read the tracking store on access."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure
    from mlflow import MlflowClient

    from hypertuning.config import Config


@dataclass(frozen=True)
class Study:
    """A study in the tracking store."""

    id: str
    """The id of its run."""
    client: MlflowClient = field(repr=False, compare=False)

    @property
    def stage(self) -> str:
        return self._tag("stage")

    @property
    def outcome(self) -> str | None:
        """completed, interrupted or failed; None while it runs."""
        return self._tag("outcome")

    @property
    def parameters(self) -> dict[str, str]:
        """Its options, as text."""
        return dict(self.client.get_run(self.id).data.params)

    @property
    def trials(self) -> pd.DataFrame:
        """One row per trial: hyperparameters, outcome, lowest losses."""
        from hypertuning.report.trials import with_bests
        from hypertuning.tracking import runs

        return with_bests(runs.trials(self.client, [self.id]), self.curves)

    @property
    def curves(self) -> pd.DataFrame:
        """One row per trial and epoch, with all metrics."""
        from hypertuning.tracking import runs

        return runs.curves(self.client, [self.id])

    @property
    def best(self) -> Config:
        """The completed configuration of lowest validation loss, of those that trained longest.

        Raises:
            UserError: no trial was completed, or the study is one of register, which has chosen.
        """
        from hypertuning.config import UserError
        from hypertuning.registry.candidates import choose
        from hypertuning.tracking import runs

        if self.stage == "register":
            raise UserError("register chooses by the mean of repeats: see the card of its model")
        return choose(runs.trials(self.client, [self.id]), 1)[0].config

    def figure(self, name: str) -> Figure:
        """Draw one of the figures of its stage, such as "anytime" or "overfitting".

        Raises:
            UserError: its stage has no such figure, or it has nothing to show yet.
        """
        from hypertuning.config import UserError
        from hypertuning.report.exhibits import exhibits

        shown = {each.name: each for each in exhibits(self.stage, self.trials, self.curves)}
        if name not in shown:
            there = ", ".join(shown)
            raise UserError(f"`name` must be one of {there}, got {name!r}")
        if shown[name].rows.empty:
            raise UserError(f"there is no figure {name} of study {self.id}: {shown[name].lacking}")
        return shown[name].draw()

    def _tag(self, name: str) -> str | None:
        return self.client.get_run(self.id).data.tags.get(name)


@dataclass(frozen=True)
class Registered:
    """A version of a registered model."""

    model_name: str
    version: str

    @property
    def model_uri(self) -> str:
        """Its address, for `predict` and MLflow."""
        return f"models:/{self.model_name}/{self.version}"
