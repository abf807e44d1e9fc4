"""What users write in YAML files: a space, points to try first, one configuration."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from hypertuning.complaints import shown
from hypertuning.config import ONLY, Config, UserError, acts, parse_config, parse_value
from hypertuning.domains import Choice, Domain, Float, Integer, Value, check_extent
from hypertuning.spaces import Space
from hypertuning.strict_yaml import read_yaml


def read_space(file: Path, strict: bool = True) -> Space:
    """Read a YAML file of parameters: a value fixes one, a list or bounds search it.

    `filters: {low: 32, high: 256, log: true}`, `optimizer: [adamw, sgd]`, `dropout: 0.2`,
    `momentum: {low: 0.5, high: 0.99, when: {optimizer: sgd}}`. Where the user expects the best, and
    how surely: `prior: 0.1, confidence: high` in braces; a choice is then `{values: [a, b], …}`.

    Raises:
        UserError: the file cannot be read, or a parameter is wrong; the message has its line.
    """
    document = read_yaml(file, strict)
    given = document.content
    if not isinstance(given, dict):
        raise UserError(f"{file} must map parameters to values, lists or bounds, {_got(given)}")
    space = {}
    for name, value in given.items():
        with document.at(name):
            space[name] = _domain(name, value, strict)
            if strict and isinstance(space[name], Float | Integer):
                _checked_extent(name, space[name])
    return space


def plain(space: Space) -> dict[str, object]:
    """The content of a file from which `read_space` reads this space."""
    return {name: _plain(domain) for name, domain in space.items()}


def _plain(domain: Domain | Value) -> object:
    if not isinstance(domain, Float | Integer | Choice):
        return domain
    expected = {} if domain.prior is None else _fields(domain, "prior", "confidence")
    if isinstance(domain, Choice):
        values = list(domain.values)
        return {"values": values, **expected} if expected else values
    when = {"when": dict([domain.when])} if domain.when else {}
    return {**_fields(domain, "low", "high", "log"), **when, **expected}


def _fields(domain: Domain, *names: str) -> dict[str, Value]:
    return {name: getattr(domain, name) for name in names}


class Written(NamedTuple):
    """A configuration from a file."""

    config: Config
    named: tuple[str, ...]
    """The hyperparameters that the file names."""

    def idle(self) -> list[str]:
        """Say which of them do nothing in this configuration."""
        values = self.config.model_dump()
        useless = [(name, ONLY[name].parameter) for name in self.named if not acts(name, values)]
        return [f"`{name}` does nothing where `{p}` is {values[p]!r}" for name, p in useless]


def read_points(file: Path, base: Mapping[str, Value], strict: bool = True) -> list[Written]:
    """Read a YAML list of configurations.

    Args:
        base: Values of the hyperparameters that a point does not name.

    Raises:
        UserError: the file cannot be read, or a point cannot be trained; the message has its line.
    """
    document = read_yaml(file, strict)
    if not isinstance(points := document.content, list):
        raise UserError(f"{file} must be a list of configurations, {_got(points)}")
    written = []
    for number, point in enumerate(points):
        with document.at(number):
            if not isinstance(point, dict):
                raise UserError(f"a point must map hyperparameters to values, {_got(point)}")
            written.append(_written(point, base, strict))
    return written


def read_config(file: Path) -> Written:
    """Read a YAML file that maps hyperparameters to values.

    Raises:
        UserError: the file cannot be read, or a value is wrong; the message has its line.
    """
    document = read_yaml(file)
    if not isinstance(given := document.content, dict):
        raise UserError(f"{file} must map hyperparameters to values, {_got(given)}")
    for name, value in given.items():
        with document.at(name):
            _value(name, value, strict=True)
    with document.at():
        return _written(given, {}, strict=True)


def _written(given: dict, base: Mapping[str, Value], strict: bool) -> Written:
    for name, value in given.items():
        _value(name, value, strict)
    whole = {**base, **given}
    acting = {name: v for name, v in whole.items() if name in given or acts(name, whole)}
    return Written(parse_config(acting, strict), tuple(given))


def _got(given: object) -> str:
    return "but it is empty" if given is None else f"got {shown(given)}"


def _domain(name: str, given: object, strict: bool) -> Domain | Value:
    if isinstance(given, dict):
        expected = _expected(name, given, strict)
        rest = {key: value for key, value in given.items() if key not in _EXPECTED}
        if isinstance(rest.get("values"), list) and len(rest) == 1:
            return _choice(name, rest["values"], strict, **expected)
        return _range(name, rest, strict, **expected)
    if isinstance(given, list):
        return _choice(name, given, strict)
    return _value(name, given, strict)


_EXPECTED = ("prior", "confidence")


def _expected(name: str, given: dict, strict: bool) -> dict[str, Value]:
    """The prior of a parameter and its confidence, if it has one."""
    if "prior" not in given:
        if "confidence" in given:
            raise UserError(f"`confidence` of `{name}` needs a `prior`, got {shown(given)}")
        return {}
    expected = {"prior": _value(name, given["prior"], strict)}
    return {**expected, **{key: given[key] for key in given if key == "confidence"}}


def _choice(name: str, given: list, strict: bool, **expected: Value) -> Choice:
    values = tuple(_value(name, value, strict) for value in given)
    return _built(name, Choice, values, **expected)


def _range(name: str, given: dict, strict: bool, **expected: Value) -> Float | Integer:
    known = {"low", "high"} <= set(given) <= {"low", "high", "log", "when"}
    when = given.get("when") or {}
    if not known or not isinstance(when, dict) or len(when) > 1:
        raise UserError(
            f"`{name}` must have `low` and `high`, may have `log`, `prior`, `confidence` and "
            f"`when: {{name: value}}`, got {shown(given)}"
        )
    if strict and name in when:
        raise UserError(f"`{name}` cannot depend on itself, got {shown(given)}")
    low, high = (_value(name, given[end], strict) for end in ("low", "high"))
    if isinstance(low, str | bool):
        raise UserError(f"`{name}` has no bounds; list its values, got {shown(given)}")
    log = given.get("log", False)
    if strict and not isinstance(log, bool):
        raise UserError(f"`log` of `{name}` must be true or false, got {shown(log)}")
    condition = [(parent, _value(parent, value, strict)) for parent, value in when.items()]
    kind = Integer if Config.model_fields[name].annotation is int else Float
    return _built(name, kind, low, high, bool(log), *condition, **expected)


def _checked_extent(name: str, domain: Float | Integer) -> None:
    try:
        check_extent(domain)
    except UserError as error:
        raise UserError(f"`{name}`: {error}") from error


def _built(name: str, kind: type[Domain], *given: object, **expected: Value) -> Domain:
    try:
        return kind(*given, **expected)
    except UserError as error:
        raise UserError(f"`{name}`: {error}") from error


def _value(name: str, value: object, strict: bool) -> Value:
    if value is None and strict:
        raise UserError(f"`{name}` has no value; write one, or leave it out")
    return parse_value(name, value, strict)
