"""The commands, made from the stages' options: the only place that prints errors and exits."""

import math
import sys
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import click
from click.core import ParameterSource
from pydantic.fields import FieldInfo

from hypertuning import environment
from hypertuning.addresses import without_secrets
from hypertuning.stages.kinds import expanded
from hypertuning.stages.options import Options, UsageError, as_text
from hypertuning.stages.table import STAGES, Stage


def command(name: str) -> "StageCommand":
    """The command of a stage."""
    return StageCommand(STAGES[name])


class StageCommand(click.Command):
    """Run a stage: first print what it is about to do; report every error in one line.

    It has an option for each field of the stage's options.
    """

    def __init__(self, stage: Stage) -> None:
        fields = stage.options.model_fields
        params = [_option(name, fields[name]) for name in stage.options.names()]
        super().__init__(stage.name, callback=self._run, params=params, help=stage.options.__doc__)
        self.stage = stage

    def options(self, context: click.Context) -> Options:
        """The stage's options; those not typed have their default and count as not given."""
        sources = {name: context.get_parameter_source(name) for name in context.params}
        typed = {n: v for n, v in context.params.items() if sources[n] != ParameterSource.DEFAULT}
        return self.stage.options.of(typed)

    def _run(self, **_: Any) -> None:
        options = self.options(click.get_current_context())
        if told := self.stage.opening_of(options):
            click.echo(f"{self.name}: {told}")
        sys.exit(self.stage.run(options).status)

    def main(self, *args, **kwargs):
        if hasattr(sys.stdout, "reconfigure"):  # printing a name that is not UTF-8 must not fail
            sys.stdout.reconfigure(errors="backslashreplace")
        try:
            return super().main(*args, **{**kwargs, "standalone_mode": False})
        except click.ClickException as error:
            _fail(error.format_message(), error.exit_code)
        except UsageError as error:
            _fail(str(error), 2)
        except (click.Abort, KeyboardInterrupt):
            _fail("stopped", 130)
        except OSError as error:
            _fail(f"{error.filename}: {error.strerror}" if error.filename else str(error), 1)
        except Exception as error:
            if isinstance(error, _imported("hypertuning.config", "UserError")):
                _fail(str(error), 1)
            if isinstance(error, _imported("mlflow.exceptions", "MlflowException")):
                _fail(f"the tracking store: {' '.join(str(error).split())}", 1)
            raise
        finally:
            if environment.read(environment.RUN_ID):
                from hypertuning.stages.console.launch import name_this_launch

                name_this_launch()


class Stages(click.Group):
    """The command `hypertuning`: one subcommand per stage."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(STAGES)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        return command(name) if name in STAGES else None


def main() -> None:
    """Run `hypertuning STAGE --name value …`."""
    words = sys.argv[1:]
    if words and words[0] in STAGES:
        sys.exit(command(words[0]).main(words[1:], prog_name=f"hypertuning {words[0]}"))
    if words and not words[0].startswith("-"):
        _fail(f"{words[0]!r} is not a stage; there are {', '.join(STAGES)}", 2)
    Stages("hypertuning", help="A tracked study of image classifiers on CIFAR-10.")()


def _imported(module: str, name: str) -> type | tuple[()]:
    """A class of a module that takes long to import; an empty tuple if it is not imported yet."""
    return getattr(sys.modules.get(module), name, ())


def _fail(message: str, status: int) -> None:
    known = environment.read(environment.TRACKING_URI) or ""
    click.echo(f"error: {without_secrets(message, known)}", err=True)
    sys.exit(status)


def _option(name: str, field: FieldInfo) -> click.Option:
    """An option `--a-b` that is also spelled `--a_b`, as MLproject spells its parameters."""
    spellings = dict.fromkeys((f"--{name.replace('_', '-')}", f"--{name}"))
    return click.Option(
        [*spellings, name],
        default=as_text(field.default),
        type=type_of(field),
        help=field.description,
        show_default=True,
    )


def type_of(field: FieldInfo) -> click.ParamType:
    """The click type that reads and checks a field of a stage's options."""
    kinds = [kind for kind in field.metadata if isinstance(kind, str)]
    if kinds == ["folder"]:
        return UserPath(file_okay=False, path_type=Path, resolve_path=True)
    if kinds:
        return UserPath(path_type=Path if kinds == ["file"] else None)
    if get_origin(field.annotation) is Literal:
        return click.Choice(get_args(field.annotation))
    if field.annotation is bool:
        return Truth()
    if field.annotation in (int, float):
        number = WholeNumber if field.annotation is int else Number
        return number(**_range(field))
    return click.STRING


def _range(field: FieldInfo) -> dict[str, Any]:
    """The bounds of a number, as click names them."""
    found: dict[str, Any] = {}
    for bound in field.metadata:
        if hasattr(bound, "ge"):
            found |= {"min": bound.ge}
        if hasattr(bound, "gt"):
            found |= {"min": bound.gt, "min_open": True}
        if hasattr(bound, "le"):
            found |= {"max": bound.le}
    return found


class UserPath(click.Path):
    """A path in which `~` is the home folder, even if no shell has expanded it."""

    def convert(self, value, param, ctx):
        try:
            path = expanded(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)
        return super().convert(path, param, ctx)


class Truth(click.types.BoolParamType):
    """True or false; not an empty text, which an unset variable leaves, and click takes for false.

    `dry_run=$UNSET` would start the study.
    """

    def convert(self, value, param, ctx):
        if isinstance(value, str) and not value.strip():
            self.fail("it is empty; write true or false, or leave it out", param, ctx)
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter:
            self.fail(f"{value!r} is neither true nor false", param, ctx)


class WholeNumber(click.IntRange):
    """A whole number within its bounds."""

    name = "whole number"


class Number(click.FloatRange):
    """A finite number: no option can be `inf` or `nan`."""

    name = "number"

    def convert(self, value, param, ctx):
        number = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value} is not a finite number", param, ctx)
        return number
