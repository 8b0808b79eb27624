"""The hand-made population lies on and just beside every limit: moving one by its smallest step changes verdicts.

Without such legs, SQL and oracle would agree on `>` where the definition says `>=`.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from functools import cache

import pytest
from oracles import population, scenarios_amounts

CENT = Decimal("0.01")
STEPS = {
    "TM02": {"travel_rule_count": 1, "travel_rule_hours": 1},
    "TM03": {"report_level": CENT, "small_count": 1, "small_sum": CENT, "small_hours": 1},
    "TM04": {"low_value_low": CENT, "low_value_high": CENT, "low_value_count": 1, "low_value_hours": 1},
    "TM05": {"report_level": CENT, "aggregate_hours": 1},
    "TM07": {"untraded_ratio": Decimal("0.000002"), "untraded_inflow": CENT},
    "TM08": {"mirror_inflow": CENT, "mirror_count": 1},
    "TM10": {"fan_out_receivers": 1, "fan_out_hours": 1},
    "TM17": {"round_share": Decimal("0.06"), "round_count": 1, "round_hours": 1},
    "TM18": {
        "similar_tolerance": Decimal("0.0001"),
        "similar_amount": CENT,
        "similar_count": 1,
        "similar_hours": 1,
    },
}


@cache
def _legs() -> tuple[dict, ...]:
    return tuple(population.make(7).rows("int_transfer_legs"))


@cache
def _verdicts(scenario_id: str) -> dict:
    return scenarios_amounts.JUDGES[scenario_id](list(_legs()))


@pytest.mark.parametrize("sign", [1, -1], ids=["up", "down"])
@pytest.mark.parametrize(
    ("scenario_id", "limit"), [(scenario_id, limit) for scenario_id, steps in STEPS.items() for limit in steps]
)
def test_the_smallest_step_of_a_limit_changes_a_verdict(scenario_id: str, limit: str, sign: int) -> None:
    limits = scenarios_amounts.Limits()
    moved = replace(limits, **{limit: getattr(limits, limit) + sign * STEPS[scenario_id][limit]})
    assert scenarios_amounts.JUDGES[scenario_id](list(_legs()), moved) != _verdicts(scenario_id)
