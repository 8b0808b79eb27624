"""TM32, TM42 and TM46 on stories checked by eye: what must alert, and beside each limit a near miss."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import ROUND_UP, Decimal

import pytest
from oracles import scenarios_trading as trading
from oracles.population import START, Population
from oracles.population_graph import Teller, add

MOMENT, HOUR, DAY = timedelta(microseconds=1), timedelta(hours=1), timedelta(days=1)
CENT = Decimal("0.01")


def swap(
    came: str = "USDT",
    to_trade: timedelta = HOUR,
    bought: str = "800",
    side: str = "buy",
    to_leave: timedelta = DAY,
    usd: str | None = "1000",
    **out: object,
) -> Population:
    teller = Teller(Population(), START)
    coins = {"rail_code": "crypto"}
    teller.pay("w", "A", START, "1000", **coins | {"asset_code": came})
    teller.trade("A", START + to_trade, side, "5", bought, "XMR")
    teller.pay("A", "w", START + to_trade + to_leave, usd, **coins | {"asset_code": "XMR"} | out)
    return teller.population


@pytest.mark.parametrize(
    ("people", "reason"),
    [
        (swap(), "alerted"),
        (swap(to_trade=HOUR + MOMENT), "below_threshold"),
        (swap(to_leave=DAY + MOMENT), "below_threshold"),
        (swap(to_trade=0 * HOUR, to_leave=0 * HOUR), "alerted"),
        (swap(to_trade=-MOMENT), "below_threshold"),
        (swap(bought="799.99"), "below_threshold"),
        (swap(side="sell"), "below_threshold"),
        (swap(came="XMR"), "below_threshold"),
        (swap(usd="500", bought="400"), "alerted"),
        (swap(usd="499.99"), "below_minimum_amount"),
        (swap(asset_code="BTC"), "transparent_asset"),
        (swap(party_id=None), "no_kyc"),
        (swap(status_code="failed"), "not_completed"),
    ],
)
def test_tm32_in_transparent_swapped_at_once_and_out_private(people: Population, reason: str) -> None:
    verdict = list(trading.tm32(people).values())[-1]
    assert verdict.reason == reason
    assert len(verdict.evidence) == (3 if reason == "alerted" else 0)


def rounds(*steps: tuple, last: timedelta = DAY, **more: object) -> Population:
    """Trades given as (side, amount, USD), a minute apart, the last one so long after the first."""
    teller = Teller(Population(), START)
    for place, (side, base, usd) in enumerate(steps):
        teller.trade("A", START + (last if place == len(steps) - 1 else place * HOUR / 60), side, base, usd, **more)
    return teller.population


BUY, SELL = ("buy", "1", "10000"), ("sell", "1", "9500")


@pytest.mark.parametrize(
    ("people", "reason"),
    [
        (rounds(BUY, SELL, BUY, SELL), "alerted"),
        (rounds(BUY, SELL, BUY, ("sell", "1", "9500.01")), "below_threshold"),
        (rounds(BUY, SELL, BUY, SELL, last=DAY + MOMENT), "below_threshold"),
        (rounds(BUY, ("sell", "1", "8000"), ("buy", "0.01", "100")), "below_threshold"),
        (rounds(BUY, BUY, SELL, ("sell", "0.9", "9000")), "alerted"),
        (rounds(BUY, BUY, SELL, ("sell", "0.89999999", "9000")), "below_threshold"),
        (rounds(*(("sell", "1", "50000"), ("buy", "1", "50500")) * 2), "below_threshold"),
        (rounds(("buy", "1", "101000"), ("sell", "1", "90000")), "below_threshold"),
        (rounds(*(("buy", "1", "101000"), ("sell", "1", "99000.01")) * 2), "below_threshold"),
        (rounds(*(("buy", "1", "101000"), ("sell", "1", "99000")) * 2), "alerted"),
        (rounds(BUY, SELL, BUY, ("sell", "1", None)), "no_valuation"),
        (rounds(BUY, BUY, BUY, BUY), "below_threshold"),
    ],
    ids=[
        "alerts",
        "a_cent_less_lost",
        "a_moment_too_late",
        "three_trades",
        "exactly_5_percent_left",
        "more_than_5_percent_left",
        "less_than_five_times_the_fees",
        "two_trades",
        "a_little_less_than_five_times_the_fees",
        "five_times_the_fees",
        "no_rate",
        "a_position_built",
    ],
)
def test_tm42_bought_and_sold_for_nothing_but_a_loss(people: Population, reason: str) -> None:
    verdict = list(trading.tm42(people).values())[-1]
    assert verdict.reason == reason
    assert len(verdict.evidence) == (len(people.rows("int_trades")) if reason == "alerted" else 0)


def month(stars: dict[str, str], quiet: int = 30, at: timedelta = DAY, **more: object) -> Population:
    """So many customers who moved 100 to 100 and so many dollars, and stars who moved more."""
    teller = Teller(Population(), START)
    for number in range(quiet):
        teller.pay("w", f"Q{number:02d}", START + at, str(100 + number), **more)
    for star, usd in stars.items():
        teller.pay("w", star, START + at, usd, **more)
        teller.pay("w", star, START + at, "1", **more)
    return teller.population


def alerted(people: Population, **limits: object) -> list[str]:
    verdicts = trading.tm46(people, trading.Limits(**limits))
    legs = {leg["leg_id"]: leg for leg in people.rows("int_transfer_legs")}
    return [legs[one]["party_id"] for one, verdict in verdicts.items() if verdict.outcome == "alerted"]


def test_tm46_the_first_two_of_a_segment_and_month_alert_on_their_largest_leg() -> None:
    people = month({"S1": "9000", "S2": "5000", "S3": "7000"})
    assert alerted(people) == ["S1", "S3"]
    assert alerted(people, top=3) == ["S1", "S2", "S3"]


def test_tm46_ties_are_decided_by_turnover_and_then_by_name() -> None:
    assert alerted(month({"S2": "9000", "S1": "9000", "S3": "9000"})) == ["S2", "S1"]


def test_tm46_the_score_is_in_robust_deviations() -> None:
    # 31 parties: turnovers 100 to 129 and one; median 115, median distance 8
    above = Decimal(6) / Decimal("0.6745") * 8
    at_limit = (above + 115 - 1).quantize(CENT, ROUND_UP)
    assert alerted(month({"S": str(at_limit)})) == ["S"]
    assert alerted(month({"S": str(at_limit - CENT)})) == []


def test_tm46_what_cannot_be_compared_says_why() -> None:
    def reasons(people: Population) -> set[str]:
        return {verdict.reason for verdict in trading.tm46(people).values()}

    assert reasons(month({"S": "9000"}, quiet=28)) == {"no_peers"}
    assert reasons(month({"S": "9000"}, at=31 * DAY)) == {"window_open"}
    assert reasons(month({"S": "9000"}, segment_code=None)) == {"no_kyc"}
    assert reasons(month({}, quiet=40)) == {"below_threshold"}
    same = Teller(Population(), START)
    for number in range(40):
        same.pay("w", f"Q{number:02d}", START, "100")
    assert reasons(same.population) == {"no_variance"}


def test_tm46_a_late_leg_counts_in_the_month_in_which_it_happened() -> None:
    late = month({"S": "9000"}, known_at=START + 40 * DAY)
    assert alerted(late) == ["S"]


STEPS = {
    "TM32": {"swap_hours": -1, "withdrawal_hours": -1, "withdrawal_usd": CENT, "swapped_ratio": Decimal("0.000001")},
    "TM42": {
        "trading_hours": -1,
        "trades": 1,
        "net_share": -Decimal("0.000001"),
        "loss_usd": CENT,
        "fee_multiple": CENT,
    },
    "TM46": {"top": 1, "peers": 500, "score": Decimal(90)},
}


@pytest.fixture(scope="module")
def everyone() -> Population:
    people = Population()
    add(people, START)
    return people


@pytest.mark.parametrize(("scenario_id", "limit"), [(one, limit) for one, steps in STEPS.items() for limit in steps])
def test_a_limit_moved_by_its_smallest_step_changes_a_verdict(scenario_id: str, limit: str, everyone: Population):
    limits = trading.Limits()
    moved = replace(limits, **{limit: getattr(limits, limit) + STEPS[scenario_id][limit]})
    assert trading.JUDGES[scenario_id](everyone, moved) != trading.JUDGES[scenario_id](everyone, limits)
