"""Which findings of a study may stand on the first page, the most important kind first."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import pandas as pd

from hypertuning.intervals import Interval, of_mean
from hypertuning.report import findings
from hypertuning.report.exhibits import Exhibit

Found = tuple[str, bool] | None
"""A sentence, and whether the trials rule out that there is nothing to it."""


class Headline(NamedTuple):
    kind: str
    """The name of the exhibit that shows it."""
    text: str
    clear: bool
    """Its 95 % interval leaves out that there is no difference."""


def headlines(shown: Iterable[Exhibit]) -> list[Headline]:
    """At most one from each exhibit."""
    by_name = {exhibit.name: exhibit for exhibit in shown if len(exhibit.rows)}
    found = {name: find(by_name[name]) for name, find in KINDS.items() if name in by_name}
    return [Headline(name, *said) for name, said in found.items() if said]


def most_important(given: Sequence[Headline], count: int) -> list[Headline]:
    """Put what is clear before what is not, then go by kind; take each kind once, if that will do.

    The order of the kinds is that of KINDS: what decides most about the next study comes first.
    """
    order = list(KINDS)
    ranked = sorted(given, key=lambda line: (not line.clear, order.index(line.kind)))
    kinds = [line.kind for line in ranked]
    first = [kind not in kinds[:place] for place, kind in enumerate(kinds)]
    chosen = [line for line, new in zip(ranked, first, strict=True) if new]
    others = [line for line, new in zip(ranked, first, strict=True) if not new]
    return [*chosen, *others][:count]


def _models(exhibit: Exhibit) -> Found:
    """The most accurate model beside the others."""
    scores = exhibit.details["final_scores"]
    if len(scores) < 2:
        return None
    first, second = (Interval(row.val_accuracy, row.low, row.high)
                     for row in scores.head(2).itertuples())  # fmt: skip
    return " ".join(findings.models_compared(scores)), bool(first.low > second.high)


def _steps(exhibit: Exhibit) -> Found:
    """The step of the structure that changes the accuracy most."""
    steps = exhibit.details["contrasts"]
    clear = steps[(steps["low"] > 0) | (steps["high"] < 0)]
    some = clear if len(clear) else steps
    if some.empty:
        return None
    largest = some.loc[[some["difference"].abs().idxmax()]]
    return findings.steps(largest)[0], len(clear) > 0


def _augmentation(exhibit: Exhibit) -> Found:
    losses = exhibit.rows[exhibit.rows["measure"] == "val_loss"].tail(1)
    said = findings.augmentation(losses)
    return (said[0], _excludes(losses, 0)) if said else None


def _parameters(exhibit: Exhibit) -> Found:
    return (findings.weights(exhibit.rows)[0], True) if findings.tells(exhibit.rows) else None


def _proposals(exhibit: Exhibit) -> Found:
    first = exhibit.details["sampler_comparison"].head(1)
    return findings.proposals(first)[0], _excludes(first, 0.5)


def _luck(exhibit: Exhibit) -> Found:
    changes = findings.changes_of_candidates(exhibit.rows)
    said = findings.luck(changes)
    return (said[0], of_mean(changes).excludes(0)) if said else None


def _mistake(exhibit: Exhibit) -> Found:
    said = findings.confusions(exhibit.rows)
    return (said[0], True) if said else None


def _turns(exhibit: Exhibit) -> Found:
    said = findings.turns(exhibit.rows)
    return (said[0], bool(exhibit.rows["turned"].any())) if said else None


def _prediction(exhibit: Exhibit) -> Found:
    said = findings.prediction(exhibit.rows)
    return (said[0], _excludes(findings.first_and_last(exhibit.rows), 0)) if said else None


def _structures(exhibit: Exhibit) -> Found:
    said = findings.cells(exhibit.rows)
    return (said[0], False) if said else None


def _excludes(rows: pd.DataFrame, nothing: float) -> bool:
    ends = rows[["low", "high"]].iloc[0]
    return Interval(nothing, ends["low"], ends["high"]).excludes(nothing)


KINDS: Mapping[str, Callable[[Exhibit], Found]] = MappingProxyType({
    "learning_curves": _models,
    "main_effects": _steps,
    "augmentation_effect": _augmentation,
    "importance": _parameters,
    "samplers": _proposals,
    "choice": _luck,
    "confusion": _mistake,
    "turning_points": _turns,
    "rank_correlation": _prediction,
    "heat_maps": _structures,
})  # fmt: skip
"""Of an exhibit, by its name: the finding for the first page."""
