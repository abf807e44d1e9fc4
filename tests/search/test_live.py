"""Claims about what a person sees while a study runs."""

import io
import math
from types import SimpleNamespace

import pytest
from rich.console import Console

from hypertuning.search import live
from hypertuning.search.asha import Asha
from hypertuning.search.halving import sweep
from hypertuning.search.live import LiveView, _Lines
from hypertuning.search.plan import plan


class Trial(SimpleNamespace):
    def __str__(self):
        return f"t{self.config['job']['trial']:04d}-e002"


def trial_of(number, until=2):
    return Trial(config={"job": {"trial": number, "until": until}}, path="somewhere")


def epoch(view, trial, number, loss=1.0, seconds=0.0):
    """An epoch of a trial, as Ray tells of it."""
    trial.last_result = {"epoch": number, "val_loss": loss, "epoch_seconds": seconds}
    view.on_trial_result(0, [], trial, trial.last_result)


def report(view, number, *losses):
    """A job of one trial, an epoch per loss."""
    trial = trial_of(number)
    for n, loss in enumerate(losses, start=1):
        epoch(view, trial, n, loss)
    view.on_trial_complete(0, [], trial)


def test_a_study_that_goes_on_shows_what_it_has_done_before(capsys):
    view = LiveView(plan(lambda: sweep(3, 2)), {(0, 1): 0.5, (0, 2): 0.3, (1, 1): 0.9})
    view.setup()
    report(view, 2, 0.7, 0.6)
    shown = capsys.readouterr().out
    assert "trials 3/3 · epochs 5/6 · time left 0:00:00 · best val_loss 0.3000 (t0000)" in shown


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
    assert "val_loss 1.5000  |  trials 2/3 · epochs 4/6 · time left 0:00:00" in second
    assert second.endswith("best val_loss 1.2500 (t0000)")


def test_epochs_that_a_trial_reports_again_after_an_error_count_once(view):
    report(view, 0, 2.5, 1.25)
    report(view, 0, 2.5, 1.25)
    assert (view.epochs, view.drawn_epochs, view.done) == (2, 2, 2)


def test_a_folder_in_brackets_is_printed_as_it_is(view, capsys):
    trial = trial_of(0)
    trial.path = "/data/[old]/[/b]"
    view.on_trial_error(0, [], trial)
    assert "failed, see /data/[old]/[/b]/error.txt" in capsys.readouterr().out


def test_a_diverged_trial_is_never_the_best(view, capsys):
    report(view, 0, math.inf)
    report(view, 1, 3.0)
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("t0000-e002  diverged  |  trials 1/3 · epochs 1/6 · time left —")
    assert "best val_loss 3.0000 (t0001)" in second


def test_a_study_that_needs_more_epochs_than_planned_does_not_show_more_done_than_there_are(
    view, capsys
):
    for number in range(4):
        report(view, number, 1.0, 1.0)
    assert "epochs 8/8" in capsys.readouterr().out.splitlines()[-1]


def test_where_more_trials_may_go_on_the_total_is_what_those_that_began_let_expect():
    view = LiveView(plan(lambda: Asha(20, (1, 9), 4)))
    assert (view.plan.epochs, view.plan.more_may_come) == (60, True)
    view.setup()
    for number in range(10):
        until = 9 if number % 2 else 1  # every other one goes on
        for n in range(1, until + 1):
            epoch(view, trial_of(number, until), n)
        shown = view._summary()
        if number < 7:
            assert f"epochs {view.epochs}/60 " in shown, "few trials say little"
    assert "trials 10/20 · epochs 50/100 " in view._summary()


def test_points_finish_and_say_nothing_of_how_many_others_go_on():
    view = LiveView(plan(lambda: Asha(20, (1, 9), 4), points=range(2)), points={0, 1})
    view.setup()
    for number in range(12):
        until = 9 if number < 2 or number % 2 else 1
        for n in range(1, until + 1):
            epoch(view, trial_of(number, until), n)
    # two points of 9 epochs; five of the ten others took 9, so 18 will take 90
    assert "trials 12/20 · epochs 68/108 " in view._summary()


def test_a_plan_that_is_exact_is_kept_to():
    view = LiveView(plan(lambda: sweep(20, 3)))
    view.setup()
    for number in range(10):
        report(view, number, 1.0)  # the others are not known to be shorter
    assert not view.plan.more_may_come and "epochs 10/60 " in view._summary()


@pytest.fixture
def clock(monkeypatch):
    """The time, in seconds, as the view sees it."""
    now = SimpleNamespace(seconds=0.0)
    monkeypatch.setattr(live.time, "monotonic", lambda: now.seconds)
    return now


def test_the_time_left_is_unknown_until_epochs_have_followed_one_another(clock):
    view = LiveView(plan(lambda: sweep(4, 3)), concurrency=2)
    view.setup()
    first, second = trial_of(0, until=3), trial_of(1, until=3)
    clock.seconds = 90  # the workers have started
    assert "time left —" in view._summary()
    for seconds, trial, number in ((100, first, 1), (101, second, 1)):
        clock.seconds = seconds
        epoch(view, trial, number)
        assert "time left —" in view._summary(), "it is their start that took so long"
    for seconds, trial, number in ((110, first, 2), (111, second, 2)):
        clock.seconds = seconds
        epoch(view, trial, number)
    # 8 epochs are left, and one of the two workers reports one every 5 seconds
    assert "time left 0:00:40" in view._summary()
    clock.seconds += 7
    assert "time left 0:00:33" in view._summary(), "it runs between two epochs too"


def test_epochs_that_came_together_do_not_promise_that_the_next_ones_will(clock):
    view = LiveView(plan(lambda: sweep(10, 1)), {(0, 1): 0.5}, concurrency=2)
    view.setup()
    arrivals = ((100, 100), (160, 160), (161, 61), (220, 60), (221, 60))
    for number, (at, took) in enumerate(arrivals, start=1):
        clock.seconds = at
        epoch(view, trial_of(number, until=1), 1, seconds=took)
        if number == 3:
            # 6 are left, of 61 seconds each, for two workers; and not of the one second in which
            # the last one came
            assert "time left 0:03:03" in view._summary()
    assert "time left 0:02:0" in view._summary()


def test_what_is_certain_to_come_is_never_said_to_take_no_time(clock):
    """ASHA lets more trials go on than its plan has."""
    view = LiveView(plan(lambda: Asha(20, (1, 9), 4)))
    view.setup()
    for number in range(7):
        for n in range(1, 10):
            clock.seconds += 1
            epoch(view, trial_of(number, until=9), n)
    assert view.epochs > view.plan.epochs and len(view.begun) == 7
    assert view._summary().startswith("trials 7/20 · epochs 63/76 · time left 0:00:13")


def test_workers_cannot_share_the_last_trial(clock):
    view = LiveView(plan(lambda: sweep(3, 9)), concurrency=2)
    view.setup()
    pair = [trial_of(number, until=9) for number in (0, 1)]
    for number in range(1, 10):
        clock.seconds = 10 * number
        for trial in pair:
            epoch(view, trial, number)
    for trial in pair:
        view.on_trial_complete(0, [], trial)
    clock.seconds = 100
    epoch(view, trial_of(2, until=9), 1)
    # 18 epochs came in 90 seconds, from two workers; eight are left, for one
    assert "time left 0:01:2" in view._summary()


def test_the_costliest_trials_come_first_and_say_that_the_others_take_less(clock):
    view = LiveView(plan(lambda: sweep(3, 2)), costs=[1.0, 6.0, 2.0])
    view.setup()
    trial = trial_of(1)
    for number in (1, 2):
        clock.seconds += 60
        epoch(view, trial, number)
    view.on_trial_complete(0, [], trial)
    # two epochs of a third of 60 seconds, and two of a sixth
    assert "time left 0:01:00" in view._summary()


@pytest.mark.parametrize("width", [40, 80, 140])
def test_the_bar_is_as_wide_as_the_terminal_under_one_line_of_words(width, clock):
    view = LiveView(plan(lambda: sweep(3, 2)))
    view.setup()
    report(view, 0, 1.0, 0.5)
    screen = Console(width=width, force_terminal=True, color_system=None, file=io.StringIO())
    bar = _Lines(view._summary, console=screen)
    bar.add_task("", total=6, completed=6)
    screen.print(bar)
    words, line = screen.file.getvalue().splitlines()
    assert words.startswith("trials 1/3 · epochs 2/6 · time left")
    assert len(words) <= width
    assert line == "━" * width
