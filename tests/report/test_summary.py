"""Claims about the first page: what is called the best, on what grounds, and what comes first."""

import numpy as np
import pandas as pd
import pytest
import yaml
from answers import predictions
from studies import compare_configs, sampled_configs, study

from hypertuning.config import Config
from hypertuning.intervals import of_mean, of_share
from hypertuning.report.choice import choices
from hypertuning.report.data import Data, Registered
from hypertuning.report.exhibits import exhibits
from hypertuning.report.headlines import Headline, headlines, most_important
from hypertuning.report.section import Section
from hypertuning.report.summary import summary
from hypertuning.tracking.runs import STUDY_COLUMNS


def studied(*given: tuple[str, list[dict], dict]) -> Data:
    """Data of studies: stage, configurations, and what their row in `studies` says."""
    frames, rows = [], []
    for number, (stage, configs, said) in enumerate(given):
        study_id = f"{number}" * 32
        frames.append(study(configs, 3, stage=stage, study_id=study_id))
        row = {"study_id": study_id, "stage": stage, "dataset": "digits", "digest": "a"}
        row |= {"train_images": 500, "val_images": 50, "split_seed": 0}
        rows.append({**dict.fromkeys(STUDY_COLUMNS), **row, **said})
    trials, curves = (pd.concat(kind, ignore_index=True) for kind in zip(*frames, strict=True))
    return Data(pd.DataFrame(rows), trials, curves)


def registered(data: Data, study_id: str, searched_loss: float, **tables) -> Data:
    """What `register` leaves when its repeats are those of the study's trials, of one candidate."""
    own = data.trials[data.trials["study_id"] == study_id]
    mean = of_mean(own["best_val_loss"].to_numpy(float))
    winner = {"candidate": 1, "source_trial": "t0003", "run_name": "the winner", "winner": True}
    winner |= {"searched_val_loss": searched_loss, "repeats": len(own), "val_loss": mean.value}
    repeats = own[["trial_id"]].assign(candidate=1)
    made = {"candidates": pd.DataFrame([winner]), "repeats": repeats, **tables}
    return data._replace(registered={study_id: Registered(made, "")})


def number_of(data: Data, name: str):
    (best,) = summary(data, []).bests
    return next(number for number in best.numbers if number.name == name)


SEARCHED = sampled_configs(8)
REPEATED = [{"filters": 128, "seed": seed} for seed in (11, 12, 13)]


def test_the_best_of_a_search_is_one_run_without_an_interval_and_says_so():
    data = studied(("bohb", SEARCHED, {}))
    first = data.trials.loc[data.trials["best_val_loss"].idxmin()]
    loss = number_of(data, "Validation loss")
    assert (loss.value, loss.interval) == (f"{first['best_val_loss']:.3f}", "")
    assert "One run, so without an interval" in loss.note
    (best,) = summary(data, []).bests
    assert f"Trial {first['trial_id']} of bohb" in best.where
    assert "The best of 8 trials is partly the luckiest" in best.notes[0]


def test_the_accuracy_of_one_run_has_the_interval_of_its_validation_images():
    data = studied(("bohb", SEARCHED, {}))
    (choice,) = choices(data)
    at = data.curves[data.curves["run_id"] == choice.runs["run_id"].iloc[0]]
    accuracy = at.loc[at["val_loss"].idxmin(), "val_accuracy"]
    assert choice.accuracy == of_share(round(accuracy * 50), 50)


def test_repeats_that_differ_in_their_seed_alone_are_taken_together():
    data = studied(("compare", compare_configs(3), {}))
    cnn = data.trials.loc[data.trials["model"] == "cnn", "best_val_loss"].to_numpy(float)
    (choice,) = choices(data)
    assert len(choice.runs) == 3
    assert choice.loss == of_mean(cnn)
    assert "seed" not in yaml.safe_load(summary(data, []).bests[0].yaml)


def test_one_lucky_repeat_does_not_make_its_configuration_the_best():
    data = studied(("compare", compare_configs(3), {}))
    data.trials.loc[data.trials["model"] == "nn", "best_val_loss"] = [0.5, 3.0, 3.0]
    (choice,) = choices(data)
    assert set(choice.runs["model"]) == {"cnn"}


def test_what_register_chose_comes_before_a_lower_loss_of_a_single_run():
    data = studied(("bohb", SEARCHED, {}), ("register", REPEATED, {}))
    lowest = data.trials["best_val_loss"].min()
    data = registered(data, "1" * 32, lowest - 0.1)
    (choice,) = choices(data)
    assert (choice.trial_id, len(choice.runs)) == ("t0003", 3)
    (best,) = summary(data, []).bests
    assert best.run_name == "the winner"
    assert best.numbers[0].interval
    assert not best.notes


def test_a_lower_loss_in_a_search_than_the_winner_had_there_is_said():
    data = studied(("bohb", SEARCHED, {}), ("register", REPEATED, {}))
    data.trials.loc[2, "best_val_loss"] = 0.1
    (best,) = summary(registered(data, "1" * 32, 0.2), []).bests
    assert "0.100, in trial t0002 of bohb (study 000000), against 0.200" in best.notes[0]


def test_the_test_result_is_there_once_the_model_has_been_tested():
    data = studied(("bohb", SEARCHED, {}), ("register", REPEATED, {}))
    assert "Not tested yet" in number_of(registered(data, "1" * 32, 0.2), "Test accuracy").note
    known = predictions(3, 100)
    right = (known["label"] == known["predicted"]).sum()
    tested = number_of(registered(data, "1" * 32, 0.2, predictions=known), "Test accuracy")
    share = of_share(right, 100)
    assert tested.value == f"{right / 100:.3f}"
    assert tested.interval == f"{share.low:.3f} to {share.high:.3f}"
    assert "On 100 test images" in tested.note


def test_a_register_study_that_has_not_chosen_yet_says_nothing_of_the_best():
    data = studied(("bohb", SEARCHED, {}), ("register", REPEATED, {}))
    data.trials.loc[data.trials["stage"] == "register", "best_val_loss"] = 0.01
    (choice,) = choices(data)
    assert choice.study.stage == "bohb"


def test_data_sets_have_a_best_each_and_more_images_are_compared_by_their_loss():
    data = studied(
        ("bohb", SEARCHED[:3], {"dataset": "cifar10", "digest": "b"}),
        ("bohb", SEARCHED, {}),
        ("bohb", SEARCHED[:2], {"train_images": 900}),
    )
    data.trials.loc[data.trials["study_id"] == "2" * 32, "best_val_loss"] = [0.2, 0.3]
    digits, cifar10 = choices(data)
    assert (digits.study.dataset, digits.study.train_images) == ("digits", 900)
    assert cifar10.study.dataset == "cifar10"


def test_studies_without_a_result_have_no_best():
    data = studied(("bohb", SEARCHED, {}))
    empty = data._replace(trials=data.trials.assign(best_val_loss=np.nan))
    assert summary(empty, []).bests == []


@pytest.mark.parametrize("config", [{"model": "nn"}, {"optimizer": "sgd", "momentum": 0.5},
                                    {"learning_rate": 1e-7, "batch_norm": True}])  # fmt: skip
def test_the_yaml_is_the_configuration(config):
    (best,) = summary(studied(("train", [config], {})), []).bests
    assert Config(**yaml.safe_load(best.yaml)) == Config(**config)


def headline(kind, clear=True, text="") -> Headline:
    return Headline(kind, text or kind, clear)


def test_what_is_clear_comes_first_and_then_what_decides_most():
    given = [headline("learning_curves", clear=False), headline("samplers"), headline("confusion"),
             headline("main_effects")]  # fmt: skip
    kinds = [line.kind for line in most_important(given, 3)]
    assert kinds == ["main_effects", "samplers", "confusion"]


def test_one_kind_of_finding_does_not_take_all_places():
    given = [headline("main_effects", text=str(n)) for n in range(4)] + [headline("samplers")]
    chosen = most_important(given, 3)
    assert [line.kind for line in chosen] == ["main_effects", "samplers", "main_effects"]


def test_of_the_steps_of_the_grid_the_largest_clear_one_is_chosen():
    configs = [{"filters": f, "kernel_size": k, "num_conv_layers": c}
               for f in (64, 128) for k in (2, 3) for c in (2, 3)]  # fmt: skip
    trials, curves = study(configs, 3, stage="grid")
    noise = np.where(trials["filters"] == 128, 0.02, 0) + np.where(
        trials["kernel_size"] == 3, 0.1, 0
    )
    trials["best_val_accuracy"] = 0.5 + noise.astype(float)
    step = {line.kind: line for line in headlines(exhibits("grid", trials, curves))}["main_effects"]
    assert step.clear
    assert step.text.startswith("Kernel size 2 → 3: more accurate, +0.100")


@pytest.mark.parametrize("stage", ["compare", "grid", "hyperband", "bohb", "register"])
def test_a_study_that_has_only_begun_has_no_headlines_and_breaks_none(stage):
    trials, curves = study(SEARCHED, 3, stage=stage)
    trials = trials.assign(best_val_loss=np.nan, best_val_accuracy=np.nan, epochs_run=0)
    trials["outcome"] = None
    assert headlines(exhibits(stage, trials, curves.head(0))) == []


def test_models_of_one_run_each_are_not_clearly_apart():
    for repeats, clear in ((1, False), (3, True)):
        shown = exhibits("compare", *study(compare_configs(repeats), 3, stage="compare"))
        (line,) = headlines(shown)
        assert line.clear == clear
        assert line.text.startswith("CNN is the most accurate model after 3 epochs")


def test_every_finding_of_the_first_page_leads_to_its_section():
    sections = [Section("a", below=[Section("b", headlines=[headline("samplers", text="x")])])]
    assert summary(studied(("bohb", SEARCHED, {})), sections).findings == [("b", "x")]
