"""Turn pydantic's errors into one line in the project's words."""

import reprlib
from collections.abc import Iterable

from pydantic import ValidationError

KINDS = {"int_type": "a whole number", "float_type": "a number", "bool_type": "true or false"}
"""What pydantic calls a valid integer, number or boolean."""


def describe(error: ValidationError, name: str = "", allowed: Iterable[str] = ()) -> str:
    """Describe a validation error's first problem in one line: name, requirement, value given.

    Args:
        name: The name of the value, if the error does not have it.
        allowed: The names that exist.
    """
    first = error.errors()[0]
    name = name or ".".join(map(str, first["loc"]))
    if first["type"] == "missing":
        return f"`{name}` is missing"
    if first["type"] == "extra_forbidden":
        return unknown(name, allowed)
    if not name:
        return first["msg"].removeprefix("Value error, ")
    if first["type"] == "value_error":
        return f"`{name}`: {first['msg'].removeprefix('Value error, ')}"
    must = first["msg"].removeprefix("Input should ").removeprefix("be ")
    must = KINDS.get(first["type"], must)
    return f"`{name}` must be {must}, got {shown(first['input'])}"


def unknown(name: str, allowed: Iterable[str]) -> str:
    one_line = " ".join(name.split())
    return f"`{one_line}` is not a hyperparameter; there are {', '.join(allowed)}"


def shown(value: object) -> str:
    """Quote a value in a message: on one line, without the middle if it is long."""
    return _SHORT.repr(value)


_SHORT = reprlib.Repr()
_SHORT.maxlevel, _SHORT.maxstring, _SHORT.maxother = 3, 80, 80
