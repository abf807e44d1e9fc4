"""A tracked study of image classifiers on CIFAR-10, from Python.

Every stage is a function with the name and the options of its command (the stage report is
`write_report`):

    import hypertuning
    study = hypertuning.bohb(dataset="digits", num_samples=17)
    study.best, study.trials, study.figure("anytime")
    hypertuning.open_study("last", stage="bohb")
    hypertuning.register(source=study.id).model_uri

An error that the user can fix raises hypertuning.UserError.
"""

from importlib import import_module
from importlib.util import find_spec
from typing import Any


def __getattr__(name: str) -> Any:
    """Import the stages, `open_study` and `UserError` when they are first used."""
    # `from hypertuning import spaces` asks here first
    is_module = name.startswith("_") or find_spec(f"{__name__}.{name}") is not None
    names = {} if is_module else import_module("hypertuning.api").NAMES
    if name not in names:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return names[name]


def __dir__() -> list[str]:
    return [*globals(), *import_module("hypertuning.api").NAMES]
