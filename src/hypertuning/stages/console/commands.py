"""The commands that are printed: each can be pasted into the shell that started this one."""

import os
import shlex
import shutil
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

import click

from hypertuning import environment
from hypertuning.stages.console.invocation import activation, mlflow_run, python_words

_ID, _NAME = environment.EXPERIMENT_ID, environment.EXPERIMENT_NAME


def command_of(stage: str, experiment: str | None = None, **options: object) -> str:
    """A stage's command as the user would type it who has started this one.

    Args:
        experiment: Name of the one to run in, where it is not that of this command.
    """
    started = mlflow_run()
    if started is None:
        return _by_module(stage, experiment, options)
    kept = started.options
    if experiment is not None:
        kept = [pair for pair in kept if not pair[0].startswith("--experiment-")]
        kept = [*kept, ("--experiment-name", experiment)]
    # MLflow refuses a name beside an id, wherever the two come from
    names = [name for name, _ in kept]
    others = {"--experiment-name": _ID, "--experiment-id": _NAME}
    unset = [other for name, other in others.items() if name in names and started.shell.get(other)]
    typed = [word for pair in kept for word in pair if word]
    given = [word for name, value in options.items() for word in ("-P", f"{name}={_text(value)}")]
    words = [*started.program, "run", started.project, "-e", stage, *typed, *given]
    return _line(words, unset, before=activation(started))


def module_command_of(stage: str, **options: object) -> str:
    """The same without `mlflow run`, which cannot be given a value that is the default."""
    started = mlflow_run()
    if started is None:
        return _by_module(stage, None, options)
    project = Path.cwd()  # where `mlflow run` starts its commands
    paths = ["src"] if started.folder == project else [str(project), str(project / "src")]
    words = [*python_words(started.shell), *_module(stage, options)]
    before = activation(started)
    return _line(words, variables={"PYTHONPATH": os.pathsep.join(paths)}, before=before)


def _by_module(stage: str, experiment: str | None, options: Mapping[str, object]) -> str:
    elsewhere = experiment is not None
    # the run that MLFLOW_RUN_ID names takes one study
    unwanted = [environment.RUN_ID, *([_ID] if elsewhere else [])]
    unset = [name for name in unwanted if environment.read(name)]
    variables = {_NAME: experiment} if elsewhere else {}
    return _line([*python_words(environment.without()), *_module(stage, options)], unset, variables)


def _module(stage: str, options: Mapping[str, object]) -> list[str]:
    pairs = ((f"--{name.replace('_', '-')}", _text(value)) for name, value in options.items())
    return ["-m", f"entrypoints.{stage}", *(word for pair in pairs for word in pair)]


def mlflow_command(*words: str, store: str | None = None) -> str:
    """A command of MLflow's own.

    Args:
        store: Address of the tracking store, for a command that takes it from the environment.
    """
    started = mlflow_run()
    shell = started.shell if started else environment.without()
    program = started.program if started else _mlflow()
    named = store is None or shell.get(environment.TRACKING_URI)
    variables = {} if named else {environment.TRACKING_URI: store}
    before = activation(started) if started else []
    return _line([*program, *words], variables=variables, before=before)


def restore(run_id: str, store: str) -> str:
    """The command that brings a deleted run back."""
    return mlflow_command("runs", "restore", "--run-id", run_id, store=store)


def _mlflow() -> list[str]:
    """MLflow's program, or its module where another environment's would be found."""
    found = shutil.which("mlflow")
    beside = found and Path(found).parent == Path(sys.executable).parent
    return ["mlflow"] if beside else [*python_words(environment.without()), "-m", "mlflow"]


def changed(options: Mapping[str, object], names: Iterable[str]) -> dict[str, object]:
    """Those of some options that are not at their default, which the next command needs again."""
    context = click.get_current_context(silent=True)  # none where Python calls, not a shell
    defaults = context.command.make_context("defaults", []).params if context else {}
    return {
        name: options[name]
        for name in names
        if name in options and (name not in defaults or options[name] != defaults[name])
    }


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _line(
    words: Iterable[str],
    unset: Iterable[str] = (),
    variables: Mapping[str, str] = {},
    before: Iterable[str] = (),
) -> str:
    """Words as a line for the shell, in an environment that lacks or has some variables."""
    lacking = [word for name in unset for word in ("-u", name)]
    env = ["env", *lacking] if lacking else []
    assigned = [f"{name}={shlex.quote(value)}" for name, value in variables.items()]
    return " ".join([*before, *env, *assigned, *map(shlex.quote, words)])
