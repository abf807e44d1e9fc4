"""Claims about what a person sees while a study runs."""

import math
from types import SimpleNamespace

import pytest

from hypertuning.search.ladder import sweep
from hypertuning.search.live import LiveView
from hypertuning.search.plan import plan


class Trial(SimpleNamespace):
    def __str__(self):
        return f"t{self.config['job']['trial']:04d}-e002"


def report(view, number, *losses):
    """A job of one trial, an epoch per loss, as Ray tells of it."""
    trial = Trial(config={"job": {"trial": number}}, path="somewhere")
    for loss in losses:
        trial.last_result = {"val_loss": loss}
        view.on_trial_result(0, [], trial, trial.last_result)
    view.on_trial_complete(0, [], trial)


def test_a_study_that_goes_on_shows_what_it_has_done_before(capsys):
    view = LiveView(plan(lambda: sweep(3, 2)), {(0, 1): 0.5, (0, 2): 0.3, (1, 1): 0.9})
    view.setup()
    report(view, 2, 0.7, 0.6)
    shown = capsys.readouterr().out
    assert "trials 3/3 · epochs 5/6 · best val_loss 0.3000 (t0000)" in shown


@pytest.fixture
def view():
    view = LiveView(plan(lambda: sweep(3, 2)))
    view.setup()
    yield view
    view.on_experiment_end([])


def test_a_log_gets_one_line_per_job_with_what_is_done_and_what_is_best(view, capsys):
    report(view, 0, 2.5, 1.25)
    report(view, 1, 2.0, 1.5)
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("t0000-e002  val_loss 1.2500  |  trials 1/3 · epochs 2/6 · ")
    assert "best val_loss 1.2500 (t0000)" in first
    assert "val_loss 1.5000  |  trials 2/3 · epochs 4/6 · best val_loss 1.2500 (t0000)" in second
    assert second.endswith("left")


def test_a_diverged_trial_is_never_the_best(view, capsys):
    report(view, 0, math.inf)
    report(view, 1, 3.0)
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("t0000-e002  diverged  |  trials 1/3 · epochs 1/6 · 0:")
    assert "best val_loss 3.0000 (t0001)" in second


def test_a_study_that_needs_more_epochs_than_planned_does_not_show_more_done_than_there_are(
    view, capsys
):
    for number in range(4):
        report(view, number, 1.0, 1.0)
    assert "epochs 8/8" in capsys.readouterr().out.splitlines()[-1]
