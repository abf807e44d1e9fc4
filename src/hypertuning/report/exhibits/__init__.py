"""What a study shows: a module for each exhibit, with its rows, its picture and its sentences.

A new module is found because it is here: `exhibit.shown_in` says which stages show it.
"""

import importlib
import pkgutil
from collections.abc import Mapping

import pandas as pd

from hypertuning.report.exhibit import KINDS, MODEL, OTHER, Exhibit

MODULES = [importlib.import_module(f"{__name__}.{found.name}")
           for found in pkgutil.iter_modules(__path__)]  # fmt: skip


_KINDS = sorted(KINDS, key=lambda kind: kind.place)
_NAMED = dict.fromkeys(stage for kind in _KINDS for stage in kind.stages)

STAGES = tuple(stage for stage in _NAMED if stage not in (MODEL, OTHER))
"""The stages with exhibits of their own."""


def exhibits(stage: str, trials: pd.DataFrame, curves: pd.DataFrame) -> list[Exhibit]:
    """The exhibits of one study; some may have no rows. Figures are drawn only on demand."""
    return _made(stage if stage in STAGES else OTHER, trials, curves)


def registered(tables: Mapping[str, pd.DataFrame]) -> list[Exhibit]:
    """The exhibits of a registered model: its choice, its refit, its test.

    Args:
        tables: Those that the stage register has left so far: `candidates` and `repeats`, then
            `refit`, then `predictions` and `mistakes`.
    """
    return _made(MODEL, tables)


def _made(stage: str, *given) -> list[Exhibit]:
    return [kind.make(*given) for kind in _KINDS if stage in kind.stages]
