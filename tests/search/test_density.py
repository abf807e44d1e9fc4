"""Claims about the kernel densities that the model compares."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import kstest, truncnorm
from statsmodels.nonparametric.kernel_density import KDEMultivariate

from hypertuning.search.density import Density

# of statsmodels, about a generator that a fit without cross-validation never draws from
pytestmark = pytest.mark.filterwarnings("ignore:After 0.17:FutureWarning")


def points(n=30, seed=0):
    rng = np.random.default_rng(seed)
    return np.column_stack([rng.random(n), rng.integers(0, 3, n), rng.random(n) ** 2])


CHOICES = np.array([0, 3, 0])


def test_the_density_is_that_of_statsmodels_where_every_choice_was_made():
    oracle = KDEMultivariate(points(), var_type="cuc", bw="normal_reference")
    density = Density(points(), oracle.bw, CHOICES)
    vectors = points(20, seed=1)
    assert density(vectors) == pytest.approx(oracle.pdf(vectors))


def test_it_is_a_density_over_numbers_and_choices():
    density = Density(np.array([[0.5, 1.0], [0.4, 1.0]]), np.array([0.05, 0.2]), np.array([0, 4]))
    mass = sum(quad(lambda x, c=c: density(np.array([[x, c]]))[0], 0, 1)[0] for c in range(4))
    assert mass == pytest.approx(1, abs=1e-6)


def test_a_choice_that_no_point_made_is_rare_and_not_infinite():
    # hpbandster divides by the number of choices seen less one, which is nought here
    agreed = np.array([[0.5, 1.0]] * 9)
    density = Density.fit(agreed, np.array([0.1, 0.001]), np.array([0, 2]))
    seen, unseen = density(np.array([[0.5, 1.0], [0.5, 0.0]]))
    assert unseen / seen == pytest.approx(0.05 / 0.95)
    with np.errstate(divide="ignore"):
        oracle = KDEMultivariate(agreed, var_type="cu", bw=[0.1, 0.001])
        assert oracle.pdf(np.array([[0.5, 0.0]])) == np.inf


def test_points_that_agree_do_not_become_all_that_there_is():
    agreed = np.array([[0.88]] * 9)
    density = Density.fit(agreed, np.array([0.001]), np.array([0]))
    samples = density.sample(500, 3, np.random.default_rng(0))
    assert samples.std() > 0.05
    many = Density.fit(np.repeat(agreed, 11, axis=0), np.array([0.001]), np.array([0]))
    assert many.bandwidths == pytest.approx(0.005), "the more of them agree, the closer they hold"


def test_no_choice_is_rarer_than_by_chance_alone():
    wide = Density.fit(np.array([[0.0], [2.0]]), np.array([0.9]), np.array([3]))
    assert wide(np.array([[0.0], [1.0], [2.0]])) == pytest.approx([1 / 3] * 3)


def test_samples_of_a_number_are_cut_normals_and_of_a_choice_mostly_the_points():
    density = Density(np.array([[0.1, 2.0]]), np.array([0.1, 0.3]), np.array([0, 3]))
    samples = density.sample(4000, 3, np.random.default_rng(0))
    cut = truncnorm(-0.1 / 0.3, 0.9 / 0.3, loc=0.1, scale=0.3)
    assert kstest(samples[:, 0], cut.cdf).pvalue > 0.01
    shares = np.bincount(samples[:, 1].astype(int), minlength=3) / 4000
    assert shares == pytest.approx([0.1, 0.1, 0.8], abs=0.03)


def test_samples_stay_in_the_cube_with_any_bandwidth():
    for bandwidth in (1e-3, 10.0):
        density = Density(np.array([[0.0], [1.0]]), np.array([bandwidth]), np.array([0]))
        samples = density.sample(1000, 3, np.random.default_rng(0))
        assert ((samples >= 0) & (samples <= 1)).all()
