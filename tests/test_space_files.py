"""Claims about the files of users: a space, points, a configuration."""

import math
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hypertuning import spaces
from hypertuning.config import Config, UserError, parse_config
from hypertuning.domains import Choice, Float, Integer
from hypertuning.space_files import plain, read_config, read_points, read_space


def written(folder, text):
    file = folder / "file.yaml"
    file.write_text(text)
    return file


def test_a_space_file_fixes_parameters_and_opens_others(tmp_path):
    file = written(
        tmp_path,
        "filters: {low: 32, high: 256, log: true}\n"
        "dropout: {low: 0, high: 1e-1}\n"
        "momentum: {low: 0.5, high: 0.9, when: {optimizer: sgd}}\n"
        "optimizer: [adamw, sgd]\nhidden_size: 100\nlearning_rate: 1e-3\nbatch_norm: yes\n",
    )
    assert read_space(file) == {
        "filters": Integer(32, 256, log=True),
        "dropout": Float(0, 0.1),
        "momentum": Float(0.5, 0.9, when=("optimizer", "sgd")),
        "optimizer": Choice(("adamw", "sgd")),
        "hidden_size": 100,
        "learning_rate": 0.001,
        "batch_norm": True,
    }


def test_a_space_file_says_where_the_best_is_expected(tmp_path):
    file = written(
        tmp_path,
        "learning_rate: {low: 1e-4, high: 1e-1, log: true, prior: 1e-3, confidence: high}\n"
        "momentum: {low: 0.5, high: 0.9, when: {optimizer: sgd}, prior: 0.9}\n"
        "optimizer: {values: [adamw, sgd], prior: sgd, confidence: low}\n"
        "filters: {low: 32, high: 256, prior: 64}\n",
    )
    space = {
        "learning_rate": Float(1e-4, 1e-1, log=True, prior=1e-3, confidence="high"),
        "momentum": Float(0.5, 0.9, when=("optimizer", "sgd"), prior=0.9),
        "optimizer": Choice(("adamw", "sgd"), prior="sgd", confidence="low"),
        "filters": Integer(32, 256, prior=64),
    }
    assert read_space(file) == space
    file.write_text(yaml.safe_dump(plain(space)))
    assert read_space(file) == space
    assert spaces.describe(space) == spaces.describe(spaces.without_priors(space))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("filters: {low: 8, high: 9, prior: 7}", "`filters`: `prior` (=7) must lie in 8–9"),
        ("filters: {low: 8, high: 9, prior: 8.5}", "`filters` must be a whole number, got 8.5"),
        ("filters: {low: 8, high: 9, prior: 8, confidence: 1}", "must be one of 'low', 'medium', "),
        (
            "filters: {low: 8, high: 9, confidence: low}",
            "`confidence` of `filters` needs a `prior`",
        ),
        ("optimizer: {values: [adam, sgd], prior: adamw}", "(='adamw') must lie in adam, sgd"),
        ("optimizer: {values: adam, prior: adam}", "`optimizer` must have `low` and `high`"),
        ("filters: {low: 32}", "`filters` must have `low` and `high`"),
        ("filters: {low: 32, high: 64, step: 2}", "`filters` must have `low` and `high`"),
        ("filters: {low: 64, high: 32}", "`filters`: `low` (=64) must be below `high` (=32)"),
        ("filters: {low: 0, high: 32}", "`filters` must be greater than or equal to 1, got 0"),
        ("filters: {low: 8, high: 9, log: 'false'}", "`log` of `filters` must be true or false"),
        ("filters: {low: 8, high: 9, log: 1}", "`log` of `filters` must be true or false, got 1"),
        ("filters: {low: 8, high: .inf}", "`filters` must be a whole number, got inf"),
        ("filters: {low: 8, high: 64.0}", "`filters` must be a whole number, got 64.0"),
        ("filters: {low: 8, high: 9, when: {optimiser: sgd}}", "`optimiser` is not a hyperparame"),
        ("filters: {low: 8, high: 9, when: {optimizer: lion}}", "`optimizer` must be 'adam', "),
        ("filters: {low: 8, high: 9, when: {dropout: '0'}}", "`dropout` must be a number, got '0'"),
        ("dropout: {low: 0, high: 1}", "`dropout` must be less than 1, got 1"),
        ("dropout: {low: 0, high: 0.5, log: true}", "logarithmic range must be greater than 0"),
        ("dropout: {low: 0.1, high: 0.1000000000001}", "a range must be at least 1e-10 wide"),
        (
            "learning_rate: {low: 1e-30, high: 1, log: true}",
            "range must be at least 1e-10, got 1e-30",
        ),
        ("learning_rate: {low: 0.1, high: 1e290}", "1e-10 wide and end at 1e+10 at most, got 0.1"),
        ("learning_rate: {low: 1e-3, high: 1e400}", "`learning_rate` must be a finite number"),
        ("learning_rate: .inf", "`learning_rate` must be a finite number, got inf"),
        ("weight_decay: .nan", "`weight_decay` must be a finite number, got nan"),
        ("filters: '64'", "`filters` must be a whole number, got '64'"),
        ("filters: 64.0", "`filters` must be a whole number, got 64.0"),
        ("filters: true", "`filters` must be a whole number, got True"),
        ("filters: 010", "`filters` must be a whole number, got '010'"),
        ("filters: 99999999999999999999", "`filters` must be a whole number, got '9999"),
        ("batch_size: 9999999999", "`batch_size` must be less than or equal to 2147483647"),
        ("batch_norm: 1", "`batch_norm` must be true or false, got 1"),
        ("batch_norm: [true, 1]", "`batch_norm` must be true or false, got 1"),
        ("dropout: false", "`dropout` must be a number, got False"),
        ("filters:", "`filters` has no value; write one, or leave it out"),
        ("momentum: null", "`momentum` has no value; write one, or leave it out"),
        ("filters: []", "`filters`: a choice must offer at least one value, got none"),
        ("filters: [[64]]", "`filters` must be a whole number, got [64]"),
        ("dropout: [0, 0.0]", "`dropout`: a choice must not offer a value twice, got [0.0, 0.0]"),
        ("filter: 3", "`filter` is not a hyperparameter; there are model, "),
        (
            "optimizer: [adamw, lion]",
            "`optimizer` must be 'adam', 'adamw', 'sgd' or 'muon', got 'lion'",
        ),
        ("optimizer: {low: adam, high: sgd}", "`optimizer` has no bounds; list its values"),
    ],
)
def test_a_wrong_parameter_of_a_space_is_refused_with_its_line(tmp_path, text, message):
    file = written(tmp_path, f"# a space\nseed: 3\n\n{text}")
    with pytest.raises(UserError) as refused:
        read_space(file)
    assert str(refused.value).startswith(f"{file}, line 4: ")
    assert message in str(refused.value)


@pytest.mark.parametrize(
    ("read", "text", "message"),
    [
        (read_space, "- 3", "must map parameters to values, lists or bounds, got [3]"),
        (read_space, "", "must map parameters to values, lists or bounds, but it is empty"),
        (read_config, "", "must map hyperparameters to values, but it is empty"),
        (read_config, "filters: 3\nseed: 1.5", "line 2: `seed` must be a whole number, got 1.5"),
        (read_config, "seed: -1", "line 1: `seed` must be greater than or equal to 0, got -1"),
        (read_config, "momentum: 0.5", "`momentum` (=0.5) needs `optimizer` 'sgd' or 'muon'"),
        (read_config, "filters: 1000000000", "would have 1.8e+19 weights, and 2.1e+09 are the"),
        (lambda f: read_points(f, {}), "filters: 3", "must be a list of configurations, got {'fil"),
        (lambda f: read_points(f, {}), "- {}\n- 3", "line 2: a point must map hyperparameters"),
        (lambda f: read_points(f, {}), "- {}\n- {filters: 6.0}", "line 2: `filters` must be a who"),
        (lambda f: read_points(f, {}), "- {}\n\n- {filtres: 6}", "line 3: `filtres` is not a hyp"),
    ],
)
def test_another_wrong_file_is_refused_in_one_line(tmp_path, read, text, message):
    with pytest.raises(UserError) as refused:
        read(written(tmp_path, text))
    assert str(refused.value).startswith(str(tmp_path))
    assert message in str(refused.value)


def test_a_point_is_as_the_study_where_it_says_nothing(tmp_path):
    file = written(tmp_path, "- {filters: 8}\n- {optimizer: sgd}\n- {model: nn, filters: 8}")
    points = read_points(file, {"momentum": 0.7, "optimizer": "adam", "dropout": 0.1})
    assert [point.config for point in points] == [
        Config(filters=8, dropout=0.1),
        Config(optimizer="sgd", momentum=0.7, dropout=0.1),
        Config(model="nn", filters=8, dropout=0.1),
    ]
    assert [point.idle() for point in points] == [
        [], [], ["`filters` does nothing where `model` is 'nn'"],
    ]  # fmt: skip


@pytest.mark.parametrize(
    "space", [spaces.BOHB, spaces.HYPERBAND, {**spaces.BOHB, "kernel_size": 3}]
)
def test_a_space_that_is_written_to_a_file_is_read_back_as_it_was(space, tmp_path):
    file = written(tmp_path, yaml.safe_dump(plain(space), sort_keys=False))
    assert read_space(file) == space


numbers = st.one_of(
    st.integers(), st.integers(1, 64), st.floats(), st.floats(0, 1), st.just(2**63), st.just(1e-320)
)
scalars = st.one_of(
    st.none(), st.booleans(), numbers, st.text(max_size=8), st.dates(),
    st.sampled_from(["sgd", "adamw", "cnn", "1e-3", "64", "\x85", "a\nb"]),
)  # fmt: skip
names = st.sampled_from(list(Config.model_fields))
bounds = st.fixed_dictionaries(
    {"low": numbers, "high": numbers},
    optional={"log": scalars, "when": st.dictionaries(names, scalars, max_size=2)},
)
entries = st.one_of(scalars, st.lists(scalars, max_size=3), bounds)
mappings = st.dictionaries(st.one_of(names, names, scalars), entries, max_size=4)
anything = st.recursive(
    st.one_of(entries, mappings),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(scalars, inner)),
    max_leaves=6,
)


@settings(
    max_examples=50,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(content=st.one_of(mappings, st.lists(mappings, max_size=3), anything), space=st.booleans())
def test_any_yaml_is_a_valid_space_or_configuration_or_refused_in_one_line(
    tmp_path, content, space
):
    file: Path = tmp_path / "any.yaml"
    file.write_text(yaml.safe_dump(content, allow_unicode=True))
    for read in (read_space, read_config, lambda file: read_points(file, {})):
        accepted, refusal = outcome(read, file)
        assert all(math.isfinite(v) for v in _values(accepted) if isinstance(v, float))
        assert refusal.startswith(str(file) if accepted is None else "")
        assert len(refusal.splitlines()) == (accepted is None)


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(st.one_of(names, names, names, scalars), scalars, max_size=5))
def test_any_values_make_a_configuration_or_are_refused_in_one_line(values):
    for strict in (True, False):
        config, refusal = outcome(parse_config, values, strict)
        assert len(refusal.splitlines()) == (config is None)
        if config:
            logged = config.hyperparameters()
            assert parse_config(logged, strict=True).hyperparameters() == logged


def outcome(read, *given):
    """What was read, and why nothing was: one of them."""
    try:
        return read(*given), ""
    except UserError as refused:
        return None, str(refused)


def _values(read):
    """Every value that a file has given."""
    if read is None:
        return []
    if isinstance(read, list):
        return [value for written in read for value in written.config.model_dump().values()]
    if not isinstance(read, dict):
        return read.config.model_dump().values()
    ends = [(d.low, d.high) if isinstance(d, Float | Integer) else (d,) for d in read.values()]
    return [value for pair in ends for value in pair]
