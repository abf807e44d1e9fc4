"""Claims about which configuration is registered."""

import numpy as np
import pandas as pd
import pytest

from hypertuning.config import Config, UserError
from hypertuning.registry.candidates import choose, ranking, repeats


def trials(*rows) -> pd.DataFrame:
    """Rows of (filters, seed, best loss, epochs, outcome), as `tracking.runs` types them."""
    frame = pd.DataFrame(
        rows, columns=["filters", "seed", "best_val_loss", "epochs_run", "outcome"]
    )
    numbers = range(len(frame))
    return frame.assign(
        model="cnn",
        trial_id=[f"t{n:04d}" for n in numbers],
        run_id=[f"run{n}" for n in numbers],
        run_name=[f"cnn f{f}" for f in frame["filters"]],
        best_val_accuracy=0.5,
        best_epoch=frame["epochs_run"],
    )


def test_the_best_of_the_longest_trials_are_chosen_whatever_a_short_one_had():
    chosen = choose(
        trials(
            (8, 0, 0.1, 3, "pruned"),
            (16, 0, 1.2, 9, "completed"),
            (32, 0, 1.0, 9, "completed"),
            (64, 0, 1.1, 9, "completed"),
        ),
        top_k=2,
    )
    assert [(c.config.filters, c.trial_id, c.loss) for c in chosen] == [
        (32, "t0002", 1.0),
        (64, "t0003", 1.1),
    ]


def test_seeds_of_one_configuration_are_one_candidate_by_its_best_trial():
    chosen = choose(trials((16, 0, 1.2, 5, "completed"), (16, 1, 0.9, 5, "completed")), top_k=3)
    assert [(c.trial_id, c.loss) for c in chosen] == [("t0001", 0.9)]


def test_without_a_completed_trial_the_error_counts_what_there_is():
    of = trials((8, 0, 1.0, 1, "pruned"), (8, 0, 1.0, 1, "pruned"), (8, 0, np.nan, 0, "failed"))
    with pytest.raises(UserError, match=r"no completed trial.* its 3 trials: 2 pruned, 1 failed"):
        choose(of, 3)
    with pytest.raises(UserError, match="its 0 trials: none begun"):
        choose(of.head(0), 3)


def test_all_candidates_have_the_same_seeds_and_one_seed_comes_before_the_next():
    configs = repeats([Config(filters=32), Config(filters=16)], [8, 9])
    assert [(c.filters, c.seed) for c in configs] == [(32, 8), (16, 8), (32, 9), (16, 9)]


def candidates(*filters_and_losses) -> list[dict]:
    return [
        {
            "config": Config(filters=filters).hyperparameters(),
            "trial_id": f"t{filters:04d}",
            "run_id": "",
            "run_name": f"cnn f{filters}",
            "loss": loss,
            "epochs": 5,
        }
        for filters, loss in filters_and_losses
    ]


def test_the_best_mean_wins_though_the_search_had_another_one_first():
    again = trials(
        (16, 8, 1.3, 5, "completed"), (32, 8, 1.1, 5, "completed"),
        (16, 9, 1.1, 5, "completed"), (32, 9, 1.2, 5, "completed"),
    )  # fmt: skip
    table, each = ranking(candidates((16, 1.0), (32, 1.05)), again)
    assert table["val_loss"].tolist() == pytest.approx([1.2, 1.15])
    assert table["winner"].tolist() == [False, True]
    assert table["searched_val_loss"].tolist() == [1.0, 1.05]
    # t(1 degree of freedom) = 12.706; the deviation of 1.1 and 1.2 is 0.0707, over √2: 0.05
    assert table["high"].tolist()[1] - 1.15 == pytest.approx(12.706 * 0.05, rel=1e-3)
    assert each["candidate"].tolist() == [1, 2, 1, 2]


@pytest.mark.parametrize("broken", [(0.2, 4, "diverged"), (np.nan, 0, "failed")])
def test_a_candidate_of_which_a_repeat_broke_cannot_win(broken):
    again = trials(
        (16, 8, 0.9, 5, "completed"), (32, 8, 1.1, 5, "completed"),
        (16, 9, *broken), (32, 9, 1.2, 5, "completed"),
    )  # fmt: skip
    table, each = ranking(candidates((16, 1.0), (32, 1.05)), again)
    assert table["winner"].tolist() == [False, True]
    shown = table[["repeats", "broken", "val_loss", "best_epoch"]].iloc[0].tolist()
    assert shown == [1, 1, 0.9, 5], "only what was trained to its end counts"
    assert len(each) == 4, "all are told"


def test_the_interval_of_a_loss_does_not_go_below_0():
    again = trials((16, 8, 0.1, 5, "completed"), (16, 9, 0.2, 5, "completed"))
    table, _ = ranking(candidates((16, 1.0)), again)
    assert table["low"].tolist() == [0]


def test_without_a_candidate_that_came_through_nothing_is_registered():
    again = trials((16, 8, 1.3, 5, "completed"), (16, 9, np.nan, 0, "diverged"))
    with pytest.raises(UserError, match=r"all its repeats \(1 completed, 1 diverged\)"):
        ranking(candidates((16, 1.0)), again)
