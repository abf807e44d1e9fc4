"""Which findings of a study may stand on the first page, and which of them come first."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from hypertuning.report.exhibit import Exhibit

ORDER = (
    "learning_curves",
    "main_effects",
    "augmentation_effect",
    "importance",
    "samplers",
    "choice",
    "confusion",
    "turning_points",
    "rank_correlation",
    "heat_maps",
)
"""Exhibits by how much their headlines decide about the next study; all others come last."""


class Headline(NamedTuple):
    kind: str
    """The name of the exhibit that shows it."""
    text: str
    clear: bool
    """Whether its 95 % interval excludes that there is no difference."""


def headlines(shown: Iterable[Exhibit]) -> list[Headline]:
    """At most one from each exhibit."""
    found = {exhibit.name: exhibit.headline() for exhibit in shown if len(exhibit.rows)}
    return [Headline(name, *said) for name, said in found.items() if said]


def most_important(given: Sequence[Headline], count: int) -> list[Headline]:
    """Take clear ones before unclear ones, then in ORDER; a second of one kind only if need be."""
    ranked = sorted(given, key=lambda line: (not line.clear, _rank(line.kind)))
    kinds = [line.kind for line in ranked]
    first = [kind not in kinds[:place] for place, kind in enumerate(kinds)]
    chosen = [line for line, new in zip(ranked, first, strict=True) if new]
    others = [line for line, new in zip(ranked, first, strict=True) if not new]
    return [*chosen, *others][:count]


def _rank(kind: str) -> int:
    return ORDER.index(kind) if kind in ORDER else len(ORDER)
