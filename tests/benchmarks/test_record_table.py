"""Claims about recording the table: that it goes on where it was, and says what it is."""

import itertools
import math

import pytest

from benchmarks.record_table import close_record, described, main, open_record, record
from benchmarks.recorded import MEASURED, RECORD, TABLE, Trial, as_csv, read_table, read_trials
from benchmarks.table_draws import Size, near
from benchmarks.table_workers import Images
from hypertuning.config import UserError
from hypertuning.domains import Choice, Float, Integer
from hypertuning.learn.data import prepare
from hypertuning.spaces import searched

SPACE = {
    "learning_rate": Float(1e-4, 1e-1, log=True),
    "optimizer": Choice(("adamw", "sgd")),
    "momentum": Float(0.5, 0.99, when=("optimizer", "sgd")),
    "filters": Integer(8, 16, log=True),
    "batch_norm": Choice((True, False)),
    "hidden_size": 16,
}
SIZE = Size(rounds=2, drawn=6, near=3)
TRIALS = 2 * 9 + 6
"""The configurations of both rounds, and the second seeds of every third one."""


class Untrained:
    """Stands for the workers: losses are a formula, and it dies after so many trials."""

    def __init__(self, most=math.inf):
        self.most, self.late = most, False
        self.given = []

    def trained(self, asked, max_epochs, names):
        for one in asked:
            if len(self.given) == self.most:
                self.late = True
                return
            self.given.append((one.number, one.seed))
            values = one.config.hyperparameters()
            loss = abs(math.log10(values["learning_rate"]) + 2) + 0.01 * one.seed
            epochs = [dict.fromkeys(MEASURED, loss / epoch) for epoch in range(1, max_epochs + 1)]
            if loss > 1.5:
                epochs = [{**dict.fromkeys(MEASURED, math.nan), "val_loss": math.inf}]
            kept = {name: values[name] for name in names if name in values}
            yield Trial(one.number, one.drawn, one.seed, kept, epochs)


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    return Images(prepare("digits", tmp_path_factory.mktemp("data")), 200, 100)


@pytest.fixture
def opened(tmp_path, images):
    def once(train_size=200):
        about = described(SPACE, SIZE, 3, images._replace(train_size=train_size))
        return open_record(tmp_path / "table", SPACE, about)

    return once


def recorded(opened, most=math.inf):
    growing, workers = opened(), Untrained(most)
    done = record(growing, SIZE, workers)
    close_record(growing, ("cpu", "auto"))
    return growing, workers, done


def test_a_record_cut_off_anywhere_becomes_the_same_table(opened, tmp_path, images):
    whole, _, done = recorded(opened)
    assert done and len(whole.trials) == TRIALS
    table = (whole.folder / TABLE).read_bytes()
    for cut in (1, 7, 8, 13, 20):
        for file in whole.folder.iterdir():
            file.unlink()
        first, _, done = recorded(opened, cut)
        assert not done and len(first.trials) == cut
        _, rest, done = recorded(opened)
        assert done and len(rest.given) == TRIALS - cut
        assert (whole.folder / TABLE).read_bytes() == table


def test_what_a_killed_writer_left_is_recorded_again(opened):
    whole, *_ = recorded(opened)
    table = (whole.folder / TABLE).read_bytes()
    rows = (whole.folder / RECORD).read_text()
    for cut in (1, 5, 60, 200):
        (whole.folder / RECORD).write_text(rows[:-cut])
        _, rest, done = recorded(opened)
        assert done and len(rest.given) >= 1
        assert (whole.folder / TABLE).read_bytes() == table


def test_a_table_can_be_taken_up_without_its_record(opened):
    whole, *_ = recorded(opened)
    (whole.folder / RECORD).unlink()
    _, rest, done = recorded(opened)
    assert done and rest.given == []


def test_a_table_reads_as_it_was_recorded(opened):
    whole, *_ = recorded(opened)
    read = read_table(whole.folder)
    assert read.space == SPACE and read.max_epochs == 3
    assert as_csv(read.trials, SPACE) == as_csv(
        sorted(whole.trials, key=lambda t: (t.number, t.seed)), SPACE
    )
    kinds = {name: type(value) for t in read.trials for name, value in t.values.items()}
    assert kinds == {
        "learning_rate": float,
        "optimizer": str,
        "momentum": float,
        "filters": int,
        "batch_norm": bool,
    }
    assert any("momentum" not in trial.values for trial in read.trials)
    assert {len(trial.epochs) for trial in read.trials} == {1, 3}


def test_every_third_configuration_has_two_seeds_and_both_parts_are_there(opened):
    whole, *_ = recorded(opened)
    seeds = {n: {t.seed for t in whole.trials if t.number == n} for n in range(18)}
    assert seeds == {n: {0, 1} if n % 3 == 0 else {0} for n in range(18)}
    drawn = ["space"] * 6 + ["near"] * 3
    assert {t.number: t.drawn for t in whole.trials} == dict(enumerate(drawn * 2))


def test_near_configurations_lie_in_the_space_and_near_their_centre():
    centre = {"learning_rate": 1e-2, "optimizer": "adamw", "filters": 8, "batch_norm": True}
    configs = [near(SPACE, [centre], number).hyperparameters() for number in range(200)]
    rates = sorted(math.log10(config["learning_rate"]) for config in configs)
    assert rates[0] >= -4 and rates[-1] <= -1
    assert rates[100] == pytest.approx(-2, abs=0.15)
    assert {config["filters"] for config in configs} >= {8, 9, 10, 11}
    assert 0.05 < sum(c["optimizer"] == "sgd" for c in configs) / 200 < 0.25
    assert all(("momentum" in c) == (c["optimizer"] == "sgd") for c in configs)
    assert all(config["hidden_size"] == 16 for config in configs)


def test_trials_on_other_images_are_not_mixed(opened):
    opened()
    with pytest.raises(UserError, match="trials with another train_size; name another `--out`"):
        opened(train_size=100)


def test_a_trial_that_is_not_whole_does_not_count():
    epochs = [dict.fromkeys(MEASURED, 1.0)] * 3
    trial = Trial(0, "space", 0, {"learning_rate": 1e-3, "optimizer": "sgd"}, epochs)
    text = as_csv([trial, trial._replace(number=1)], SPACE)
    lines = text.splitlines(keepends=True)
    assert [len(read_trials("".join(lines[:n]), SPACE, 3)) for n in (1, 3, 4, 6, 7)] == [
        *(0, 0, 1, 1, 2)
    ]
    assert list(searched(SPACE)) == [
        "learning_rate",
        "optimizer",
        "momentum",
        "filters",
        "batch_norm",
    ]


@pytest.mark.slow
def test_the_command_trains_in_processes_of_its_own(tmp_path, capsys):
    space = tmp_path / "space.yaml"
    space.write_text("filters: 4\nhidden_size: 8\nbatch_size: 64\nnum_conv_layers: 1\n")
    small = "--dataset digits --train-size 100 --val-size 50 --max-epochs 2 --rounds 1 --drawn 2"
    rest = [
        "--family",
        "plain",
        "--near",
        "1",
        "--processes",
        "1",
        "--space",
        str(space),
        "--out",
        str(tmp_path / "t"),
    ]
    arguments = [*small.split(), "--data-dir", str(tmp_path / "data"), *rest]
    main(arguments, standalone_mode=False)
    assert "4 trials in" in capsys.readouterr().out
    table = read_table(tmp_path / "t")
    assert [(t.number, t.seed) for t in table.trials] == [(0, 0), (0, 1), (1, 0), (2, 0)]
    losses = list(itertools.chain(*([e["val_loss"] for e in t.epochs] for t in table.trials)))
    assert len(losses) == 8 and all(map(math.isfinite, losses))
