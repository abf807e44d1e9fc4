"""Facts that stand beside a field of a pydantic model, in its `Annotated`."""

import math
from typing import NamedTuple, TypeVar

from pydantic import BaseModel

Fact = TypeVar("Fact")


class Only(NamedTuple):
    """Where a hyperparameter acts: beside these values of another one, and nowhere else."""

    parameter: str
    values: tuple[str, ...] | range


class Display(NamedTuple):
    """How people see a hyperparameter: in the names of runs, in tables and in figures."""

    short: str
    """Stands before the value in the name of a run. Empty if the value says enough, as `sgd` does;
    a value that is True is left out, as the short name says it."""
    always: bool = False
    """Whether names of runs give it even at its default."""
    log: bool = False
    """Whether figures lay its values out on a logarithmic scale."""
    words: str = ""
    """Its name over a panel; by default the field's, without underscores."""


def facts(model: type[BaseModel], kind: type[Fact]) -> dict[str, Fact]:
    """The facts of one kind, by field; fields without one are left out."""
    return {
        name: fact
        for name, field in model.model_fields.items()
        for fact in field.metadata
        if isinstance(fact, kind)
    }


def bounds(model: type[BaseModel], name: str) -> tuple[float, float]:
    """The least and the largest value that a field takes; infinite without a bound."""
    given = model.model_fields[name].metadata
    lows = [getattr(fact, end) for fact in given for end in ("ge", "gt") if hasattr(fact, end)]
    highs = [getattr(fact, end) for fact in given for end in ("le", "lt") if hasattr(fact, end)]
    return max(lows, default=-math.inf), min(highs, default=math.inf)
