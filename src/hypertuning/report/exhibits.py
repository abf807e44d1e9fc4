"""What a study shows: for each stage its figures, with the rows that they are drawn from."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

import pandas as pd
from matplotlib.figure import Figure

from hypertuning.report import figures, findings, tables


class Exhibit(NamedTuple):
    """One figure and its table."""

    name: str
    caption: str
    rows: pd.DataFrame
    lacking: str
    """Why there is none, where there are no rows."""
    draw: Callable[[], Figure]
    says: list[str]
    """What the rows say, in sentences."""
    details: Mapping[str, pd.DataFrame] = MappingProxyType({})
    """Tables with the numbers behind the sentences, by name."""


Make = Callable[[pd.DataFrame, pd.DataFrame], Exhibit]
"""From the trials and curves of one study."""


def exhibits(stage: str, trials: pd.DataFrame, curves: pd.DataFrame) -> list[Exhibit]:
    """The figures of one study, drawn only when they are asked for; some may have no rows."""
    return [make(trials, curves) for make in STAGES.get(stage, OTHER)]


def _learning_curves(trials: pd.DataFrame, curves: pd.DataFrame) -> Exhibit:
    rows, scores = tables.learning_curves(trials, curves), tables.final_scores(trials, curves)
    return Exhibit(
        "learning_curves",
        "Loss and accuracy by epoch, on the images that a model trains on and on those it does not "
        "see.",
        rows,
        "no trial has finished an epoch",
        lambda: figures.learning_curves(rows),
        findings.models(scores),
        {"final_scores": scores},
    )


def _heat_maps(trials: pd.DataFrame, curves: pd.DataFrame) -> Exhibit:
    rows = tables.grid_heat_maps(trials)
    return Exhibit(
        "heat_maps",
        "Every structure of the grid: darker is more accurate.",
        rows,
        "no trial has finished an epoch",
        lambda: figures.grid_heat_maps(rows),
        findings.cells(rows),
    )


def _main_effects(trials: pd.DataFrame, curves: pd.DataFrame) -> Exhibit:
    rows, steps = tables.main_effects(trials), tables.contrasts(trials)
    return Exhibit(
        "main_effects",
        "What each parameter of the structure does on average, compared on structures that are "
        "equal otherwise.",
        rows,
        "no two structures that differ in one parameter alone have been trained",
        lambda: figures.main_effects(rows),
        findings.steps(steps),
        {"contrasts": steps},
    )


def _overfitting(trials: pd.DataFrame, curves: pd.DataFrame) -> Exhibit:
    rows = tables.overfitting(trials, curves)
    return Exhibit(
        "overfitting",
        "The best configurations: where the solid line turns up while the dashed one falls, a "
        "network learns the training images by heart.",
        rows,
        "no trial has finished an epoch",
        lambda: figures.overfitting(rows),
        findings.best(tables.leaderboard(trials, None)),
    )


def _augmentation_effect(trials: pd.DataFrame, curves: pd.DataFrame) -> Exhibit:
    rows = tables.augmentation_effect(trials, curves)
    return Exhibit(
        "augmentation_effect",
        "The same configurations and seeds without and with random crop and flip.",
        rows,
        "no configuration has been trained in both arms; augment=both does that",
        lambda: figures.augmentation_effect(rows),
        findings.augmentation(rows),
    )


def _turning_points(trials: pd.DataFrame, curves: pd.DataFrame) -> Exhibit:
    rows = tables.turning_points(trials)
    return Exhibit(
        "turning_points",
        "Where validation loss is lowest: training on did not lower it.",
        rows,
        "no trial has trained for more than one epoch",
        lambda: figures.turning_points(rows),
        findings.turns(rows),
    )


def _survival(trials: pd.DataFrame, curves: pd.DataFrame) -> Exhibit:
    rows = tables.survival(trials, curves)
    return Exhibit(
        "survival",
        "How many trials each rung let pass.",
        rows,
        "no trial has finished an epoch",
        lambda: figures.survival(rows),
        [],
    )


def _trial_curves(trials: pd.DataFrame, curves: pd.DataFrame) -> Exhibit:
    rows = tables.trial_curves(trials, curves)
    return Exhibit(
        "trial_curves",
        "Every trial to where it was stopped.",
        rows,
        "no trial has finished an epoch",
        lambda: figures.trial_curves(rows),
        findings.best(tables.leaderboard(trials, None)),
    )


def _anytime(trials: pd.DataFrame, curves: pd.DataFrame) -> Exhibit:
    rows = tables.anytime(trials, curves)
    return Exhibit(
        "anytime",
        "What the search had found when so many epochs had been spent.",
        rows,
        "no trial has finished an epoch",
        lambda: figures.anytime(rows),
        [],
    )


def _samplers(trials: pd.DataFrame, curves: pd.DataFrame) -> Exhibit:
    losses = tables.rung_losses(trials, curves)
    comparison = tables.samplers(losses)
    return Exhibit(
        "samplers",
        "Proposals of the model beside random draws, after as many epochs as end a rung. Under "
        "each rung, the chance that a proposal has a lower loss than a random draw.",
        losses if len(comparison) else losses.head(0),
        "a comparison needs trials both drawn at random and proposed by the model",
        lambda: figures.samplers(losses, comparison),
        findings.proposals(comparison),
        {"sampler_comparison": comparison},
    )


def _rank_correlation(trials: pd.DataFrame, curves: pd.DataFrame) -> Exhibit:
    losses = tables.rung_losses(trials, curves)
    correlations = tables.rank_correlation(losses)
    return Exhibit(
        "rank_correlation",
        "Whether the loss after a few epochs orders the trials as that after the last rung does. "
        "Those that an earlier rung let pass are alike, which makes ρ smaller than among all.",
        correlations,
        "fewer than three trials have a loss after two different rungs",
        lambda: figures.rank_correlation(losses, correlations),
        findings.prediction(correlations),
    )


def _parallel_coordinates(trials: pd.DataFrame, curves: pd.DataFrame) -> Exhibit:
    rows = tables.parallel_coordinates(trials)
    return Exhibit(
        "parallel_coordinates",
        "Every configuration as a line through its hyperparameters.",
        rows,
        "no two trials that differ have finished an epoch",
        lambda: figures.parallel_coordinates(rows),
        [],
    )


def _importance(trials: pd.DataFrame, curves: pd.DataFrame) -> Exhibit:
    rows = tables.importance(trials, curves)
    return Exhibit(
        "importance",
        "Permutation importance in a random forest: what shuffling a parameter takes away from the "
        "forest's predictions of trials that it has not seen. Trials that got so far had been "
        "selected: what all of them have right cannot show.",
        rows,
        f"fewer than {tables.FEWEST} trials have a loss after the same number of epochs",
        lambda: figures.importance(rows),
        findings.weights(rows),
    )


def _slices(trials: pd.DataFrame, curves: pd.DataFrame) -> Exhibit:
    rows = tables.slices(trials)
    return Exhibit(
        "slices",
        "The lowest validation loss of each trial over each hyperparameter that was searched.",
        rows,
        "no two trials that differ have finished an epoch",
        lambda: figures.slices(rows),
        [],
    )


def _repeat_curves(trials: pd.DataFrame, curves: pd.DataFrame) -> Exhibit:
    """The curves without a best one: which repeat is the luckiest says nothing."""
    caption = "Every repeat, epoch by epoch."
    return _trial_curves(trials, curves)._replace(name="repeat_curves", caption=caption, says=[])


OTHER: tuple[Make, ...] = (_trial_curves, _slices)
STAGES: dict[str, tuple[Make, ...]] = {
    "compare": (_learning_curves,),
    "grid": (_heat_maps, _main_effects),
    "hyperband": (
        _overfitting,
        _augmentation_effect,
        _turning_points,
        _trial_curves,
        _survival,
        _slices,
    ),
    "bohb": (
        _anytime,
        _trial_curves,
        _survival,
        _samplers,
        _rank_correlation,
        _importance,
        _slices,
        _parallel_coordinates,
    ),
    "register": (_repeat_curves,),
}
