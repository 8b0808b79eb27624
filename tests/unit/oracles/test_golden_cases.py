"""Each scenario on a story checked by eye: the case that must alert, and beside each limit one that must not."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from oracles import scenarios
from oracles.population import START, Population

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


class Story:
    """Legs of one customer of old standing, told one after the other."""

    def __init__(self) -> None:
        self.people = Population()

    def leg(self, direction: str, after: timedelta, usd: str, *, sender: str = "C1", **more: object) -> Story:
        serial = len(self.people.rows("int_transfer_legs"))
        given = {"rail_code": "fiat", "asset_code": "USD", "party_id": "P", "account_id": "A"} | more
        self.people.leg(
            transfer_id=f"t{serial}",
            direction_code=direction,
            event_at=START + after,
            usd=usd,
            counterparty_id=sender,
            account_opened_at=START - 900 * DAY,
            **given,
        )
        return self

    @property
    def legs(self) -> list[dict]:
        return self.people.rows("int_transfer_legs")

    def add(self, table: str, **row: object) -> Story:
        self.people.rows(table).append({"transfer_id": "t0"} | row)
        return self


def evidence(verdicts: dict[str, scenarios.Verdict]) -> set[frozenset[str]]:
    return {verdict.evidence for verdict in verdicts.values() if verdict.outcome == "alerted"}


def three(amounts: tuple[str, str, str], last: timedelta = 7 * DAY, **more: object) -> Story:
    return Story().leg("in", 0 * DAY, amounts[0]).leg("in", DAY, amounts[1]).leg("in", last, amounts[2], **more)


@pytest.mark.parametrize(
    ("story", "alerts"),
    [
        (three(("8500", "9000", "9999.99")), True),
        (three(("8499.99", "9000", "9999.99")), False),
        (three(("8500", "9000", "10000")), False),
        (three(("8500", "9000", "9999.99"), last=7 * DAY + timedelta(microseconds=1)), False),
        (three(("8500", "9000", "9999.99"), status_code="failed"), False),
        (three(("8500", "9000", "9999.99"), asset_code="EUR"), False),
        (three(("8500", "9000", "9999.99"), party_id="Q"), False),
    ],
    ids=[
        "alerts",
        "below_the_band",
        "at_the_level",
        "a_moment_too_late",
        "one_failed",
        "other_currency",
        "other_party",
    ],
)
def test_tm01_three_deposits_under_the_reporting_level_within_a_week(story: Story, alerts: bool) -> None:
    assert evidence(scenarios.tm01(story.legs)) == ({frozenset({"t0", "t1", "t2"})} if alerts else set())


def through(inflow: str, outflow: str, after: timedelta = DAY, **more: object) -> Story:
    return Story().leg("in", 0 * DAY, inflow).leg("out", after, outflow, **more)


@pytest.mark.parametrize(
    ("story", "alerts"),
    [
        (through("5000", "4500"), True),
        (through("4999.99", "4999.99"), False),
        (through("5000", "4499.99"), False),
        (through("5000", "4500", after=DAY + timedelta(microseconds=1)), False),
        (through("5000", "4500", after=-HOUR), False),
        (through("5000", "4500", party_id="Q"), False),
    ],
    ids=["alerts", "too_small", "too_little_leaves", "a_moment_too_late", "left_before", "other_party"],
)
def test_tm06_most_of_an_inflow_leaves_within_a_day(story: Story, alerts: bool) -> None:
    assert evidence(scenarios.tm06(story.legs)) == ({frozenset({"t0", "t1"})} if alerts else set())


def funnel(senders: str, outflow: str, last: timedelta = 48 * HOUR, **more: object) -> Story:
    story = Story()
    for number, sender in enumerate(senders):
        story.leg("in", last * number / (len(senders) - 1), "1000", sender=sender)
    return story.leg("out", last + 48 * HOUR, outflow, **more)


@pytest.mark.parametrize(
    ("story", "alerts"),
    [
        (funnel("abcde", "4000"), True),
        (funnel("abcdd", "4000"), False),
        (funnel("abcde", "3999.99"), False),
        (funnel("abcde", "4000", last=49 * HOUR), False),
        (funnel("abcde", "4000", account_id="B"), False),
    ],
    ids=["alerts", "four_senders", "too_little_leaves", "too_slow", "other_account"],
)
def test_tm09_five_senders_in_two_days_and_most_of_it_leaves(story: Story, alerts: bool) -> None:
    expected = {frozenset({"t0", "t1", "t2", "t3", "t4", "t5"})} if alerts else set()
    assert evidence(scenarios.tm09(story.legs)) == expected


@pytest.mark.parametrize(
    ("last_activity_at", "usd", "reason"),
    [
        (START - 180 * DAY, "5000", "alerted"),
        (START - 180 * DAY, "4999.99", "below_minimum_amount"),
        (START - 180 * DAY + timedelta(microseconds=1), "5000", "not_dormant"),
        (None, "5000", "insufficient_history"),
    ],
)
def test_tm14_a_large_amount_after_half_a_year(last_activity_at: datetime | None, usd: str, reason: str) -> None:
    story = Story().leg("out", 0 * DAY, usd, last_activity_at=last_activity_at)
    assert [verdict.reason for verdict in scenarios.tm14(story.legs).values()] == [reason]


def test_tm14_a_trade_is_activity() -> None:
    trade = {"rail_code": "trade", "transfer_type_code": "trade", "asset_code": "BTC"}
    story = Story().leg("none", -HOUR, "10", **trade).leg("out", 0 * DAY, "5000", last_activity_at=START - 900 * DAY)
    assert scenarios.tm14(story.legs)["t1:out"].reason == "not_dormant"


@pytest.mark.parametrize(
    ("category", "usd", "reason"),
    [
        ("terrorist_financing", "0.01", "alerted"),
        ("terrorist_financing", None, "alerted"),
        ("scam", "1000.01", "alerted"),
        ("scam", "1000", "below_threshold"),
        ("scam", None, "no_valuation"),
        ("mixing", "5000", "below_threshold"),
        ("exchange", "999999", "low_severity_category"),
        ("unmapped", "1", "unmapped_category"),
    ],
)
def test_tm28_exposure_above_the_floor_of_its_category(category: str, usd: str | None, reason: str) -> None:
    story = Story().leg("in", 0 * DAY, "20000", rail_code="crypto", asset_code="ETH")
    story.add("int_transfer_screenings", screening_status_code="screened")
    row = {"exposure_type_code": "DIRECT", "category_code": category, "exposure_usd": usd and scenarios.Decimal(usd)}
    story.add("int_exposures", **row)
    tables = story.people.rows("int_transfer_screenings"), story.people.rows("int_exposures")
    assert [verdict.reason for verdict in scenarios.tm28(story.legs, *tables).values()] == [reason]


@pytest.mark.parametrize(
    ("listed", "delisted", "addresses", "reason"),
    [
        (date(2026, 1, 1), None, ["0xbad"], "alerted"),
        (date(2026, 1, 1), None, ["0xgood", "0xbad"], "alerted"),
        (date(2026, 1, 2), None, ["0xbad"], "no_hit"),
        (date(2025, 1, 1), date(2026, 1, 1), ["0xbad"], "no_hit"),
        (date(2026, 1, 1), None, ["0xgood"], "no_hit"),
        (date(2026, 1, 1), None, ["?"], "invalid_address"),
        (date(2026, 1, 1), None, ["?", "0xbad"], "alerted"),
        (date(2026, 1, 1), None, [], "no_address"),
    ],
)
def test_tm45_an_address_that_is_listed_on_the_day(
    listed: date, delisted: date | None, addresses: list[str], reason: str
) -> None:
    story = Story().leg("out", 0 * DAY, "20000", rail_code="crypto", asset_code="ETH")
    for address in addresses:
        story.add("int_transfer_addresses", role_code="counterparty", address=address, is_valid=address != "?")
    entries = [{"address": "0xbad", "listed_from_date": listed, "delisted_on": delisted}]
    verdicts = scenarios.tm45(story.legs, story.people.rows("int_transfer_addresses"), entries)
    assert [verdict.reason for verdict in verdicts.values()] == [reason]
