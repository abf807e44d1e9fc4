"""How the values of one hyperparameter are laid out."""

import pandas as pd

from hypertuning.config import DISPLAY

LOGARITHMIC = {name for name, display in DISPLAY.items() if display.log}


def scale_of(values: pd.Series) -> str:
    """'log', 'linear' or 'category': by the parameter's name and by the values that were tried."""
    known = values.dropna()
    if known.dtype == object or known.dtype.name in ("bool", "boolean", "str"):
        return "category"
    if known.nunique() <= 4:
        return "category"
    return "log" if values.name in LOGARITHMIC and known.astype(float).min() > 0 else "linear"


def in_order(values: pd.Series) -> list:
    """The values of a category, numbers before texts."""
    known = values.dropna().unique().tolist()
    return sorted(known, key=lambda value: (isinstance(value, str), value))
