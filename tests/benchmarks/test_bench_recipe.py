"""Claims about the ablation: its whole is what the stage bohb searches, and its rows differ."""

import pandas as pd

from benchmarks.bench_recipe import STEPS, TRIED, rows, summary
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


def test_the_summary_is_in_the_order_of_the_rows_and_says_how_sure_it_is():
    measured = pd.DataFrame(
        {
            "part": row.part,
            "name": row.name,
            "seed": seed,
            "val_loss": 1.0,
            "val_accuracy": 0.5 + 0.1 * seed,
            "tflop": 2.0,
        }
        for row in reversed(list(rows()))
        for seed in (0, 1)
    )
    table = summary(measured)
    assert list(table["name"]) == [row.name for row in rows()]
    assert set(table["seeds"]) == {2}
    assert table["error"].round(6).eq(0.05).all()
