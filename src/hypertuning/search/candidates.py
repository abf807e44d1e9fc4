"""Where a model looks for its next configuration: everywhere, near the best results, and uphill."""

from collections.abc import Callable

import numpy as np

from hypertuning.search.places import Places

DRAWN, NEAR = 1000, 500
"""Candidates: drawn from the space, and near the best results."""
STEP, MOVED, SWITCHED = 0.1, 0.5, 0.1
"""Near a result: the deviation of a number, as a share of its range; the probability that it is
moved; and the probability that a choice is drawn anew."""
ROUNDS, CENTRES, AROUND, FIRST_STEP = 10, 5, 100, 0.1
"""Uphill: the rounds; in each, near how many of the best it looks, at how many candidates; and the
deviation of a number in the first round, which each later one halves."""


def scattered(places: Places, best: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Vectors (n, d): some from all of the space, and some near the best (m, d)."""
    centres = best[np.arange(NEAR) % len(best)]
    drawn = places.exact(places.everywhere(DRAWN, rng))
    return np.concatenate([drawn, _near(places, centres, STEP, MOVED, SWITCHED, rng)])


def uphill(
    places: Places,
    vectors: np.ndarray,
    gain: Callable[[np.ndarray], np.ndarray],
    rng: np.random.Generator,
) -> np.ndarray:
    """These vectors (n, d), and others on the way to the largest gain; the largest gain first.

    A local search from the best of them, as SMAC's (Hutter, Hoos, Leyton-Brown, LION 2011, section
    4.3), over numbers alone: each value of a choice is among the vectors already.

    Args:
        gain: Of vectors (m, d), (m,): what there is to gain by them.
    """
    gains, step = gain(vectors), FIRST_STEP
    for _ in range(ROUNDS):
        best = np.argsort(-gains, kind="stable")[:CENTRES]
        centres = vectors[best[np.arange(AROUND) % len(best)]]
        closer = _near(places, centres, step, 1, 0, rng)
        vectors, gains = np.concatenate([vectors, closer]), np.concatenate([gains, gain(closer)])
        step /= 2
    return vectors[np.argsort(-gains, kind="stable")]


def _near(
    places: Places,
    centres: np.ndarray,
    step: float,
    moved: float,
    switched: float,
    rng: np.random.Generator,
) -> np.ndarray:
    """A vector near each of the centres (n, d)."""
    fresh, shape = places.everywhere(len(centres), rng), centres.shape
    numbers = np.clip(centres + step * rng.standard_normal(shape), 0, 1)
    change = rng.random(shape)
    near = np.where(
        places.counts > 0,
        np.where(change < switched, fresh, centres),
        np.where(change < moved, numbers, centres),
    )
    return places.exact(np.where(np.isnan(near), fresh, near))  # it may act here
