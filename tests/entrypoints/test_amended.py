"""Claims about a study that goes on in another space, or with more points; nothing is trained."""

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from entrypoints import bohb, hyperband
from hypertuning import environment
from hypertuning.config import Config, UserError
from hypertuning.domains import Float
from hypertuning.record.files import DamagedRecord
from hypertuning.record.layout import JobFiles, StudyDir, job_name
from hypertuning.record.write import append_result, write_params, write_study
from hypertuning.report.bounds import AtEnd
from hypertuning.search.result import Result
from hypertuning.search.warm import WarmStart
from hypertuning.stages.options import UsageError
from hypertuning.stages.study.amended import Amended, check_unchanged, decided, go_on
from hypertuning.stages.study.begin import _keep_space
from hypertuning.stages.study.past import read_past
from hypertuning.stages.study.prepare import _fitting
from hypertuning.stages.study.resume import Resumed
from hypertuning.stages.study.same_space import check_version
from hypertuning.stages.study.warm_start import Warm
from hypertuning.stages.study.wider import look_beyond

SPACE = "{learning_rate: {low: 1e-3, high: 1e-1, log: true}, optimizer: [adamw, sgd], filters: 8}"
WIDER = SPACE.replace("high: 1e-1", "high: 1")
NARROW = SPACE.replace("low: 1e-3", "low: 5e-2")


@pytest.fixture
def study(tmp_path, monkeypatch):
    """A study of stage bohb that has begun 12 of 20 trials, each for one epoch."""
    monkeypatch.chdir(tmp_path)
    return begun(tmp_path)


def begun(tmp_path, stage=bohb, **given):
    Path("space.yaml").write_text(SPACE)
    study = StudyDir(tmp_path / "study")
    options = options_of(stage, space="space.yaml", **given)
    search = stage.main.stage.search(options)
    write_study(study, {"stage": "bohb", "max_epochs": 9, "parameters": options.parameters()})
    shutil.copyfile("space.yaml", study.given_file("space"))
    for trial in range(12):
        config = search.sampler.propose(trial).config
        job = {"trial": trial, "until": 1, "bracket": 0, "rung": 0, "sampler": "random"}
        files = JobFiles(study.part(1) / job_name(trial, 1))
        write_params(files, json.dumps({"config": config.hyperparameters(), "job": job}))
        names = ("train_loss", "train_accuracy", "val_loss", "val_accuracy")
        row = {"epoch": 1, "timestamp": 1.0, "epoch_seconds": 1.0, **dict.fromkeys(names, 0.5)}
        append_result(files, json.dumps({**row, "learning_rate": 0.1, "order": trial + 1}))
    return study


def options_of(stage, **given):
    return stage.main.stage.options.of({"dataset": "digits", "num_samples": 20, **given})


def amended(study, space=None, points=None, stage=bohb, **given):
    """What the study goes on with if these files are given; its record keeps that."""
    files = {}
    for name, text in (("space", space), ("points", points)):
        if text is not None:
            Path(f"new-{name}.yaml").write_text(text)
            files[name] = f"new-{name}.yaml"
    kept = json.loads(study.study_file.read_text())
    file = str(study.path / kept.get("space_file", "space.yaml"))
    options = options_of(stage, space=file, resume="last", **given)
    resumed = Resumed(study, kept, options, files=files)
    search, found = go_on(stage.main.stage.search, resumed)
    kept_space = _keep_space(SimpleNamespace(resumed=resumed, amended=found), study)
    write_study(study, {**kept, **found.as_dict(), **kept_space})
    return search, found


def test_without_new_files_nothing_changes(study):
    search, found = amended(study)
    assert found == Amended({}) and not found.notes
    assert search.domains["learning_rate"].high == 0.1


def test_a_study_is_refused_whose_space_had_other_fixed_values_in_the_version_that_began_it(study):
    search, _ = amended(study)
    resumed, past = SimpleNamespace(study_dir=study), read_past(study)
    check_version(search, resumed, past)
    today = search._replace(domains={**search.domains, "filters": 16})
    with pytest.raises(UserError, match="would not draw: `filters` 8, which is 16 now; go on with"):
        check_version(today, resumed, past)
    no_more = {name: value for name, value in search.domains.items() if name != "filters"}
    with pytest.raises(UserError, match="`filters` 8, which is 64 now;"):
        check_version(search._replace(domains=no_more), resumed, past)
    points = [each._replace(proposal=each.proposal._replace(sampler="point")) for each in past]
    check_version(today, resumed, points)  # a point may lie outside the space
    check_version(today, None, [])


@pytest.mark.parametrize(
    "fixed", ["momentum: 0.7", "padding: 2", "batch_size: [64]", "nesterov: true"]
)
def test_a_study_goes_on_whose_fixed_values_act_only_in_some_trials(tmp_path, monkeypatch, fixed):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(f"{__name__}.SPACE", f"{SPACE[:-1]}, {fixed}}}")
    study = begun(tmp_path)
    search, _ = amended(study)
    check_version(search, SimpleNamespace(study_dir=study), read_past(study))


def trials_of(numbers):
    return [SimpleNamespace(number=number) for number in numbers]


def end_of(study, stage=bohb, **about):
    """The search of a study of 20 trials, and its record, as the end of a stage has them."""
    search, found = amended(study, stage=stage)
    options = options_of(stage, space="space.yaml")
    prepared = SimpleNamespace(
        search=search, options=options, amended=found, planned=SimpleNamespace(trials=20)
    )
    given = {
        "study": {"stage": stage.main.stage.name},
        "id": study.id,
        "folder": study,
        "outcome": "completed",
        "trials": trials_of(range(20)),
        "expected_gain": None,
    }
    return prepared, SimpleNamespace(**{**given, **about})


ENDS = [AtEnd("learning_rate", True, 0.09, ""), AtEnd("optimizer", True, 1, "")]


def test_the_wider_space_that_the_end_of_a_study_offers_can_be_gone_on_in(study):
    said = look_beyond(*end_of(study), ENDS)
    wider = study.wider_space(0)
    assert said.startswith("to go on with learning_rate 0.001–0.46: ")
    assert said.endswith(f"--resume {study.id} --space {wider} --num-samples 27")

    before, _ = amended(study)
    again, found = amended(study, wider.read_text())
    assert again.domains == {**before.domains, "learning_rate": Float(0.001, 0.46, log=True)}
    assert found.notes == [
        "after the first 12 trials it draws from another space: "
        "learning_rate 0.001–0.1, log → 0.001–0.46, log"
    ]
    once = wider.read_text()
    look_beyond(*end_of(study), [AtEnd("learning_rate", True, 0.4, "")])
    assert wider.read_text() == once and study.wider_space(1).exists(), "none is written over"


def test_a_study_with_trials_left_goes_on_with_them(study):
    stopped = end_of(study, outcome="interrupted", trials=trials_of(range(12)))
    assert look_beyond(*stopped, ENDS).endswith(f"--space {study.wider_space(0)}")
    all_begun = end_of(study, outcome="interrupted")
    assert look_beyond(*all_begun, ENDS).endswith(" --num-samples 27")
    prepared, record = end_of(study, trials=trials_of(range(12)), expected_gain=0.008)
    prepared.search = prepared.search._replace(stop_when=0.01)
    assert look_beyond(prepared, record, ENDS).endswith(" --stop-when 0.004")
    record.trials = trials_of(range(20))
    assert look_beyond(prepared, record, ENDS).endswith(" --num-samples 27 --stop-when 0.004")


def test_trials_that_wait_for_points_are_none_that_the_new_space_could_draw(study):
    points = json.dumps([{"learning_rate": 0.01 + n / 1000} for n in range(8)])
    amended(study, points=points)
    stopped = end_of(study, outcome="interrupted", trials=trials_of(range(12)))
    assert look_beyond(*stopped, ENDS).endswith(" --num-samples 27")


def test_the_offer_does_not_depend_on_what_became_of_the_users_file(study):
    prepared, record = end_of(study)
    Path("space.yaml").unlink()
    assert look_beyond(prepared, record, ENDS)
    assert "filters: 8" in study.wider_space(0).read_text()


def test_a_number_of_samples_that_mlflow_would_take_for_the_default_is_not_offered(study):
    prepared, record = end_of(study)
    prepared.options = options_of(bohb, space="space.yaml", num_samples=38)
    assert look_beyond(prepared, record, ENDS).endswith(" --num-samples 52")


def test_where_no_range_can_be_wider_nothing_is_offered(study):
    for ends in ([], ENDS[1:], [AtEnd("learning_rate", True, 0.02, "")]):
        assert not look_beyond(*end_of(study), ends)
    assert not study.wider_space(0).exists()


def test_below_main_and_of_a_stage_that_keeps_its_space_nothing_is_offered(study, monkeypatch):
    prepared, record = end_of(study)
    record.study = {"stage": "grid"}
    assert not look_beyond(prepared, record, ENDS)
    monkeypatch.setenv(environment.PARENT_RUN, "0a1b")
    assert not look_beyond(*end_of(study), ENDS)


def test_a_disk_that_takes_no_file_costs_only_the_offer(study, monkeypatch):
    def full(*_) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("hypertuning.stages.study.wider.write_whole", full)
    said = look_beyond(*end_of(study), ENDS)
    assert (
        said
        == f"a wider space could not be written to {study.wider_space(0)}: No space left on device"
    )


def test_trials_that_come_are_drawn_from_the_new_space_and_the_record_keeps_the_old_one(study):
    search, found = amended(study, WIDER)
    rates = [search.sampler.propose(n).config.learning_rate for n in range(12, 20)]
    assert max(rates) > 0.1
    assert found.notes == [
        "after the first 12 trials it draws from another space: "
        "learning_rate 0.001–0.1, log → 0.001–1.0, log"
    ]
    again, kept = amended(study)
    assert again.domains == search.domains and kept.notes == found.notes
    assert study.given_file("space").read_text() == SPACE
    back, found = amended(study, SPACE)
    assert len(found.spaces) == 2 and found.notes[1].endswith("0.001–1.0, log → 0.001–0.1, log")
    assert (study.path / "space-002.yaml").read_text() == WIDER
    words = found.all_spaces(back.space)
    assert words["learning_rate"] == "0.001–0.1, log, then 0.001–1.0, log"
    assert words["filters"] == "8"


def test_what_lies_outside_a_narrower_space_is_said_and_not_learnt(study):
    search, found = amended(study, NARROW)
    count = int(found.notes[1].split()[0])
    assert found.notes[1].startswith(f"{count} of 12 trials lie outside the new space")
    assert 0 < count < 12
    rates = [search.sampler.propose(n).config.learning_rate for n in range(12, 20)]
    assert min(rates) >= 0.05


@pytest.mark.parametrize(
    ("space", "says"),
    [
        (SPACE.replace("filters: 8", "filters: 9"), "`filters` is 8 so far, and is 9 in the file"),
        (SPACE.replace("filters: 8", "filters: [8, 9]"), "`filters` is 8 so far, and is searched"),
        (SPACE.replace("[adamw, sgd]", "sgd"), "`optimizer` is searched in adamw, sgd so far, and"),
        (SPACE.replace("}, ", "}, padding: 1, "), "`padding` is not mentioned so far, and is 1 in"),
        (
            SPACE.replace("log: true", "log: true, when: {optimizer: sgd}"),
            "so far, and is searched in 0.001–0.1 where optimizer is 'sgd' in the file",
        ),
        ("{}", "`filters` is 8 so far, and is searched in 32–128 in the file"),
        (SPACE.replace("high: 1e-1", "high: 1e-4"), "`learning_rate`: `low` (=0.001) must be belo"),
    ],
)
def test_only_ranges_lists_and_priors_may_change(study, space, says):
    with pytest.raises(UsageError) as refused:
        amended(study, space)
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_list_that_leaves_a_parameter_without_effect_is_accepted(study):
    search, found = amended(study, SPACE.replace("[adamw, sgd]", "[adamw]"))
    assert "momentum" not in search.domains
    assert "optimizer" in found.notes[0] and "momentum" in found.notes[0]


def test_what_only_a_value_that_left_the_list_made_idle_is_no_other_version(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(f"{__name__}.SPACE", f"{SPACE[:-1]}, momentum: 0.7}}")
    study = begun(tmp_path)
    search, _ = amended(study, SPACE.replace("[adamw, sgd]", "[sgd]"))
    check_version(search, SimpleNamespace(study_dir=study), read_past(study))


def test_a_prior_may_change(study):
    _, found = amended(study, SPACE.replace("log: true", "log: true, prior: 0.01"))
    assert found.notes[0].endswith("draws from another space: with other priors")


def test_new_points_are_the_next_trials_and_stay_so(study):
    common = "weight_decay: 1e-4, batch_size: 64, dropout: 0.1, hidden_size: 64, optimizer: adamw"
    points = f"[{{learning_rate: 0.02, {common}}}, {{learning_rate: 0.03, {common}}}]"
    _, found = amended(study, points=points)
    rates = {trial: p.config.learning_rate for trial, p in found.proposals().items()}
    assert rates == {12: 0.02, 13: 0.03}
    assert {p.sampler for p in found.proposals().values()} == {"point"}
    assert found.notes == ["2 points added, as t0012, t0013"]
    _, kept = amended(study)
    assert kept.points == found.points
    _, again = amended(study, points=points)
    assert again.points == found.points
    assert again.notes[0] == "point 0 is in the study already, as t0012"
    _, more = amended(study, points=points.replace("0.02", "0.04"))
    assert {t: c.learning_rate for t, c in more.points.items()} == {12: 0.02, 13: 0.03, 14: 0.04}


def test_a_point_has_what_the_new_space_fixes_and_one_that_was_trained_is_not_trained_again(study):
    trained = json.loads((study.part(1) / "t0003-e001" / "params.json").read_text())["config"]
    names = {"learning_rate", "optimizer", *(trained.keys() - {"seed", "augment"})}
    point = {name: value for name, value in trained.items() if name in names}
    _, found = amended(study, WIDER, points=json.dumps([point, {"learning_rate": 0.5}]))
    assert found.points.keys() == {12} and found.points[12].filters == 8
    assert "point 0 is in the study already, as t0003" in found.notes
    assert any(note.startswith("point 1 is trained, but the model does") for note in found.notes)


def test_points_that_do_not_fit_are_refused_with_the_number_that_makes_room(study):
    points = json.dumps([{"learning_rate": 0.01 + n / 1000} for n in range(10)])
    with pytest.raises(UsageError, match="10 new points do not fit in the 8 trials that the study"):
        amended(study, points=points)
    _, found = amended(study, points=points, num_samples=22)
    assert found.points.keys() == {*range(12, 22)}


def test_another_space_is_refused_where_no_trial_is_left_that_would_be_drawn_from_it(study):
    with pytest.raises(UsageError, match="none of the study's trials would be drawn from another"):
        amended(study, WIDER, num_samples=12)
    assert amended(study, WIDER, num_samples=13)[1].notes
    points = json.dumps([{"learning_rate": 0.01 + n / 1000} for n in range(8)])
    _, found = amended(study, points=points)
    assert len(found.points) == 8
    with pytest.raises(UsageError, match="a larger `num_samples` makes room"):
        amended(study, NARROW)


def test_hyperband_goes_on_in_another_space_too_and_in_both_arms_takes_no_points(
    tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    study = begun(tmp_path, hyperband, augment="both")
    search, found = amended(study, WIDER, stage=hyperband, augment="both")
    assert found.notes
    rates = [search.sampler.propose(n).config.learning_rate for n in range(12, 40)]
    assert max(rates) > 0.1 and rates[::2] == rates[1::2]
    with pytest.raises(UserError, match="`points` cannot be added to a study with `augment` 'both"):
        amended(study, stage=hyperband, points="[{learning_rate: 0.5}]", augment="both")


def test_a_partner_of_what_has_begun_is_drawn_from_no_other_space(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    study = begun(tmp_path, hyperband, augment="both")
    search, _ = amended(study, stage=hyperband, augment="both")
    assert decided(search, {0, 3}) == {0, 1, 2, 3}
    assert decided(search._replace(points=(Config(),) * 3), {8}) == {0, 1, 2, 3, 4, 5, 8, 9}
    alone, _ = amended(study)
    assert decided(alone._replace(points=(Config(),) * 3), {8}) == {0, 1, 2, 8}


def test_files_that_were_checked_before_a_study_went_on_are_refused(study):
    kept = json.loads(study.study_file.read_text())
    resumed = Resumed(study, kept, options_of(bohb))
    past = read_past(study)
    for begun in (None, 12):
        check_unchanged(Amended({}, begun=begun), resumed, past)
    check_unchanged(Amended({}), None, [])
    with pytest.raises(UserError, match="has gone on since this command began; give it again"):
        check_unchanged(Amended({}, begun=11), resumed, past)
    write_study(study, {**kept, "added_points": [[12, {"filters": 9}]]})
    for begun in (None, 12):
        with pytest.raises(UserError, match="has gone on since"):
            check_unchanged(Amended({}, begun=begun), resumed, past)


def test_a_point_in_the_record_that_cannot_be_trained_is_damage_of_that_file(study):
    kept = json.loads(study.study_file.read_text())
    write_study(study, {**kept, "added_points": [[12, {"filters": -1}]]})
    with pytest.raises(DamagedRecord, match="added_points"):
        amended(study)


def test_of_a_warm_start_the_model_keeps_what_lies_in_the_new_space(study):
    search, _ = amended(study, NARROW.replace("[adamw, sgd]", "[adamw]"))
    values = {"learning_rate": 0.06, "weight_decay": 1e-4, "dropout": 0.1, "batch_size": 64}
    sizes = {"hidden_size": 64, "optimizer": "adamw"}
    sgd = {"optimizer": "sgd", "momentum": 0.9}
    given = [values | sizes, values | sizes | {"learning_rate": 0.01}, values | sizes | sgd, values]
    start = WarmStart(tuple(Result(each, 1, 0.5) for each in given), 4, {})
    kept = _fitting(Warm(["a"], start), search)
    assert [result.values for result in kept.start.results] == given[:1]
