"""The functions of the exhibits by the type that they are annotated to return."""

import inspect
from collections.abc import Callable, Iterable
from types import ModuleType


def functions_that_return(
    kind: type, modules: Iterable[ModuleType], main: str
) -> dict[str, Callable]:
    """The public functions of some modules, by name; `main` goes by the name of its module."""
    found = {}
    for module in modules:
        for name, function in inspect.getmembers(module, inspect.isfunction):
            own = function.__module__ == module.__name__ and not name.startswith("_")
            if own and function.__annotations__.get("return") is kind:
                found[module.__name__.rpartition(".")[2] if name == main else name] = function
    return found
