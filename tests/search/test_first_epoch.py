"""Claims about the time of a study's first result."""

from hypertuning.search.first_epoch import FirstEpoch


def test_the_first_result_of_a_search_is_told_once():
    told = []
    view = FirstEpoch(told.append)
    view.setup()
    for trial in ("t0000", "t0001"):
        view.on_trial_result(0, [], trial, {})
    assert len(told) == 1 and told[0] >= 0


def test_a_reader_that_has_left_does_not_end_the_search():
    def tell(seconds):
        raise BrokenPipeError

    view = FirstEpoch(tell)
    view.setup()
    view.on_trial_result(0, [], "t0000", {})
