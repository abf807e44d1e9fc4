"""The commands that a stage prints: each can be pasted into the shell that started the stage."""

import os
import shlex
import shutil
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

from hypertuning import environment
from hypertuning.stages.console.invocation import activation, mlflow_run, python_words
from hypertuning.stages.options import as_text

_ID, _NAME = environment.EXPERIMENT_ID, environment.EXPERIMENT_NAME


def command_of(stage: str, experiment: str | None = None, **options: object) -> str:
    """A stage's command, typed in the way in which the user started this command.

    Args:
        experiment: Name of the experiment to run in, if it is not that of this command.
    """
    started = mlflow_run()
    if started is None:
        return _by_module(stage, experiment, options)
    kept = started.options
    if experiment is not None:
        kept = [pair for pair in kept if not pair[0].startswith("--experiment-")]
        kept = [*kept, ("--experiment-name", experiment)]
    # MLflow refuses an experiment's name beside an id, even if one comes from the environment
    names = [name for name, _ in kept]
    others = {"--experiment-name": _ID, "--experiment-id": _NAME}
    unset = [other for name, other in others.items() if name in names and started.shell.get(other)]
    typed = [word for pair in kept for word in pair if word]
    pairs = [f"{name}={as_text(value)}" for name, value in options.items()]
    given = [word for pair in pairs for word in ("-P", pair)]
    words = [*started.program, "run", started.project, "-e", stage, *typed, *given]
    return _line(words, unset, before=activation(started))


def module_command_of(stage: str, **options: object) -> str:
    """The same without `mlflow run`, under which a value equal to the default cannot be given."""
    started = mlflow_run()
    if started is None:
        return _by_module(stage, None, options)
    project = Path.cwd()  # where `mlflow run` starts its commands
    paths = ["src"] if started.folder == project else [str(project), str(project / "src")]
    words = [*python_words(started.shell), *module_of(stage), *_pairs(options)]
    before = activation(started)
    return _line(words, variables={"PYTHONPATH": os.pathsep.join(paths)}, before=before)


def _by_module(stage: str, experiment: str | None, options: Mapping[str, object]) -> str:
    elsewhere = experiment is not None
    # the run that MLFLOW_RUN_ID names can hold only one study
    unwanted = [environment.RUN_ID, *([_ID] if elsewhere else [])]
    unset = [name for name in unwanted if environment.read(name)]
    variables = {_NAME: experiment} if elsewhere else {}
    return _line([*_program(stage), *_pairs(options)], unset, variables)


def _program(stage: str) -> list[str]:
    """The words that start a stage, as this command was started."""
    if Path(sys.argv[0]).name == "hypertuning":
        found = shutil.which("hypertuning")
        is_ours = found and Path(found).samefile(sys.argv[0])
        return ["hypertuning" if is_ours else sys.argv[0], stage]
    return [*python_words(environment.without()), *module_of(stage)]


def module_of(stage: str) -> list[str]:
    """The words behind `python` that start a stage, in a checkout or without one."""
    with suppress(ModuleNotFoundError):  # another package may be called entrypoints
        if find_spec(f"entrypoints.{stage}"):
            return ["-m", f"entrypoints.{stage}"]
    return ["-m", "hypertuning", stage]


def _pairs(options: Mapping[str, object]) -> list[str]:
    pairs = ((f"--{name.replace('_', '-')}", as_text(value)) for name, value in options.items())
    return [word for pair in pairs for word in pair]


def mlflow_command(*words: str, store: str | None = None) -> str:
    """A command of MLflow itself.

    Args:
        store: Address of the tracking store, for a command that reads it from the environment.
    """
    started = mlflow_run()
    shell = started.shell if started else environment.without()
    program = started.program if started else _mlflow()
    named = store is None or shell.get(environment.TRACKING_URI)
    variables = {} if named else {environment.TRACKING_URI: store}
    before = activation(started) if started else []
    return _line([*program, *words], variables=variables, before=before)


def restore(run_id: str, store: str) -> str:
    """The command that restores a deleted run."""
    return mlflow_command("runs", "restore", "--run-id", run_id, store=store)


def _mlflow() -> list[str]:
    """MLflow's program, or its module if the shell would find another environment's program."""
    found = shutil.which("mlflow")
    beside = found and Path(found).parent == Path(sys.executable).parent
    return ["mlflow"] if beside else [*python_words(environment.without()), "-m", "mlflow"]


def _line(
    words: Iterable[str],
    unset: Iterable[str] = (),
    variables: Mapping[str, str] = {},
    before: Iterable[str] = (),
) -> str:
    """Words as a line for the shell, with some environment variables unset or set."""
    removed = [word for name in unset for word in ("-u", name)]
    env = ["env", *removed] if removed else []
    assigned = [f"{name}={shlex.quote(value)}" for name, value in variables.items()]
    return " ".join([*before, *env, *assigned, *map(shlex.quote, words)])
