"""Claims about what is shown of a registered model: its choice, its refit and its test."""

import numpy as np
import pandas as pd
import pytest
from answers import choice, left, predictions
from sklearn.metrics import accuracy_score, confusion_matrix, log_loss, precision_score

from hypertuning.report import figures, tables
from hypertuning.report.exhibits import calibration, candidates, registered
from hypertuning.report.pictures import png

KNOWN = predictions(classes=4, images=500)
NAMES = [f"class {number}" for number in range(4)]


def test_scores_are_those_of_scikit_learn():
    scores = tables.test_scores(KNOWN).set_index("measure")["value"]
    shares = KNOWN[[f"p_{name}" for name in NAMES]].to_numpy()
    assert scores["accuracy"] == accuracy_score(KNOWN["label"], KNOWN["predicted"])
    assert scores["loss"] == pytest.approx(log_loss(KNOWN["label"], shares, labels=NAMES))


def test_the_confusion_of_classes_is_that_of_scikit_learn():
    rows = tables.confusion(KNOWN)
    counts = rows.pivot(index="label", columns="predicted", values="images").loc[NAMES, NAMES]
    theirs = confusion_matrix(KNOWN["label"], KNOWN["predicted"], labels=NAMES)
    assert counts.to_numpy().tolist() == theirs.tolist()
    assert rows.groupby("label")["share"].sum().to_numpy() == pytest.approx(1)


def test_each_class_has_its_recall_and_precision():
    rows = tables.class_accuracy(KNOWN).set_index("label")
    own = KNOWN[KNOWN["label"] == "class 2"]
    found = precision_score(KNOWN["label"], KNOWN["predicted"], labels=["class 2"], average=None)
    assert rows.loc["class 2", "accuracy"] == (own["predicted"] == "class 2").mean()
    assert rows.loc["class 2", "precision"] == pytest.approx(found[0])
    assert rows["accuracy"].is_monotonic_decreasing


def test_the_calibration_error_is_the_weighted_distance_of_confidence_and_accuracy():
    sure = pd.DataFrame({
        "label": ["a"] * 10,
        "predicted": ["a"] * 6 + ["b"] * 4,
        "probability": [0.9] * 5 + [0.65] * 5,  # right in 5 of 5, and in 1 of 5
        "loss": 0.1,
        "p_a": 0.5,
        "p_b": 0.5,
    })  # fmt: skip
    error = calibration.expected_error(tables.calibration(sure))
    assert error == pytest.approx((5 * (1 - 0.9) + 5 * (0.65 - 0.2)) / 10)


def test_probabilities_that_are_true_have_almost_no_calibration_error():
    rng = np.random.default_rng(0)
    probability = rng.uniform(0.5, 1, 100_000)
    right = rng.random(100_000) < probability
    told = np.where(right, "a", "b")
    true = pd.DataFrame({"label": "a", "predicted": told, "probability": probability, "loss": 0.0})
    assert calibration.expected_error(tables.calibration(true)) < 0.01


def test_an_image_of_a_probability_on_a_bins_edge_lies_below_it():
    answers = {"label": "a", "predicted": "a", "probability": [1 / 3, 1.0], "loss": 0.0}
    edge = pd.DataFrame(answers)
    rows = tables.calibration(edge)
    assert rows.loc[rows["images"] > 0, "bin_high"].tolist() == pytest.approx([1 / 3, 1.0])


def test_a_class_without_test_images_has_no_accuracy_but_is_there():
    rows = tables.class_accuracy(KNOWN[KNOWN["label"] != "class 1"]).set_index("label")
    assert np.isnan(rows.loc["class 1", "accuracy"])
    assert rows.loc["class 1", "predicted"] > 0


def test_the_curse_of_the_winner_is_said_in_numbers():
    ranked, _ = choice(candidates=3, repeats=3)
    said = candidates.says(ranked)
    assert said[0].startswith("The best of 3 candidates on average is trial t0001")
    assert "its trial in the search had 1.200" in said[0]
    assert f"by {(ranked['val_loss'] - ranked['searched_val_loss']).mean():+.3f}" in said[1]


def test_repeats_of_another_length_than_the_search_say_nothing_of_its_luck():
    ranked, _ = choice(candidates=3, repeats=3)
    assert len(candidates.says(ranked.assign(epochs=1))) == 1


def test_candidates_that_broke_are_counted():
    ranked, _ = choice(candidates=3, repeats=3)
    said = candidates.says(ranked.assign(broken=[0, 1, 2]))
    assert "2 candidates failed in a repeat, and could not win." in said


def test_one_candidate_alone_is_called_the_only_one():
    ranked, _ = choice(candidates=1, repeats=1)
    assert candidates.says(ranked)[0].startswith("The only candidate is trial t0001")
    assert len(candidates.says(ranked)) == 1


@pytest.mark.parametrize(("classes", "images", "candidates", "repeats"),
                         [(2, 30, 1, 1), (10, 2000, 3, 3), (100, 3000, 10, 5)])  # fmt: skip
def test_a_registered_model_lacks_no_figure(classes, images, candidates, repeats):
    shown = registered(left(classes, images, candidates, repeats))
    assert not [exhibit.name for exhibit in shown if exhibit.rows.empty]
    for exhibit in shown:
        assert png(exhibit.draw()).startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("there", "lacking"),
    [
        ((), {"choice", "refit", "class_accuracy", "confusion", "calibration", "mistakes"}),
        (("candidates", "repeats"), {"refit", "class_accuracy", "confusion", "calibration",
                                     "mistakes"}),
        (("candidates", "repeats", "refit", "predictions"), {"mistakes"}),
    ],
)  # fmt: skip
def test_what_there_is_not_yet_is_said(there, lacking):
    everything = left()
    shown = registered({name: everything[name] for name in there})
    assert {exhibit.name for exhibit in shown if exhibit.rows.empty} == lacking
    assert all(exhibit.lacking for exhibit in shown)
    assert not [line for exhibit in shown if exhibit.rows.empty for line in exhibit.says]


def test_cells_of_many_classes_go_without_numbers():
    few, many = (
        figures.confusion(tables.confusion(predictions(classes, 1000))) for classes in (5, 30)
    )
    assert [text for text in few.axes[0].texts if text.get_text()]
    assert not many.axes[0].texts


def test_of_many_classes_the_best_and_the_worst_are_shown():
    rows = tables.class_accuracy(predictions(100, 3000))
    axes = figures.class_accuracy(rows).axes[0]
    named = [label.get_text() for label in axes.get_yticklabels()]
    assert named == [*rows["label"].head(20), *rows["label"].tail(20)]


def test_each_mistake_says_what_it_is_and_what_it_was_taken_for():
    rows = left()["mistakes"]
    titles = [axes.get_title(loc="left") for axes in figures.mistakes(rows).axes]
    first = rows.iloc[0]
    assert titles[0] == f"{first['label']}\n→ {first['predicted']}, {first['probability']:.2f}"
