"""Claims about the names of runs: configurations that differ are told apart."""

from typing import Literal, get_args, get_origin

from hypothesis import assume, given
from hypothesis import strategies as st

from hypertuning.config import DISPLAY, Config, UserError, acts, parse_config
from hypertuning.spaces import AUGMENT, RECIPE, searched
from hypertuning.tracking.labels import run_name


def values(name: str) -> st.SearchStrategy:
    """Values of a hyperparameter; numbers as exact as a name writes them."""
    kind = Config.model_fields[name].annotation
    if get_origin(kind) is Literal:
        return st.sampled_from(get_args(kind))
    if kind is bool:
        return st.booleans()
    return st.integers(0, 9) if kind is int else st.sampled_from([0.0, 0.001, 0.013, 0.5, 0.9])


NAMES = list(Config.model_fields)
WHOLE = st.fixed_dictionaries({name: values(name) for name in NAMES})
CHANGES = st.lists(st.sampled_from(NAMES), min_size=1, max_size=3, unique=True).flatmap(
    lambda names: st.fixed_dictionaries({name: values(name) for name in names})
)


def logged(given: dict) -> dict:
    """The hyperparameters of a trial with these values, or nothing if it cannot be trained."""
    try:
        return parse_config({n: v for n, v in given.items() if acts(n, given)}).hyperparameters()
    except UserError:
        return {}


@given(WHOLE, CHANGES)
def test_configurations_have_one_name_exactly_if_they_are_the_same(whole, changes):
    one, other = logged(whole), logged({**whole, **changes})
    assume(one and other)
    assert (run_name(one) == run_name(other)) == (one == other)


def test_the_name_of_a_recipe_tells_only_what_the_recipe_leaves_open():
    fixed = {name: value for name, value in RECIPE.items() if name not in searched(RECIPE)}
    given = {**fixed, "augment": AUGMENT["recipe"], "filters": 93, "learning_rate": 0.067}
    given |= {"momentum": 0.87, "weight_decay": 0.09, "batch_size": 125}
    assert run_name(logged(given)) == "recipe f93 k3 p1 lr0.067 m0.87 wd0.09 b125"
    assert run_name(logged({**given, "test_augment": "mirror"})).endswith("b125 tta=mirror")
    without = run_name(logged({**given, "whitening": False}))
    assert without.startswith("cnn f93 k3 p1 x2 gelu bn")


def test_no_two_hyperparameters_have_one_short_name():
    short = [display.short for display in DISPLAY.values() if display.short]
    assert len(short) == len(set(short))


def test_values_that_stand_alone_in_a_name_belong_to_one_hyperparameter():
    alone = [name for name, display in DISPLAY.items() if not display.short]
    written = [
        value
        for name in alone
        for value in get_args(Config.model_fields[name].annotation)
        if DISPLAY[name].always or value != Config.model_fields[name].default
    ]
    assert len(written) == len(set(written))
    assert all(isinstance(value, str) for value in written)
