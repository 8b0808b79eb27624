"""How many to review, which ones, and what a review shows.

Belongs here: the statistics of samples. Not here: what is sampled (tables.py). The numbers are exact, with no normal
approximation: the rates of this field are small, and so are its samples.
"""

import math
from fractions import Fraction

TOLERATED = Fraction(5, 100)
CONFIDENCE = Fraction(95, 100)
_HALVINGS = 60


def clean_sample_size(
    population: int | None = None, tolerated: Fraction = TOLERATED, confidence: Fraction = CONFIDENCE
) -> int:
    """The smallest sample of which none may be found bad, to be `confidence` sure that fewer than `tolerated` are.

    59 for 5 % at 95 %: 0.95 ** 59 is the first power below 0.05. `population`: where it is finite the sample is drawn
    without replacement (hypergeometric) and never larger than it; None for an endless one. Discovery sampling, as in
    the AICPA audit guide on sampling.
    """
    if population is None:
        return math.ceil(math.log(1 - confidence) / math.log(1 - tolerated))
    bad = math.ceil(tolerated * population)
    chance, size = Fraction(1), 0
    while size < population and chance > 1 - confidence:
        chance *= Fraction(population - bad - size, population - size)
        size += 1
    return size


def clopper_pearson(found: int, size: int, confidence: Fraction = CONFIDENCE) -> tuple[float, float]:
    """Lower and upper bound of a share of which `found` of `size` were seen; (0, 1) where nothing was.

    Clopper and Pearson (1934), two-sided: the bounds are quantiles of beta(k, n - k + 1) and beta(k + 1, n - k), found
    by halving, since that distribution is the tail of a binomial. Raises ValueError unless 0 <= found <= size.
    """
    if not 0 <= found <= size:
        raise ValueError(f"{found} of {size} is no share.")
    alpha = float(1 - confidence) / 2
    low = 0.0 if found == 0 else _solve(lambda share: 1 - _at_most(found - 1, size, share), alpha, rising=True)
    high = 1.0 if found == size else _solve(lambda share: _at_most(found, size, share), alpha, rising=False)
    return low, high


def _solve(chance, wanted: float, *, rising: bool) -> float:
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if (chance(middle) < wanted) == rising:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _at_most(found: int, size: int, share: float) -> float:
    """P(X <= found) of a binomial with 0 < share < 1."""
    whole = math.lgamma(size + 1)
    return math.fsum(
        math.exp(
            whole - math.lgamma(k + 1) - math.lgamma(size - k + 1)
            + k * math.log(share) + (size - k) * math.log1p(-share)
        )
        for k in range(found + 1)
    )  # fmt: skip
