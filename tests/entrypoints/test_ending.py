"""Claims about what the end of a study says of going on; nothing is trained."""

import time
from contextlib import nullcontext
from types import SimpleNamespace

import pytest
from rich.console import Console

from hypertuning.config import UserError
from hypertuning.search.stop import Stop
from hypertuning.stages.bohb import Bohb
from hypertuning.stages.study import run as study_run
from hypertuning.stages.study.ending import _outlook
from hypertuning.stages.study.run import _end_again


def told(gain, stop_when=0.01, trials=20, outcome="completed"):
    """What is said of a study that planned 40 trials."""
    prepared = SimpleNamespace(
        search=SimpleNamespace(stop_when=stop_when),
        planned=SimpleNamespace(trials=40),
        options=Bohb(dataset="digits", stop_when=stop_when),
    )
    record = SimpleNamespace(
        expected_gain=gain,
        outcome=outcome,
        trials=[None] * trials,
        id="0a1b",
        study={"stage": "bohb"},
    )
    return list(_outlook(prepared, record))


def test_a_study_that_ended_early_says_why_and_how_it_goes_on_for_less():
    (line,) = told(0.008)
    assert "lower the best val_loss by 0.008, less than `stop_when` (=0.01). To go on: " in line
    assert line.endswith("--resume 0a1b --stop-when 0.004")


@pytest.mark.parametrize(
    "given",
    [{"gain": 0.02}, {"gain": 0.008, "trials": 40}, {"gain": 0.008, "outcome": "interrupted"}],
)
def test_a_study_that_something_else_ended_says_only_what_to_expect(given):
    (line,) = told(**given)
    assert line.endswith(f"lower the best val_loss by {given['gain']:g}")


def test_where_no_model_says_what_it_expects_nothing_is_said():
    assert told(None) == []


def test_a_space_from_which_nothing_would_be_drawn_is_refused():
    prepared = SimpleNamespace(
        resumed=SimpleNamespace(new_space={"space": "wider.yaml"}),
        planned=SimpleNamespace(trials=40),
    )
    study_dir, searcher = SimpleNamespace(id="0a1b"), SimpleNamespace(outlook=None)
    with pytest.raises(UserError, match="nothing is left to draw of the 40 trials of study 0a1b"):
        _end_again(Console(), prepared, study_dir, searcher)


def test_a_space_of_which_too_little_is_expected_is_refused_with_what_would_go_on():
    prepared = SimpleNamespace(
        resumed=SimpleNamespace(new_space={"space": "wider.yaml"}),
        search=SimpleNamespace(stop_when=0.01),
    )
    searcher = SimpleNamespace(
        outlook=SimpleNamespace(is_enough=lambda: True),
        expected_gain=0.008,
        ladder=SimpleNamespace(done=False),
    )
    with pytest.raises(UserError, match=r"by 0.008 there too, less than .* with `stop_when` 0.004"):
        _end_again(Console(), prepared, SimpleNamespace(id="0a1b"), searcher)


@pytest.mark.parametrize("signalled", [True, False])
def test_a_study_that_the_user_stopped_is_told_from_one_whose_time_was_over(monkeypatch, signalled):
    """Also if the time was over meanwhile; the search and the store are stand-ins."""
    stop = Stop()

    def search(*_):
        stop.signalled_at = time.monotonic() if signalled else None
        return "interrupted"

    searcher = SimpleNamespace(done=False, concurrency=0, deadline=time.monotonic() - 1)
    for name, stand_in in {
        "searcher_of": lambda *_: searcher,
        "check_unchanged": lambda *_: None,
        "check_version": lambda *_: None,
        "signals_caught": lambda: nullcontext(stop),
        "begin": lambda *_: SimpleNamespace(id="0a1b"),
        "MLflowMirror": lambda *_: SimpleNamespace(delivered=None),
        "_search": search,
        "recover": lambda *_: None,
        "finish": lambda *_: "the record",
    }.items():
        monkeypatch.setattr(study_run, name, stand_in)
    prepared = SimpleNamespace(
        warm=None,
        resumed=None,
        options=Bohb(dataset="digits"),
        amended=None,
        client=None,
        resources=SimpleNamespace(is_local=False),
        search=SimpleNamespace(stage="bohb"),
    )
    ray = nullcontext(SimpleNamespace(room=lambda: 2))
    assert study_run.carry_out(Console(), prepared, ray) == ("the record", signalled)
