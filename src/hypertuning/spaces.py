"""Search spaces as plain data: parameter name → range, choice or fixed value."""

import itertools
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from graphlib import CycleError, TopologicalSorter

import numpy as np

from hypertuning.config import DEFAULTS, ONLY, UserError
from hypertuning.domains import Choice, Domain, Float, Integer, Value, contains

Space = Mapping[str, Domain | Value]
"""What is searched and what is fixed; a parameter that is absent keeps its default in `Config`."""


def searched(space: Space) -> dict[str, Domain]:
    """The parameters that the space leaves open."""
    return {name: d for name, d in space.items() if isinstance(d, Float | Integer | Choice)}


def conditions(space: Space) -> dict[str, dict[str, list[Value]]]:
    """Which other searched parameters a parameter depends on, and the values with which it acts.

    Conditions that always hold are left out.
    """
    opened = searched(space)
    found: dict[str, dict[str, list[Value]]] = {}
    for name, domain in space.items():
        for parent, allowed in _dependence(name, domain).items():
            offered = opened[parent].values if parent in opened else ()
            if parent in opened and not (offered and all(v in allowed for v in offered)):
                found.setdefault(name, {})[parent] = [v for v in allowed if v in offered]
    return found


def _dependence(name: str, domain: Domain | Value) -> dict[str, Collection[Value]]:
    """The values of others with which a parameter acts, from its `Only` and its `when`."""
    found: dict[str, Collection[Value]] = dict([ONLY[name]] if name in ONLY else [])
    if when := getattr(domain, "when", None):
        parent, value = when
        found[parent] = (value,) if value in found.get(parent, (value,)) else ()
    return found


def acting(space: Space, values: Mapping[str, Value]) -> dict[str, Value]:
    """Keep the values that act; a value does not act if it depends on one that does not."""
    needed = conditions(space)
    kept = {
        name: value
        for name, value in values.items()
        if all(values.get(parent) in allowed for parent, allowed in needed.get(name, {}).items())
    }
    return kept if len(kept) == len(values) else acting(space, kept)


def lies_in(space: Space, values: Mapping[str, Value]) -> bool:
    """Whether values have what the space fixes, and all searched parameters that act with them."""
    opened = searched(space)
    if any(values.get(n, value) != value for n, value in space.items() if n not in opened):
        return False
    there = acting(space, {**space, **{name: values.get(name) for name in opened}})
    return all(contains(opened[name], there[name]) for name in opened if name in there)


def idle(space: Space, fixed: Mapping[str, Value]) -> dict[str, str]:
    """The parameters that never act in this space, and why.

    A parameter that the space lacks has its value in `fixed`, or else its default. One that never
    acts counts as lacking for those that depend on it.
    """
    given = {**DEFAULTS, **fixed, **space}
    reasons = {}
    for name, domain in space.items():
        for parent, allowed in _dependence(name, domain).items():
            there = given.get(parent)
            offered = there.values if parent in searched(space) else (there,)
            if not any(value in offered for value in allowed):
                when = getattr(domain, "when", None)
                asked = [when[1]] if when and when[0] == parent else allowed
                reasons[name] = f"`{parent}` is never {_either(asked)}"
    rest = {name: domain for name, domain in space.items() if name not in reasons}
    return {**reasons, **idle(rest, fixed)} if reasons else {}


def settle(space: Space, fixed: Mapping[str, Value]) -> Space:
    """Simplify a space by what is known before the search.

    Parameters that never act and conditions that always hold are dropped, and a choice of one value
    becomes that value.

    Raises:
        UserError: conditions that depend on each other.
    """
    never = idle(space, fixed).keys() & searched(space)
    settled = {name: _alone(domain) for name, domain in space.items() if name not in never}
    try:
        TopologicalSorter(conditions(settled)).prepare()
    except CycleError as error:
        circle = " → ".join(f"`{name}`" for name in error.args[1])
        raise UserError(f"`when` must not go round in a circle: {circle}") from error
    opened = searched(settled)
    return {
        name: replace(domain, when=None)
        if name in opened and domain.when and domain.when[0] not in opened
        else domain
        for name, domain in settled.items()
    }


def _alone(domain: Domain | Value) -> Domain | Value:
    lone = isinstance(domain, Choice) and len(domain.values) == 1 and not domain.when
    return domain.values[0] if lone else domain


def without_priors(space: Space) -> Space:
    """The same space, of which the user expects nothing."""
    return {
        name: replace(d, prior=None, confidence="medium") if name in searched(space) else d
        for name, d in space.items()
    }


def sample(space: Space, rng: np.random.Generator) -> dict[str, Value]:
    """Draw one configuration.

    Parameters that do not act are drawn too, so that conditions change no other draw.
    """
    opened = searched(space)
    values = {n: opened[n].sample(rng) if n in opened else v for n, v in space.items()}
    return acting(space, values)


def grid(space: Mapping[str, Choice | Value]) -> Iterator[dict[str, Value]]:
    """Every combination of the choices; the last parameter varies fastest."""
    choices = [d.values if isinstance(d, Choice) else (d,) for d in space.values()]
    for values in itertools.product(*choices):
        yield acting(space, dict(zip(space, values, strict=True)))


def describe(space: Space) -> dict[str, str]:
    """Say in words what is searched and what is fixed; equal spaces have equal words."""
    needed = conditions(space)
    return {name: _words(d, needed.get(name, {})) for name, d in sorted(space.items())}


def _words(domain: Domain | Value, needed: Mapping[str, Collection[Value]]) -> str:
    if not isinstance(domain, Float | Integer | Choice):
        return str(domain)
    log = ", log" if getattr(domain, "log", False) else ""
    conditions = [f"{parent} is {' or '.join(map(str, v))}" for parent, v in needed.items()]
    return f"{domain.extent()}{log}{' if ' if conditions else ''}{' and '.join(conditions)}"


def _either(values: Collection[Value]) -> str:
    if isinstance(values, range):
        return f"{values[0]} or more"
    return " or ".join(map(repr, values))


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
"""Eight parameters: BOHB's model needs 2 · (8 + 1) = 18 results on a budget; 51 trials give it."""

RECIPE: Space = {
    "convs_per_block": 2,
    "whitening": True,
    "activation": "gelu",
    "batch_norm": True,
    "norm_momentum": 0.4,
    "norm_bias_only": True,
    "identity_init": True,
    "global_pool": True,
    "num_fully_connected_layers": 1,
    "logit_scale": 0.11,
    "optimizer": "muon",
    "nesterov": True,
    "decay_per_epoch": True,
    "lookahead": True,
    "lr_schedule": "triangle",
    "crop_pixels": 2,
    "crop_border": "reflect",
    "flip": "alternating",
    "filters": Integer(32, 96, log=True),
    "filter_growth": Float(1.0, 2.0),
    "learning_rate": Float(1e-2, 3e-1, log=True),
    "weight_decay": Float(0.1, 5.0, log=True),
    "momentum": Float(0.6, 0.98),
    "batch_size": Choice((125, 250, 500)),
}
"""What earned its place of airbench93 (Jordan, arXiv 2404.00498), as `benchmarks.bench_recipe`
measures it, with Muon in place of SGD. No layer has more than 192 filters."""

FAMILIES: dict[str, Space] = {"recipe": RECIPE, "plain": BOHB}
"""The spaces of the stage bohb."""
AUGMENT = {"recipe": "crop_flip", "plain": "none"}
"""The augmentation of each."""
