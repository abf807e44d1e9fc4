"""The Python API: one function per stage, made from its options, and `open_study`."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from inspect import Parameter, Signature
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from hypertuning.complaints import shown
from hypertuning.config import UserError
from hypertuning.stages.options import StudyOptions, UsageError
from hypertuning.stages.process import restored
from hypertuning.stages.results import Registered, Study
from hypertuning.stages.table import STAGES, Stage

_FILES = ("space", "points", "config")
"""Options that take a file on a command line, and in Python also the data themselves."""


def open_study(study: str, stage: str | None = None) -> Study:
    """Open an earlier study.

    Args:
        study: Its run id, or `last`: the latest of `stage` in this experiment.
        stage: Only needed with `last`.

    Raises:
        UserError: there is no such study.
    """
    from hypertuning.stages.study.earlier_studies import open_study as find

    if study == "last" and stage not in _STUDIES:
        raise UsageError(f"`stage` must be one of {', '.join(_STUDIES)}, got {stage!r}")
    return find(study, stage)


def _function(stage: Stage) -> Callable[..., Any]:
    """The function of a stage: it returns the stage's result, and raises UserError."""

    def run(**options: Any) -> Any:
        with _written(options) as given, restored():
            done = stage.run(stage.options.of(given))
        if done.error:
            raise UserError(done.error)
        return done.value

    fields = stage.options.model_fields
    parameters = [
        Parameter(
            name,
            Parameter.KEYWORD_ONLY,
            default=fields[name].default,
            annotation=fields[name].annotation,
        )
        for name in stage.options.names()
    ]
    run.__name__ = run.__qualname__ = _NAMED.get(stage.name, stage.name)
    run.__module__ = "hypertuning"
    run.__signature__ = Signature(parameters)
    told = "\n".join(f"    {n}: {fields[n].description}" for n in stage.options.names())
    run.__doc__ = (
        f"{stage.options.__doc__}\n\nArgs:\n{told}\n\nReturns:\n    {stage.gives}\n\n"
        "Raises:\n    UserError: it cannot be done."
    )
    return run


@contextmanager
def _written(options: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Options in which data are replaced by YAML files, which last as long as this context."""
    with TemporaryDirectory() as folder:
        given = dict(options)
        for name in _FILES:
            if given.get(name) is None or isinstance(given[name], str | Path):
                continue
            if name == "config" and given.get("resume"):
                raise UsageError("`config` is kept with the study; leave it out beside `resume`")
            file = Path(folder, f"{name}.yaml")
            file.write_text(_yaml(name, given[name]))
            given[name] = str(file)
        yield given


def _yaml(name: str, data: Any) -> str:
    try:
        return yaml.safe_dump(_plain(data), sort_keys=False)
    except yaml.representer.RepresenterError as error:
        raise UsageError(f"`{name}` must be plain data, got {shown(data)}") from error


def _plain(value: Any) -> Any:
    """Data as YAML has it: a Config is its hyperparameters, a tuple a list, NumPy's a number."""
    if hasattr(value, "hyperparameters"):
        return value.hyperparameters()
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value.item() if hasattr(value, "item") else value


_NAMED = {"report": "write_report"}
"""Stages whose function cannot have their name: `hypertuning.report` is a package."""
_STUDIES = [n for n, stage in STAGES.items() if issubclass(stage.options, StudyOptions)]
NAMES: dict[str, Any] = {
    **{_NAMED.get(name, name): _function(stage) for name, stage in STAGES.items()},
    "open_study": open_study,
    "Registered": Registered,
    "Study": Study,
    "UserError": UserError,
}
"""The public names of `hypertuning`."""
