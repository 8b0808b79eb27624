"""The scenarios of behaviour over time on customers checked by eye: what must alert, and beside each limit what not.

The customers are those of `population_behaviour`, alone; a case names one of them, which of the legs told of it, and
the reason that leg must end with.
"""

from __future__ import annotations

import pytest
from oracles import population_behaviour
from oracles.features_behaviour import nearest_rank
from oracles.population import Population
from oracles.population_behaviour import EXACT_DAYS
from oracles.scenarios_behaviour import JUDGES, reaches

GOLDEN = {
    "TM11": {
        ("PV0", -1): "alerted",  # the first of 15 is 24 hours before the last
        ("PV1", -1): "below_threshold",  # 14 transfers
        ("PV2", -1): "insufficient_history",  # 29 days
        ("PV3", -1): "no_variance",  # one transfer on each day
        ("PV4", -1): "alerted",  # exactly three deviations
    },
    "TM12": {
        ("PH0", -1): "alerted",  # exactly three deviations
        ("PH1", -1): "below_threshold",
        ("PH2", -1): "alerted",  # exactly 1.5 times the largest
        ("PH3", -1): "below_threshold",
        ("PH4", -1): "no_variance",
        ("PH5", -1): "alerted",  # no variance, but 1.5 times the largest
        ("PH6", -1): "insufficient_history",  # 9 transfers
        ("PH7", -1): "below_minimum_amount",
    },
    "TM13": {
        ("PX-institutional", 0): "alerted",  # exactly five times the mean of 30 others
        ("PY-institutional", 0): "below_threshold",
        ("PX-institutional", 1): "alerted",  # its own turnover of the day before is not among the peers'
        ("PX-trust", 0): "no_peers",  # 29 others
        ("PP-institutional-01", -1): "below_threshold",  # far above the mean, but another one moved more
        ("PP-institutional-02", 0): "below_minimum_amount",
    },
    "TM15": {
        ("PN0", -1): "alerted",  # exactly 80 % exactly two days after the first inflow
        ("PN1", -1): "below_threshold",
        ("PN2", -1): "below_threshold",
        ("PN3", -1): "below_threshold",
        ("PN4", -1): "alerted",  # exactly the turnover, a second before the age
        ("PN5", -1): "not_new",
        ("PN6", -1): "below_threshold",
        ("PN7", -1): "alerted",  # moved before the account was opened
        ("PN8", -1): "insufficient_history",
    },
    "TM16": {
        ("PS0", 0): "alerted",  # silent for exactly 60 days as of the as-of instant
        ("PS1", 0): "window_open",  # a second short of it
        ("PS2", 0): "not_silent",
        ("PS3", 0): "alerted",  # silent for exactly 60 days, then active
        ("PS4", 0): "below_threshold",  # variation of exactly a fifth
        ("PS5", 0): "alerted",
        ("PS6", 0): "alerted",  # a day apart
        ("PS7", 0): "below_threshold",
        ("PS8", 0): "alerted",  # the first exactly 30 days before the last
        ("PS9", 0): "below_threshold",
        ("PS0", 1): "not_silent",
    },
    "TM19": {
        ("PB0", -1): "alerted",
        ("PB1", -1): "insufficient_history",  # 49 amounts
        ("PB2", -1): "below_threshold",  # as Benford's law has it
    },
    "TM38": {
        ("PL4", 0): "alerted",  # first seen a second less than a day before
        ("PL3", 0): "below_threshold",  # known for exactly a day
        ("PL0", 0): "below_threshold",
        ("PL1", 0): "below_minimum_amount",
        ("PL2", 0): "no_behaviour",  # a second more than a day before
        ("PL5", 0): "alerted",  # long known, but high risk
        ("PL6", 0): "alerted",  # two countries, exactly six hours before and later
        ("PL7", 0): "below_threshold",
        ("PL8", 0): "below_threshold",  # the last login is from home
        ("PL9", 0): "alerted",  # a login at the very instant; the one after it is not known yet
        ("PLA", 0): "no_behaviour",  # a login from nobody knows where
        ("PLB", 0): "alerted",  # two logins at one instant: the last by id
        ("PLC", 0): "no_behaviour",  # a failed login
        ("PLD", 0): "no_kyc",  # residence not known
        ("PL0", 1): "wrong_direction",
    },
    "TM39": {
        ("PC0", 0): "alerted",  # the first exactly 24 hours before
        ("PC1", 0): "below_minimum_amount",
        ("PC2", 0): "below_threshold",
        ("PC3", 0): "below_threshold",  # two changes of one kind
        ("PC4", 0): "alerted",  # at the very instant
        ("PC5", 0): "below_threshold",  # a second after
        ("PC6", 0): "below_threshold",  # only a login, exactly 90 days before
        ("PC7", 0): "no_behaviour",
        ("PC8", 0): "below_threshold",  # one of two was blocked
        ("PC9", 0): "alerted",  # known late
    },
    "TM40": {
        ("PE0", 1): "alerted",  # 65 on the day
        ("PE1", 1): "below_threshold",  # 65 tomorrow
        ("PE2", 1): "below_threshold",
        ("PE3", 1): "not_new",
        ("PE4", 1): "no_birth_date",
        ("PE5", 1): "not_a_person",
        ("PE6", 1): "no_counterparty",
        ("PE7", 2): "below_threshold",  # paid before
        ("PE7", 3): "alerted",
    },
    "TM41": {
        ("PI0", -1): "alerted",
        ("PI1", -1): "below_threshold",  # exactly a year's income
        ("PI2", -1): "below_minimum_amount",
        ("PI3", -1): "no_declared_income",
        ("PI4", -1): "no_declared_income",
        ("PI5", -1): "below_threshold",  # a company, exactly twice of it
        ("PI6", -1): "alerted",
        ("PI7", -1): "alerted",  # the first exactly 90 days before
        ("PI8", -1): "below_threshold",
    },
}


@pytest.fixture(scope="module")
def people() -> Population:
    alone = Population()
    population_behaviour.add(alone)
    return alone


@pytest.mark.parametrize("scenario_id", GOLDEN)
def test_each_customer_ends_as_told(scenario_id: str, people: Population) -> None:
    verdicts = JUDGES[scenario_id](people)
    told: dict[str, list[str]] = {}
    for leg in people.rows("int_transfer_legs"):
        told.setdefault(leg["party_id"], []).append(leg["leg_id"])
    found = {(party, number): verdicts[told[party][number]].reason for party, number in GOLDEN[scenario_id]}
    assert found == GOLDEN[scenario_id]


def test_zscore_is_reached_at_the_limit_and_not_below() -> None:
    assert reaches(15, list(EXACT_DAYS), 3)
    assert not reaches(14, list(EXACT_DAYS), 3)
    assert not reaches(15, [*EXACT_DAYS, 15], 3)


@pytest.mark.parametrize(("percent", "expected"), [(95, 19), (99, 20), (100, 20), (0, 1)])
def test_percentiles_are_by_nearest_rank(percent: int, expected: int) -> None:
    assert nearest_rank(list(range(1, 21)), percent) == expected
