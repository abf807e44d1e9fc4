"""Claims about samplers that need no model."""

import pytest

from hypertuning.config import Config, UserError
from hypertuning.search.sampler import Listed, Paired, PointsFirst, Proposal, Random
from hypertuning.spaces import BOHB, HYPERBAND, Integer


def test_a_draw_depends_only_on_the_seed_and_the_number():
    first, second = Random(HYPERBAND, {}, 5), Random(HYPERBAND, {}, 5)
    forwards = [first.propose(trial) for trial in range(10)]
    assert forwards == [second.propose(trial) for trial in reversed(range(10))][::-1]
    assert forwards != [Random(HYPERBAND, {}, 6).propose(trial) for trial in range(10)]


def test_fixed_values_hold_where_the_space_does_not_search():
    proposals = [Random(BOHB, {"batch_size": 7, "seed": 3}, 0).propose(t).config for t in range(9)]
    assert {config.seed for config in proposals} == {3}
    assert {config.batch_size for config in proposals} <= {64, 128, 256}


def test_draws_that_cannot_be_trained_are_drawn_again():
    space = {
        "kernel_size": Integer(1, 9),
        "padding": Integer(0, 4),
        "num_conv_layers": Integer(1, 6),
    }
    proposals = [Random(space, {}, 0).propose(trial).config for trial in range(50)]
    assert {config.num_conv_layers for config in proposals} >= {1, 2, 3, 4, 5}


def test_a_space_without_a_trainable_configuration_is_refused():
    space = {"kernel_size": Integer(30, 32), "padding": 0, "num_conv_layers": 3}
    with pytest.raises(
        UserError, match=r"no configuration that can be trained: kernel_size .* conv layer 2"
    ):
        Random(space, {}, 0).propose(0)


def test_points_come_first_and_say_so():
    point = Config(filters=11)
    sampler = PointsFirst([point], Random(HYPERBAND, {}, 0))
    assert sampler.propose(0) == Proposal(point, "point")
    assert sampler.propose(1) == Random(HYPERBAND, {}, 0).propose(1)


def test_partners_differ_in_their_arm_alone():
    sampler = Paired(
        Listed([Proposal(Config(filters=n), "grid") for n in (1, 2)]),
        [{"augment": "none"}, {"augment": "crop_flip"}],
    )
    configs = [sampler.propose(trial).config for trial in range(4)]
    assert [(c.filters, c.augment) for c in configs] == [
        (1, "none"), (1, "crop_flip"), (2, "none"), (2, "crop_flip"),
    ]  # fmt: skip


def test_a_partner_of_what_has_begun_has_its_configuration_also_if_it_would_be_drawn_otherwise():
    arms = [{"augment": "none"}, {"augment": "crop_flip"}]
    drawn = [
        Proposal(Config(filters=n, augment="crop_flip", crop_pixels=2), "grid") for n in (1, 2)
    ]
    sampler = Paired(Listed(drawn), arms)
    recorded = Config(**Config(filters=9).hyperparameters())
    found = sampler.partners({2: Proposal(recorded, "random")})
    assert found.keys() == {2, 3}
    told = [(p.config.filters, p.config.augment, p.sampler) for p in found.values()]
    assert told == [(9, "none", "random"), (9, "crop_flip", "random")]
    assert found[3].config.crop_pixels == 2, "which does not act in the other arm's record"
    begun = {trial: sampler.propose(trial) for trial in (0, 3)}
    again = sampler.partners(begun)
    assert again == {trial: sampler.propose(trial) for trial in range(4)}
