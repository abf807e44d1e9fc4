"""Options of the models, apart from them because those take seconds to import."""

from typing import NamedTuple


class ModelOptions(NamedTuple):
    """The paper's constants (section 4 and appendix E), as hpbandster has them."""

    random_fraction: float = 1 / 3
    """ρ: share of the proposals that are drawn from the space, model or not."""
    top_n_percent: int = 15
    """q: share of the results that count as good."""
    num_samples: int = 64
    """N_s: candidates; the one with the best ratio of densities is proposed."""
    bandwidth_factor: float = 3
    """b_w: candidates are drawn this many times wider than the good density."""


PAPER = ModelOptions()
