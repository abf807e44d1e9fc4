"""Claims about what a stage makes of the user's space and points; nothing is started here."""

from pathlib import Path

import pytest

from entrypoints import bohb, compare, grid, hyperband
from hypertuning.config import Config
from hypertuning.geometry import training_flops
from hypertuning.space_files import read_config, read_space
from hypertuning.spaces import COMPARE, GRID, HYPERBAND, searched
from hypertuning.stages.options import UsageError
from hypertuning.stages.study.listed import listed
from hypertuning.stages.study.sampled import sampled
from hypertuning.stages.study.single import single
from hypertuning.stages.train import Train

ROOT = Path(__file__).parents[2]
AIRBENCH93, SGD = ROOT / "docs" / "airbench93.yaml", ROOT / "docs" / "sgd.yaml"
TABLES = {"table": "", "table_sgd": SGD.read_text()}
"""The recorded tables, and the space that each is of."""


@pytest.fixture(autouse=True)
def _in_its_own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def options(command, space="", points="", **more):
    """The options of a stage at their defaults, with files."""
    given = {}
    for name, text in (("space", space), ("points", points)):
        if text:
            Path(f"{name}.yaml").write_text(text)
            given[name] = f"{name}.yaml"
    return command.main.stage.options.of({**given, **more})


def bohb_on(**given):
    return bohb.main.stage.search(options(bohb, **{"family": "plain", **given}))


@pytest.mark.parametrize(("dataset", "family"), [("digits", "plain"), ("cifar10", "recipe")])
def test_the_family_fits_the_images_unless_one_is_asked_for(dataset, family):
    drawn, asked = (bohb_on(family=name, dataset=dataset).domains for name in ("auto", family))
    assert drawn == asked


def test_the_recipe_is_searched_with_its_augmentation_unless_another_is_asked_for():
    asked = ({}, {"augment": "none"}, {"space": "filters: 8"})
    cropped, plain, narrow = (bohb_on(family="recipe", **given) for given in asked)
    assert cropped.domains["augment"] == "crop_flip"
    assert plain.domains["augment"] == "none"
    assert not plain.notes
    config = narrow.sampler.propose(0).config
    assert config.filters == 8 and config.whitening and config.lr_schedule == "triangle"
    assert not narrow.notes


def test_what_only_bohb_lets_one_choose_reaches_its_search():
    space = "learning_rate: {low: 1e-4, high: 1e-1, log: true, prior: 1e-3}"
    followed = bohb_on(space=space, stop_when="0.02", random_fraction="0.25")
    assert followed.stop_when == 0.02 and followed.model.options.random_fraction == 0.25
    near, ends = followed.notes
    assert "near what is expected to be best" in near and near.endswith(
        "priors=false` turns this off"
    )
    assert "by less than 0.02" in ends
    ignored = bohb_on(space=space, priors="false")
    assert not ignored.notes
    drawn = [
        [search.sampler.propose(n).sampler for n in range(9)] for search in (followed, ignored)
    ]
    assert "prior" in drawn[0] and "prior" not in drawn[1]


def test_the_hand_set_recipe_is_a_point_beside_the_space():
    search = bohb_on(family="recipe", points=AIRBENCH93.read_text())
    assert len(search.points) == 1
    (note,) = search.notes
    assert note.startswith("point 0 is trained, but the model does not learn from it: learning_ra")
    assert training_flops(search.sampler.propose(0).config, 10) * 50_000 * 11 < 0.18e15


def test_the_recipe_set_by_hand_lies_in_its_space():
    search = bohb_on(family="recipe", points=(ROOT / "docs" / "hand-set.yaml").read_text())
    assert len(search.points) == 1 and not search.notes


def test_the_best_configuration_found_is_whole_and_lies_in_the_space():
    written = read_config(ROOT / "docs" / "found.yaml")
    assert {*written.named} >= Config.model_fields.keys() - {"seed", "hidden_size", "dropout"}
    space = bohb_on(family="recipe").model
    assert space.random.misfit(written.config.hyperparameters()) is None
    assert training_flops(written.config, 10) * 50_000 * 12 < 0.41e15


@pytest.mark.parametrize(("table", "space"), TABLES.items(), ids=TABLES)
def test_the_recipe_of_a_recorded_table_can_be_searched_again(table, space):
    recorded = read_space(ROOT / "benchmarks" / table / "space.yaml")
    again = bohb_on(family="recipe", space=space)
    assert {name: again.domains[name] for name in recorded} == recorded
    opened, had = searched(again.domains), searched(recorded)
    assert opened == had


def test_what_a_point_leaves_out_has_the_value_of_the_recipe():
    search = bohb_on(family="recipe", points="- {learning_rate: 0.7, filters: 32}")
    config = search.sampler.propose(0).config
    assert config.learning_rate == 0.7 and config.whitening and config.augment == "crop_flip"


@pytest.mark.parametrize(
    ("space", "needed", "note"),
    [
        ("model: nn", 16, "`filters` is not searched: `model` is never 'cnn'"),
        ("filters: [64]", 16, "`filters` is not searched: its list has one value, 64"),
        ("filters: 64", 16, None),
        ("optimizer: adamw", 14, "`momentum` is not searched: `optimizer` is never 'sgd'"),
        ("model: [nn, cnn]", 20, None),
        ("model: resnn\nkernel_size: 3", 16, "`kernel_size` (=3) does nothing here: `model` is ne"),
        ("num_fully_connected_layers: 1", 14, "`dropout` is not searched: `num_fully_connected_l"),
    ],
)
def test_what_cannot_act_is_no_dimension_of_the_model_and_is_said(space, needed, note):
    search = bohb_on(space=space, strategy="bohb")
    assert search.model.needed == needed
    assert any(each.startswith(note) for each in search.notes) if note else not search.notes


@pytest.mark.parametrize(
    ("given", "rungs"),
    [
        ({}, (1, 9)),
        ({"strategy": "bohb"}, (1, 3, 9)),
        ({"strategy": "bohb", "reduction_factor": 2}, (1, 2, 4, 9)),
    ],
)
def test_a_model_hears_the_losses_at_the_rungs_of_its_strategy(given, rungs):
    assert bohb_on(**given).rungs == rungs


def test_a_fixed_value_acts_in_the_configurations_that_have_a_use_for_it():
    search = bohb_on(space="momentum: 0.7")
    configs = [search.sampler.propose(trial).config for trial in range(20)]
    assert {(c.optimizer, c.momentum) for c in configs} == {("adamw", None), ("sgd", 0.7)}


@pytest.mark.parametrize(
    ("space", "message"),
    [
        (
            "kernel_size: {low: 2, high: 32}\npadding: 0",
            "with `kernel_size` 32 the space holds no configuration that can be trained: "
            "kernel_size 32 with padding 0 leaves no pixels",
        ),
        ("filters: {low: 8, high: 1000000000}", "with `filters` 1000000000 the space holds no con"),
        ("filters: [8, 1000000000]", "with `filters` 1000000000 the space holds no configuration"),
        ("optimizer: adam\nmomentum: 0.9", "can be trained: `momentum` (=0.9) needs `optimizer`"),
        ("model: resnn\nnum_fully_connected_layers: 1", "needs `num_fully_connected_layers` of at"),
        ("filters: {low: 8, high: 9, when: {filters: 8}}", "`filters` cannot depend on itself"),
    ],
)
def test_a_value_that_can_never_be_trained_is_refused_before_anything_starts(space, message):
    with pytest.raises(UsageError) as refused:
        bohb_on(space=space)
    assert message in str(refused.value)


def test_an_end_that_others_make_possible_is_accepted():
    search = bohb_on(
        space="num_conv_layers: [2, 8]\nkernel_size: {low: 2, high: 9}\npadding: [0, 5]"
    )
    assert search.sampler.propose(0)


@pytest.mark.parametrize(
    ("space", "points", "count", "notes"),
    [
        ("", "", 36, []),
        ("model: nn", "", 2, ["of 36 configurations 2 differ; each is trained once"]),
        ("model: [nn, cnn]", "", 38, ["of 72 configurations 38 differ; each is trained once"]),
        ("optimizer: [adam, sgd]\nmomentum: [0.8, 0.9]", "", 108, ["of 144 configurations 108 "]),
        ("", "- {num_fully_connected_layers: 2, filters: 64}", 36, ["of 37 configurations 36 dif"]),
        ("filters: [64]", "", 12, ["`filters` is not searched: its list has one value, 64"]),
    ],
)
def test_a_grid_trains_every_configuration_once(space, points, count, notes):
    search = listed("grid", [GRID], options(grid, space, points), None)
    configs = [proposal.config for proposal in search.sampler.proposals]
    assert len({frozenset(c.hyperparameters().items()) for c in configs}) == len(configs) == count
    for note in notes:
        assert any(each.startswith(note) for each in search.notes)
    assert len(search.notes) >= len(notes)


def test_compare_trains_alike_models_once():
    search = listed("compare", COMPARE, options(compare, "filters: [32, 64]"), None)
    configs = [proposal.config for proposal in search.sampler.proposals]
    assert [(c.model, c.filters) for c in configs if c.model == "cnn"] == [("cnn", 32), ("cnn", 64)]
    assert [c.model for c in configs].count("nn") == 1
    assert search.notes == ("of 6 configurations 4 differ; each is trained once",)


def test_a_study_goes_on_with_the_list_that_it_began_with():
    asked = options(grid, "model: nn", resume="0" * 32)
    assert len(listed("grid", [GRID], asked, None).sampler.proposals) == 36, (
        "begun before this rule"
    )
    begun = listed("grid", [GRID], options(grid, "model: nn"), None)
    resumed = listed("grid", [GRID], asked, begun.given)
    assert resumed.sampler.proposals == begun.sampler.proposals


def test_a_study_goes_on_with_files_that_were_accepted_when_it_began():
    search = bohb_on(space='filters: "64"\ndropout: 0.1\ndropout: 0.2', resume="0" * 32)
    config = search.sampler.propose(0).config
    assert (config.filters, config.dropout) == (64, 0.2)


def test_a_point_says_what_does_nothing_in_it():
    search = bohb_on(points="- {model: nn, filters: 8}\n- {model: nn}")
    assert search.notes[:2] == (
        "point 0: `filters` does nothing where `model` is 'nn'",
        "point 1 is the same as point 0",
    )


def test_a_configuration_to_train_says_what_does_nothing_in_it(tmp_path):
    Path("config.yaml").write_text("model: nn\nfilters: 8\nhidden_size: 32\n")
    given = Train(config="config.yaml", epochs=1, dataset="digits")
    search = single(given, None)
    assert search.sampler.propose(0).config == Config(model="nn", filters=8, hidden_size=32)
    assert search.notes[-1] == "`filters` does nothing where `model` is 'nn'"
    kept = {**search.given, "asked": list(search.given["asked"])}
    assert single(given, kept).notes == search.notes


@pytest.mark.parametrize(
    ("trained", "why"),
    [("lr_schedule: cosine", "follows a schedule (cosine)"), ("lookahead: true", "their average")],
)
def test_what_was_planned_over_its_epochs_gets_no_more_of_them(trained, why):
    Path("config.yaml").write_text(trained)
    given = Train(config="config.yaml", epochs=3, dataset="digits")
    begun = single(given, None)
    kept = {**begun.given, "asked": list(begun.given["asked"])}
    assert single(given, kept).max_epochs == 3
    with pytest.raises(UsageError) as refused:
        single(given.but(epochs=6), kept)
    assert "`epochs` (=6) cannot become more than 3" in str(refused.value)
    assert why in str(refused.value)


def test_with_both_augmentations_what_acts_in_one_of_them_is_searched():
    space = "crop_pixels: {low: 1, high: 8}\ncrop_border: reflect"
    search = sampled("hyperband", HYPERBAND, "grace_period", options(hyperband, space))
    assert not search.notes
    assert search.searched["crop_pixels"] is False, "not every trial has it"
    pairs = [[search.sampler.propose(n + arm).config for arm in (0, 1)] for n in range(0, 40, 2)]
    assert len({with_crop.crop_pixels for _, with_crop in pairs}) > 4
    for plain, with_crop in pairs:
        assert (plain.augment, with_crop.augment) == ("none", "crop_flip")
        assert "crop_pixels" not in plain.hyperparameters()
        assert with_crop.crop_border == "reflect"
        assert plain.model_copy(update={"augment": "crop_flip"}) == with_crop


def test_with_both_augmentations_nothing_can_depend_on_which(tmp_path):
    space = "dropout: {low: 0.0, high: 0.5, when: {augment: none}}"
    with pytest.raises(
        UsageError, match="`when` of `dropout` must not ask for `augment` 'none' where"
    ):
        sampled("hyperband", HYPERBAND, "grace_period", options(hyperband, space))


def test_stages_without_files_have_nothing_to_say():
    assert sampled("hyperband", HYPERBAND, "grace_period", options(hyperband)).notes == ()
    assert listed("grid", [GRID], options(grid), None).notes == ()
    assert listed("compare", COMPARE, options(compare), None).notes == ()
    assert bohb_on().notes == ()
