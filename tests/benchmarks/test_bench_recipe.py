"""Claims about the ablation: its whole is what the stage bohb searches, and its rows differ."""

import pandas as pd
import pytest

from benchmarks.bench_recipe import KEYS, STEPS, TRIED, key, measured_of, rows, summary
from benchmarks.figures import ablation
from hypertuning.spaces import AUGMENT, RECIPE, searched


def test_the_whole_is_what_the_stage_searches():
    *_, whole = (row.config.hyperparameters() for row in rows() if row.part == "added")
    fixed = {name: value for name, value in RECIPE.items() if name not in searched(RECIPE)}
    assert {name: whole[name] for name in fixed} == fixed
    assert whole["augment"] == AUGMENT["recipe"]
    assert searched(RECIPE).keys() <= whole.keys()


def test_no_two_rows_of_a_part_train_the_same():
    for part, count in (("added", 1 + len(STEPS)), ("left out", len(STEPS)), ("tried", len(TRIED))):
        configs = [str(row.config.hyperparameters()) for row in rows() if row.part == part]
        assert len(set(configs)) == count


def table(only=lambda row: True, seeds=2) -> pd.DataFrame:
    """What a run would have measured, in any order."""
    measured = {"val_loss": 1.0, "tflop": 2.0}
    return pd.DataFrame(
        {
            **dict(zip(KEYS, key(seeded(row, seed)), strict=True)),
            **measured,
            "val_accuracy": 0.5 + 0.1 * seed,
        }
        for row in reversed(list(rows()))
        if only(row)
        for seed in range(seeds)
    )


def seeded(row, seed):
    return row._replace(config=row.config.model_copy(update={"seed": seed}))


def test_the_summary_is_in_the_order_of_the_rows_and_says_how_sure_it_is():
    found = summary(table())
    assert list(found["name"]) == [row.name for row in rows()]
    assert set(found["seeds"]) == {2}
    assert found["error"].round(6).eq(0.05).all()


def test_a_line_of_a_row_that_is_now_another_network_does_not_count():
    measured = table()
    stale = measured.assign(config="of an older definition", val_accuracy=0.0)
    both = pd.concat([stale, measured], ignore_index=True)
    wanted = [seeded(row, seed) for row in rows() for seed in (0, 1)]
    assert measured_of(wanted, both)["val_accuracy"].min() == 0.5
    assert len(measured_of(wanted[:1], both)) == 1


@pytest.mark.parametrize("only", ["added", "left out", "tried"])
def test_a_part_of_the_rows_can_be_drawn_too(only):
    found = summary(table(lambda row: row.part == only, seeds=1))
    whole = list(STEPS)[-1]
    figure = ablation(found, whole, "100 images, 1 epoch")
    lines = [len(axes.lines) for axes in figure.axes]
    points = [(found["part"] == part).sum() for part in ("added", "left out", "tried")]
    assert lines == [count + (only == "added") for count in points]
