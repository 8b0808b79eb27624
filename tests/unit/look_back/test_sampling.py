"""Sample sizes and bounds against numbers that are in the literature."""

from fractions import Fraction

import pytest

from orchestration.look_back.sampling import clean_sample_size, clopper_pearson


def test_59_clean_ones_for_5_percent_at_95_percent():
    assert clean_sample_size() == 59
    assert clean_sample_size(tolerated=Fraction(1, 100)) == 299
    assert clean_sample_size(10**9) == 59


def test_a_small_population_needs_fewer_and_never_more_than_there_are():
    sizes = [clean_sample_size(population) for population in (0, 1, 10, 20, 100, 1000)]
    # of 20 with one bad one: 19 drawn miss it with a chance of 1 in 20
    assert sizes == [0, 1, 10, 19, 45, 57]


@pytest.mark.parametrize(
    ("found", "size", "low", "high"),
    [
        (0, 10, 0.0, 0.3085),  # Clopper and Pearson (1934), and every table since
        (1, 10, 0.0025, 0.4450),
        (5, 10, 0.1871, 0.8129),
        (10, 10, 0.6915, 1.0),
        (0, 59, 0.0, 0.0606),
        (7, 200, 0.0142, 0.0708),
    ],
)
def test_bounds_of_a_share(found, size, low, high):
    assert clopper_pearson(found, size) == pytest.approx((low, high), abs=0.00006)


def test_nothing_seen_says_nothing_and_more_than_all_is_refused():
    assert clopper_pearson(0, 0) == (0.0, 1.0)
    with pytest.raises(ValueError):
        clopper_pearson(3, 2)
