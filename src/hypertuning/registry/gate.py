"""Decide whether a new model becomes champion: only if it is better by more than chance."""

from typing import NamedTuple

import numpy as np
from scipy.stats import binomtest

SIGNIFICANT = 0.05


class Verdict(NamedTuple):
    promoted: bool
    reason: str
    """In one sentence."""
    p_value: float | None = None


def judge(challenger: np.ndarray, champion: np.ndarray | None, force: bool = False) -> Verdict:
    """McNemar's exact test on which test images each of two models got right.

    Images that both got right or both got wrong say nothing. Of the others, a model as good as the
    champion would win half (McNemar 1947; exact as in Dietterich 1998, section 3.1).

    Args:
        challenger: bool (n,), whether it was right on each image. `champion` is the same for the
            champion, or None if there is none.
    """
    if champion is None:
        return Verdict(True, "There was no champion.")
    won = int((challenger & ~champion).sum())
    lost = int((champion & ~challenger).sum())
    p_value = float(binomtest(won, won + lost).pvalue) if won + lost else 1.0
    better = won > lost and p_value < SIGNIFICANT
    verdict = "it is better by more than chance" if better else "that may be chance"
    if lost > won:
        verdict = "it is no better"
    found = (
        f"On {len(challenger):,} test images it is right where the champion is wrong on {won}, and "
        f"wrong where the champion is right on {lost}; {verdict} (McNemar, p = {p_value:.2g})."
    )
    if force and not better:
        return Verdict(True, f"{found} Promoted by force.", p_value)
    return Verdict(better, found, p_value)
