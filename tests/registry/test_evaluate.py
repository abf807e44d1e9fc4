"""Claims about the test: what is read, and that each image has its own row."""

import base64
import io

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from hypertuning.config import UserError
from hypertuning.learn.splits import load_test
from hypertuning.registry import evaluate
from hypertuning.registry.evaluate import SHOWN

DIGITS = tuple(str(n) for n in range(10))


class Always:
    """A model that answers with one class, of a probability that falls from image to image."""

    def __init__(self, classes=DIGITS, answer=3) -> None:
        self.classes, self.answer = classes, answer

    def predict(self, data):
        sure = np.linspace(0.9, 0.5, len(data))
        rest = (1 - sure) / (len(self.classes) - 1)
        shares = np.tile(rest[:, None], (1, len(self.classes)))
        shares[:, self.answer] = sure
        table = pd.DataFrame({"class": self.classes[self.answer], "probability": sure})
        return table.join(pd.DataFrame(shares, columns=[f"p_{name}" for name in self.classes]))


def test_every_test_image_has_a_row_with_its_own_loss(digits_cache):
    labels = load_test(digits_cache).labels.numpy()
    rows = evaluate.TestImages(digits_cache, DIGITS).predictions(Always())
    assert rows["label"].tolist() == [DIGITS[label] for label in labels]
    assert (rows["predicted"] == "3").all()
    sure = np.linspace(0.9, 0.5, len(labels))
    expected = -np.log(np.where(labels == 3, sure, (1 - sure) / 9))
    np.testing.assert_allclose(rows["loss"], expected)


def test_a_class_that_was_given_no_probability_at_all_costs_much_and_not_infinitely(digits_cache):
    class Sure(Always):
        def predict(self, data):
            answers = super().predict(data)
            answers.loc[:, "p_0":] = 0.0
            return answers.assign(p_3=1.0, probability=1.0)

    assert np.isfinite(evaluate.TestImages(digits_cache, DIGITS).predictions(Sure())["loss"]).all()


def test_a_model_of_other_classes_is_refused(digits_cache):
    with pytest.raises(UserError, match="does not tell these classes apart"):
        evaluate.TestImages(digits_cache, DIGITS).predictions(Always(classes=("a", "b", "c", "d")))


def test_the_most_confident_mistakes_come_with_their_pictures(digits_cache):
    test = evaluate.TestImages(digits_cache, DIGITS)
    mistakes = test.mistakes(test.predictions(Always()))
    assert len(mistakes) == SHOWN
    assert mistakes["probability"].is_monotonic_decreasing
    assert not (mistakes["label"] == "3").any()
    row = mistakes.iloc[0]
    picture = np.asarray(Image.open(io.BytesIO(base64.b64decode(row["png"]))))
    expected = load_test(digits_cache).images[row["index"]].numpy()
    assert np.array_equal(picture, expected.transpose(1, 2, 0))
