"""Claims about what a search may still gain; the model is a stand-in."""

import pytest

from hypertuning.search.outlook import Outlook, words


class Model:
    def __init__(self, *gains):
        self.results, self.gains, self.asked = [], list(gains), []

    def expected_gain(self, trials, max_epochs):
        self.asked.append((trials, max_epochs))
        return self.gains.pop(0)


@pytest.mark.parametrize(
    ("epochs", "proposed", "trials"),
    [(207, 1, 2), (207, 0.667, 1), (187, 1, 2), (9, 1, 1), (901, 1, 10), (901, 0.5, 5)],
)
def test_it_looks_a_tenth_of_the_search_ahead(epochs, proposed, trials):
    model = Model(0.1)
    Outlook(model, epochs, 9, proposed).look()
    assert model.asked == [(trials, 9)]


def test_it_asks_once_for_what_it_knows():
    model = Model(None, 0.1)
    outlook = Outlook(model, 207, 9)
    assert outlook.look() is None and outlook.look() is None
    model.results.append("another")
    assert outlook.look() == 0.1 == outlook.look() == outlook.gain
    assert len(model.asked) == 2


@pytest.mark.parametrize(
    ("gain", "stop_when", "enough"),
    [(0.1, 0.2, True), (0.1, 0.1, False), (0.0, 0.0, False), (None, 0.2, False)],
)
def test_it_is_enough_when_less_is_expected_than_the_user_wants(gain, stop_when, enough):
    assert Outlook(Model(gain), 207, 9, stop_when=stop_when).is_enough() == enough


def test_it_says_what_it_expects():
    assert words(0.00123) == (
        "the next tenth of the search is expected to lower the best val_loss by 0.0012"
    )
