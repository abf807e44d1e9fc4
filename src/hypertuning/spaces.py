"""Search spaces as plain data: parameter name → range, choice or fixed value. Both ends count."""

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import yaml

from hypertuning.config import Config, UserError, parse_config

Value = int | float | str | bool


@dataclass(frozen=True)
class Float:
    """A real number between two ends, uniform or log-uniform."""

    low: float
    high: float
    log: bool = False
    when: tuple[str, Value] | None = None
    """Searched only where this other parameter has this value."""

    def __post_init__(self) -> None:
        _check_ends(self)

    def sample(self, rng: np.random.Generator) -> float:
        if self.log:
            return math.exp(rng.uniform(math.log(self.low), math.log(self.high)))
        return rng.uniform(self.low, self.high)

    def extent(self) -> str:
        return f"{self.low}–{self.high}"


@dataclass(frozen=True)
class Integer:
    """A whole number between two ends, both included (Ray's `randint` leaves out the upper)."""

    low: int
    high: int
    log: bool = False
    when: tuple[str, Value] | None = None
    """Searched only where this other parameter has this value."""

    def __post_init__(self) -> None:
        _check_ends(self)

    def sample(self, rng: np.random.Generator) -> int:
        if self.log:  # half a unit more on both sides gives the ends their full share
            real = math.exp(rng.uniform(math.log(self.low - 0.5), math.log(self.high + 0.5)))
            return min(max(round(real), self.low), self.high)
        return int(rng.integers(self.low, self.high, endpoint=True))

    def extent(self) -> str:
        return f"{self.low}–{self.high}"


@dataclass(frozen=True)
class Choice:
    """One of several values, none nearer to another."""

    values: tuple[Value, ...]
    when: tuple[str, Value] | None = None
    """Searched only where this other parameter has this value."""

    def __post_init__(self) -> None:
        if not self.values:
            raise UserError("a choice must offer at least one value, got none")
        if len(set(self.values)) < len(self.values):
            raise UserError(f"a choice must not offer a value twice, got {list(self.values)}")

    def sample(self, rng: np.random.Generator) -> Value:
        return self.values[rng.integers(len(self.values))]

    def extent(self) -> str:
        return ", ".join(map(str, self.values))


Domain = Float | Integer | Choice
Space = Mapping[str, Domain | Value]
"""What is searched and what is fixed; a parameter that is absent keeps its default in `Config`."""


def _check_ends(domain: Float | Integer) -> None:
    if domain.low >= domain.high:
        raise UserError(f"`low` (={domain.low}) must be below `high` (={domain.high})")
    if domain.log and domain.low <= 0:
        raise UserError(f"`low` of a logarithmic range must be greater than 0, got {domain.low}")


def searched(space: Space) -> dict[str, Domain]:
    """The parameters that the space leaves open."""
    return {name: d for name, d in space.items() if isinstance(d, Float | Integer | Choice)}


def active(domain: Domain, values: Mapping[str, Value]) -> bool:
    """Whether a parameter is there at all, given the values of the others."""
    return domain.when is None or values.get(domain.when[0]) == domain.when[1]


def describe(space: Space) -> dict[str, str]:
    """Say in words what is searched and what is fixed; equal spaces have equal words."""
    return {name: _words(domain) for name, domain in sorted(space.items())}


def plain(space: Space) -> dict[str, object]:
    """A space as `read_space` reads it from a file."""
    return {name: _plain(domain) for name, domain in space.items()}


def _plain(domain: Domain | Value) -> object:
    if isinstance(domain, Choice):
        return list(domain.values)
    if not isinstance(domain, Float | Integer):
        return domain
    when = {"when": dict([domain.when])} if domain.when else {}
    return {"low": domain.low, "high": domain.high, "log": domain.log, **when}


def _words(domain: Domain | Value) -> str:
    if not isinstance(domain, Float | Integer | Choice):
        return str(domain)
    log = ", log" if getattr(domain, "log", False) else ""
    when = f" if {domain.when[0]} is {domain.when[1]}" if domain.when else ""
    return f"{domain.extent()}{log}{when}"


def contains(domain: Domain, value: Value | None) -> bool:
    """Whether a value is one of the domain's, both ends included."""
    if isinstance(domain, Choice):
        return value in domain.values
    return isinstance(value, int | float) and domain.low <= value <= domain.high


def settle(space: Space, fixed: Mapping[str, Value]) -> Space:
    """Resolve the conditions that are decided beforehand: drop what can never be active.

    What the space does not hold has its value in `fixed`, or else its default in `Config`.
    """
    defaults = {name: field.default for name, field in Config.model_fields.items()}
    settled = {}
    for name, domain in space.items():
        parent, value = getattr(domain, "when", None) or (None, None)
        given = {**defaults, **fixed, **space}.get(parent)
        if parent is None or (parent in searched(space) and contains(given, value)):
            settled[name] = domain
        elif parent not in searched(space) and given == value:
            settled[name] = replace(domain, when=None)
    return settled


def sample(space: Space, rng: np.random.Generator) -> dict[str, Value]:
    """Draw one configuration.

    Every parameter takes its draw, active or not: the others' values do not hang on conditions.
    """
    opened = searched(space)
    values = {n: opened[n].sample(rng) if n in opened else v for n, v in space.items()}
    return {n: v for n, v in values.items() if n not in opened or active(opened[n], values)}


def grid(space: Mapping[str, Choice | Value]) -> Iterator[dict[str, Value]]:
    """Every combination of the choices; the last parameter varies fastest."""
    choices = [d.values if isinstance(d, Choice) else (d,) for d in space.values()]
    return (dict(zip(space, values, strict=True)) for values in itertools.product(*choices))


COMPARE: tuple[dict[str, Value], ...] = (
    {"model": "nn", "num_fully_connected_layers": 5},
    {"model": "resnn", "num_fully_connected_layers": 5},
    {"model": "cnn", "num_fully_connected_layers": 2},
)

GRID: Space = {
    "num_fully_connected_layers": Choice((2, 4)),
    "num_conv_layers": Choice((2, 3, 4)),
    "filters": Choice((64, 128, 152)),
    "kernel_size": Choice((2, 3)),
}

HYPERBAND: Space = {
    "hidden_size": Integer(254, 512),
    "filters": Integer(100, 200),
    "kernel_size": Integer(2, 3),
    "padding": Integer(0, 1),
}

BOHB: Space = {
    "learning_rate": Float(1e-4, 3e-2, log=True),
    "weight_decay": Float(1e-6, 1e-2, log=True),
    "dropout": Float(0.0, 0.5),
    "batch_size": Choice((64, 128, 256)),
    "optimizer": Choice(("adamw", "sgd")),
    "momentum": Float(0.5, 0.99, when=("optimizer", "sgd")),
    "filters": Integer(32, 128, log=True),
    "hidden_size": Integer(64, 512, log=True),
}
"""Eight parameters: the model needs 2 · (8 + 1) = 18 results on a budget; 51 trials give them."""


def read_space(file: Path) -> dict[str, Domain | Value]:
    """Read a YAML file of parameters: a value fixes one, a list or bounds open it.

    `filters: {low: 32, high: 256, log: true}`, `optimizer: [adamw, sgd]`, `dropout: 0.2`,
    `momentum: {low: 0.5, high: 0.99, when: {optimizer: sgd}}`.

    Raises:
        UserError: the file, or the first parameter that is wrong in it.
    """
    given = read_yaml(file)
    if not isinstance(given, dict) or not all(isinstance(name, str) for name in given):
        raise UserError(f"{file} must map parameters to values, lists or bounds, got {given!r}")
    fixed = {name: value for name, value in given.items() if not isinstance(value, dict | list)}
    return {name: _domain(name, value, fixed) for name, value in given.items()}


def read_yaml(file: Path) -> object:
    """Raises UserError where the file is not there or is no YAML."""
    try:
        return yaml.safe_load(file.read_text())
    except OSError as error:
        raise UserError(f"{file} cannot be read: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"{file} is no YAML: {' '.join(str(error).split())}") from error


def _domain(name: str, given: object, fixed: Mapping[str, object]) -> Domain | Value:
    if isinstance(given, dict):
        return _range(name, given, fixed)
    if isinstance(given, list):
        return Choice(tuple(_checked(name, value, fixed) for value in given))
    return _checked(name, given, fixed)


def _range(name: str, given: dict, fixed: Mapping[str, object]) -> Float | Integer:
    when = given.get("when") or {}
    known = {"low", "high"} <= set(given) <= {"low", "high", "log", "when"}
    if not known or not isinstance(when, dict) or len(when) > 1:
        raise UserError(
            f"`{name}` must have `low` and `high`, may have `log` and `when: {{name: value}}`, "
            f"got {given}"
        )
    low, high = (_checked(name, given[end], {**fixed, **when}) for end in ("low", "high"))
    if isinstance(low, str | bool):
        raise UserError(f"`{name}` has no bounds; list its values, got {given}")
    kind = Integer if Config.model_fields[name].annotation is int else Float
    return kind(low, high, bool(given.get("log")), next(iter(when.items()), None))


def _checked(name: str, value: object, others: Mapping[str, object]) -> Value:
    """The value as `Config` understands it (YAML takes 1e-3 for a text), beside the others."""
    return getattr(parse_config({**others, name: value}), name)
