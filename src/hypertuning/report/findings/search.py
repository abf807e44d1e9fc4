"""What a search found: the best, the models, the parameters, what the rungs and the model told."""

from collections.abc import Iterable

import pandas as pd

from hypertuning.intervals import Interval
from hypertuning.report.marks import brief, words
from hypertuning.report.tables import TELLING
from hypertuning.report.tables.trials import ARM_NAMES, BEST
from hypertuning.words import counted

TELLING_RANKS = 0.5
"""A rank correlation above this keeps most of the order of the trials."""
NAMED = 3
"""Of results that are equally good, so many are named; the others are counted."""


def best(rows: pd.DataFrame) -> list[str]:
    """The trial with the lowest validation loss, and those that share it, of a `leaderboard`."""
    tied = rows[rows[BEST] == rows[BEST].min()]
    said = [
        f"Trial {row.trial_id} ({row.run_name}) has the lowest validation loss: "
        f"{getattr(row, BEST):.3f}, after epoch {row.best_epoch} of {row.epochs_run}. Its highest "
        f"validation accuracy is {row.best_val_accuracy:.3f}."
        for row in tied.head(1).itertuples()
    ]
    if len(tied) > 1:
        said.append(f"The same loss was reached by {_named(tied['trial_id'].iloc[1:])}.")
    return said


def _named(names: Iterable[str], joint: str = ", ") -> str:
    """Some of the names, and how many more there are."""
    names = list(names)
    more = len(names) - NAMED
    return joint.join(names[:NAMED]) + (f" and {more} more" if more > 0 else "")


def models(rows: pd.DataFrame) -> list[str]:
    """How the models compare after their last epoch, of `final_scores`."""
    said = []
    for row in rows.itertuples():
        accuracy = Interval(row.val_accuracy, row.low, row.high).text()
        repeats = f", mean of {row.repeats} repeats" if row.repeats > 1 else ""
        said.append(
            f"{row.model}: validation accuracy {accuracy} after {_epochs(row.epoch)}{repeats}; "
            f"training loss {row.train_loss:.2f}, validation loss {row.val_loss:.2f}."
        )
    return said


def models_compared(rows: pd.DataFrame) -> list[str]:
    """The most accurate model beside the others, of `final_scores`."""
    first, *others = rows.itertuples()
    accuracies = [Interval(row.val_accuracy, row.low, row.high).text() for row in rows.itertuples()]
    beside = ", ".join(
        f"{row.model} {said}" for row, said in zip(others, accuracies[1:], strict=True)
    )
    runs = f"mean of {first.repeats} repeats" if first.repeats > 1 else "one run each"
    return [
        f"{first.model} is the most accurate model after {_epochs(first.epoch)}, with a validation "
        f"accuracy of {accuracies[0]} ({runs}); {beside}."
    ]


def steps(rows: pd.DataFrame) -> list[str]:
    """What each step of each parameter of the grid does, of `contrasts`."""
    return [
        f"{words(row.parameter).capitalize()} {brief(row.start)} → {brief(row.to)}: "
        f"{_step(Interval(row.difference, row.low, row.high))} over "
        f"{counted(row.blocks, 'pair')} of otherwise equal structures."
        for row in rows.itertuples()
    ]


def _step(difference: Interval) -> str:
    if not difference.excludes(0):
        verdict = "no clear difference in accuracy"
    else:
        verdict = "more accurate" if difference.value > 0 else "less accurate"
    return f"{verdict}, {difference.text(sign=True)}"


def cells(rows: pd.DataFrame) -> list[str]:
    """The structures of lowest loss and of highest accuracy, of `grid_heat_maps`."""
    measured = rows[rows["state"] == "measured"]
    if measured.empty:
        return []
    lowest = measured[measured[BEST] == measured[BEST].min()]
    accurate = measured[measured["best_val_accuracy"] == measured["best_val_accuracy"].max()]
    loss, accuracy = lowest[BEST].iloc[0], accurate["best_val_accuracy"].iloc[0]
    if list(lowest.index) == list(accurate.index):
        both = f"the lowest validation loss, {loss:.3f}, and the highest accuracy, {accuracy:.3f}"
        return [_shared(both, lowest)]
    return [
        _shared(f"the lowest validation loss, {loss:.3f}", lowest),
        _shared(f"the highest validation accuracy, {accuracy:.3f}", accurate),
    ]


def _shared(measure: str, tied: pd.DataFrame) -> str:
    """Which structure has the best of a measure, or which of them share it."""
    structures = [
        f"{counted(row.num_conv_layers, 'conv layer')} of {counted(row.filters, 'filter')} with "
        f"kernel {row.kernel_size} and "
        f"{counted(row.num_fully_connected_layers, 'fully connected layer')}"
        for row in tied.itertuples()
    ]
    if len(tied) == 1:
        return f"The structure with {measure}, is {structures[0]}."
    return f"{len(tied)} structures share {measure}: {_named(structures, '; ')}."


def turns(rows: pd.DataFrame) -> list[str]:
    """In which epoch validation loss turned, of `turning_points`."""
    said = []
    for arm, counts in rows.groupby("augment"):
        turned = counts[counts["turned"]]
        known, total = int(turned["trials"].sum()), int(counts["of"].iloc[0])
        trained = f"trained {_epochs(counts['trained'].iloc[0])} {ARM_NAMES.get(arm, arm)}"
        of = f"{known or 'none'} of the {total} trials that {trained}"
        if total == 1:
            of = f"the one trial that {trained}"
        if not known:
            where = "in its last epoch" if total == 1 else "before the last epoch"
            said.append(f"Validation loss is lowest {where} in {of}.")
            continue
        low, high = turned["epoch"].min(), turned["epoch"].max()
        when = f"epoch {low}" if low == high else f"epochs {low} to {high}"
        said.append(f"Validation loss is lowest before the last epoch in {of}: in {when}.")
    return said


def augmentation(rows: pd.DataFrame) -> list[str]:
    """What crop and flip did after the last epoch, of `augmentation_effect`."""
    names = {"generalization_gap": "gap between validation and training loss"}
    last = rows[rows["epoch"] == rows["epoch"].max()]
    return [
        f"Crop and flip change the {names.get(row.measure, 'validation loss')} after "
        f"{_epochs(row.epoch)} from {row.none:.2f} to {row.crop_flip:.2f}, by "
        f"{Interval(row.difference, row.low, row.high).text(2, sign=True)}, on "
        f"{row.pairs} of {counted(row.of, 'configuration')}: those that trained for "
        f"{_epochs(row.epoch)} both with and without them."
        for row in last.itertuples()
    ]


def proposals(rows: pd.DataFrame) -> list[str]:
    """Whether proposals beat random draws where nobody had been selected, of `samplers`."""
    return [
        f"With a chance of {Interval(row.chance, row.low, row.high).text(2)}, a configuration that "
        f"the model proposed has a lower loss after {_epochs(row.epoch)} than one drawn at random "
        f"({counted(row.proposed, 'proposal')}, {counted(row.drawn, 'random draw')}): "
        f"{_beside_chance(Interval(row.chance, row.low, row.high))}."
        for row in rows.head(1).itertuples()
    ]


def _beside_chance(chance: Interval) -> str:
    if not chance.excludes(0.5):
        return "the model may be no better than chance, which is 0.5"
    return "the model is better than chance" if chance.value > 0.5 else "it is worse than chance"


def prediction(rows: pd.DataFrame) -> list[str]:
    """Whether the first rung predicts the last, of `rank_correlation`."""
    return [
        f"The rank correlation of the losses after {_epochs(row.epoch)} and after "
        f"{_epochs(row.later)} is {Interval(row.rho, row.low, row.high).text(2)}, over the "
        f"{row.trials} trials that got so far{_told(row.low, row.high)}."
        for row in first_and_last(rows).itertuples()
        if row.rho == row.rho
    ]


def _told(low: float, high: float) -> str:
    """What an interval of a rank correlation means; nothing where there is none."""
    if pd.isna(low):
        return ""
    if low > TELLING_RANKS:
        return ": the first epochs tell most of the order"
    return (
        ": the first epochs tell part of the order"
        if low > 0
        else ": the first epochs may tell nothing of the order"
    )


def first_and_last(rows: pd.DataFrame) -> pd.DataFrame:
    """The pair of rungs that are farthest apart, of `rank_correlation`."""
    return rows[(rows["epoch"] == rows["epoch"].min()) & (rows["later"] == rows["later"].max())]


def weights(rows: pd.DataFrame) -> list[str]:
    """The parameters that matter to a random forest, of `importance`."""
    if rows.empty:
        return []
    share, epoch = rows["explained"].iloc[0], rows["epoch"].iloc[0]
    clear = rows.loc[rows["low"] > 0, "parameter"].head(NAMED).map(words)
    if not tells(rows):
        known = rows["trials"].iloc[0]
        return [
            f"Which parameters the loss depends on cannot be told from {counted(known, 'trial')}."
        ]
    return [
        f"The loss after {_epochs(epoch)} depends most on {', '.join(clear)} (a random forest "
        f"explains {100 * share:.0f} % of the ranks of trials that it has not seen)."
    ]


def tells(rows: pd.DataFrame) -> bool:
    """Whether the forest explains enough to name a parameter, of `importance`."""
    return bool(rows["explained"].iloc[0] >= TELLING and (rows["low"] > 0).any())


def _epochs(count: int) -> str:
    return counted(count, "epoch")
