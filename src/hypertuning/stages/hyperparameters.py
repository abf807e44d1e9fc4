"""The page of all hyperparameters, written from the fields of `Config`."""

import ast
import inspect
import itertools
import math
import re
from typing import get_args

from hypertuning.complaints import KINDS
from hypertuning.config import DEFAULTS, ONLY, Config
from hypertuning.facts import bounds
from hypertuning.spaces import AUGMENT, BOHB, GRID, HYPERBAND, RECIPE, searched
from hypertuning.stages.options import as_text

HEAD = """\
# Hyperparameters

Written by `make mlproject` from `Config` in `src/hypertuning/config.py`. These are the names that
YAML files of `space`, `points` and `config` may have. A file of `space` changes the stage's own
space: a line of it is a value, a list, or a range, and what it does not name stays as it is.

```yaml
filters: {low: 32, high: 128, log: true}
optimizer: [muon, adamw]
momentum: {low: 0.6, high: 0.98, when: {optimizer: muon}}    # searched under muon alone
learning_rate: {low: 1e-3, high: 3e-1, log: true, prior: 1e-1, confidence: high}
weight_decay: 1.0
```

`prior` says where you expect the best ([search.md](search.md#priors)). A parameter acts only with
those values of another one that the third column names; the stage says which of yours never act.
`batch_size`, `learning_rate`, `augment` and `seed` are options of the stages too; a `space` has no
`seed`.

| name | values | acts only with | default | in `family=recipe` | searched by | meaning |
|---|---|---|---|---|---|---|
"""
SPACES = {
    "grid": GRID,
    "hyperband": HYPERBAND,
    "bohb family=plain": BOHB,
    "bohb family=recipe": RECIPE,
}
"""The stages that search, by name."""


def page() -> str:
    """The file docs/hyperparameters.md."""
    meanings = _docstrings()
    return HEAD + "".join(f"{_row(name, meanings.get(name, ''))}\n" for name in Config.model_fields)


def _row(name: str, meaning: str) -> str:
    default = "half of `kernel_size`, rounded down" if name == "padding" else _value(DEFAULTS[name])
    cells = [f"`{name}`", _values(name), _only(name), default, _recipe(name), _by(name), meaning]
    return f"| {' | '.join(cells)} |"


def _values(name: str) -> str:
    """What the parameter may be."""
    field = Config.model_fields[name]
    kinds = [kind for kind in get_args(field.annotation) if kind is not type(None)]
    if kinds and isinstance(kinds[0], str):
        return ", ".join(f"`{kind}`" for kind in kinds)
    kind = kinds[0] if kinds else field.annotation
    (low, high), facts = bounds(Config, name), field.metadata
    above = "above" if any(hasattr(fact, "gt") for fact in facts) else "from"
    below = ", below" if any(hasattr(fact, "lt") for fact in facts) else " to"
    ends = [f" {above} {low:g}"] * (low > -math.inf) + [f"{below} {high:g}"] * (high < 1e9)
    return "".join([KINDS[f"{kind.__name__}_type"].removeprefix("a "), *ends])


def _only(name: str) -> str:
    if name not in ONLY:
        return ""
    parent, values = ONLY[name]
    if isinstance(values, range):
        return f"`{parent}` from {values[0]}"
    return f"`{parent}` {' or '.join(map(_value, values))}"


def _value(value: object) -> str:
    return "" if value is None else f"`{as_text(value)}`"


def _recipe(name: str) -> str:
    """What the family fixes."""
    fixed = {**RECIPE, "augment": AUGMENT["recipe"]}
    return "" if name in searched(RECIPE) else _value(fixed.get(name))


def _by(name: str) -> str:
    """The stages that search it by default, and where."""
    found = [
        f"`{stage}`: {space[name].extent()}"
        for stage, space in SPACES.items()
        if name in searched(space)
    ]
    return "; ".join(found)


def _docstrings() -> dict[str, str]:
    """The texts below the fields of `Config`, each on one line."""
    body = ast.parse(inspect.getsource(Config)).body[0].body
    return {
        field.target.id: re.sub(r"\s+", " ", text.value.value).replace("|", r"\|")
        for field, text in itertools.pairwise(body)
        if isinstance(field, ast.AnnAssign)
        and isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
    }
