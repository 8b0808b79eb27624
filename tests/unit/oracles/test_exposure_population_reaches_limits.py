"""The population that judges the SQL has rows on each limit about exposures and counterparties: moved by its smallest
step, at least one verdict changes, so that a `>` written as `>=` in SQL cannot agree with the oracle by chance."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from oracles import population_exposure
from oracles.population import Population, make
from oracles.scenarios_exposure import JUDGES, Limits

CENT, SHARE, MOMENT = Decimal("0.01"), Decimal("0.000001"), timedelta(microseconds=1)
STEPS = {
    "TM29": {"share": SHARE, "share_usd": CENT},
    "TM31": {"mixer_indirect": CENT, "denominations": (Decimal("0.00000001"),)},
    "TM33": {"small_count": 1},
    "TM34": {"self_hosted_share": SHARE, "self_hosted_usd": CENT, "unproven_usd": -CENT},
    "TM35": {"service_share": SHARE, "service_share_usd": CENT},
    "TM36": {"sharing_parties": 1},
    "TM37": {"address_parties": 1, "address_usd": Decimal("0.03"), "address_window": -MOMENT},
    "TM43": {"corridor_count": 1, "corridor_usd": CENT},
    "TM44": {"grace": MOMENT},
}


@pytest.fixture(scope="module")
def people() -> Population:
    population = Population()
    population_exposure.add(population)
    return population


@pytest.mark.parametrize(("scenario_id", "limit"), [(one, limit) for one, steps in STEPS.items() for limit in steps])
def test_a_limit_moved_by_its_smallest_step_changes_a_verdict(scenario_id: str, limit: str, people: Population) -> None:
    judge, step, value = JUDGES[scenario_id], STEPS[scenario_id][limit], getattr(Limits(), limit)
    moved = tuple(one + step[0] for one in value) if isinstance(value, tuple) else value + step
    assert judge(people) != judge(people, replace(Limits(), **{limit: moved}))


def test_a_day_after_the_designation_is_not_the_day_itself() -> None:
    people = make(7)
    assert JUDGES["TM30"](people) != JUDGES["TM30"](people, replace(Limits(), days_since_designation=1))
