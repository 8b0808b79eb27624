"""Exposures and counterparties on stories checked by eye: what must alert, and beside each limit what must not."""

from __future__ import annotations

from datetime import timedelta

import pytest
from oracles.population import AS_OF, START, Population
from oracles.population_exposure import Teller
from oracles.scenarios_exposure import JUDGES

DAY, HOUR, MOMENT = timedelta(days=1), timedelta(hours=1), timedelta(microseconds=1)
MONTH, WEEK = 30 * DAY, 7 * DAY
LISTED = {
    "list_code": "ofac_sdn",
    "entry_id": "1",
    "address": "0xlisted",
    "name": "NAME",
    "listed_from_date": (START + 5 * DAY).date(),
    "delisted_on": (START + 9 * DAY).date(),
    "known_at": START,
}


class Story(Teller):
    """Legs told one after the other; `screened` ones come with what a vendor named for them."""

    def __init__(self) -> None:
        super().__init__(Population())
        self.population.rows("int_sanctioned_addresses").append(LISTED)

    def screened(
        self, at=START, *named: tuple, party: str | None = "P", direction: str = "in", **more: object
    ) -> Story:
        leg = self.leg(party, at, direction, **more)
        self.screening(leg)
        for one in named:
            self.exposure(leg, *one)
        return self

    def plain(self, at=START, party: str | None = "P", direction: str = "in", **more: object) -> Story:
        self.leg(party, at, direction, **more)
        return self

    def last(self, scenario_id: str) -> str:
        """The reason that the leg told last ends with."""
        return list(JUDGES[scenario_id](self.population).values())[-1].reason

    def evidence(self, scenario_id: str) -> int:
        return len(list(JUDGES[scenario_id](self.population).values())[-1].evidence)


def indirect(category: str, usd: str | None) -> tuple:
    return (category, usd, "INDIRECT")


def twice(first: tuple, second: tuple, after: timedelta, usd: str = "90000.00", **more: object) -> Story:
    return Story().screened(START, first, usd=usd).screened(START + after, second, usd=usd, **more)


def fan(customers: int, after: timedelta, usd: str = "333.34", last: tuple | None = None, **more: object) -> Story:
    story = Story()
    for number in range(customers):
        at, named = START + after * number / (customers - 1), (last,) if last and number == customers - 1 else ()
        story.screened(at, *named, party=f"P{number}", direction="out", usd=usd, counterparty_id="0xfan", **more)
    return story


def heavy(fiat: str, crypto: str, after: timedelta = MONTH, jurisdiction: str = "US", **more: object) -> Story:
    story = Story().plain(START, direction="out", usd=fiat, rail_code="fiat", asset_code="USD", counterparty_id="bank")
    return story.screened(START + after, direction="out", usd=crypto, jurisdiction_code=jurisdiction, **more)


def proven(missing: str | None, standing: bool = True, usd: str = "1100.01") -> Story:
    story = heavy("99999.00", usd, jurisdiction="EU")
    story.message(story.population.rows("int_transfer_legs")[-1], standing, missing)
    return story


def to_iran(usd: tuple[str, ...], step: timedelta = DAY, iban: str = "IR062960000000100324200001") -> Story:
    story = Story()
    for number, one in enumerate(usd):
        story.plain(START + step * number, usd=one, rail_code="fiat", asset_code="USD", counterparty_id=iban)
    return story


def seen(country: str, before: timedelta, outcome: str = "success") -> Story:
    story = Story()
    story.seen("P", START - before, country, outcome)
    return story.plain(usd="1000.00", rail_code="fiat", asset_code="USD", counterparty_id="bank")


def gap(
    usd: str, jurisdiction: str, at=START, missing: str | None = None, told: bool = False, standing: bool = True
) -> Story:
    story = Story().plain(at, usd=usd, jurisdiction_code=jurisdiction)
    if told:
        story.message(story.population.rows("int_transfer_legs")[-1], standing, missing)
    return story


def sharing(kind: str, customers: int = 3, after: timedelta = MONTH) -> Story:
    story = Story()
    for number in range(customers):
        at, party = START + after * number / (customers - 1), f"P{number}"
        more: dict = {"rail_code": "fiat", "asset_code": "USD", "counterparty_id": f"bank{number}"}
        story.plain(at, party=party, **more | {kind: "same"})
    return story


STORIES = {
    "TM29": {
        "month_at_limit": (twice(indirect("scam", "500.00"), indirect("scam", "500.00"), MONTH), "alerted"),
        "month_below": (twice(indirect("scam", "500.00"), indirect("scam", "499.99"), MONTH), "below_threshold"),
        "too_late": (twice(indirect("scam", "500.00"), indirect("scam", "500.00"), MONTH + MOMENT), "below_threshold"),
        "two_categories": (
            twice(indirect("scam", "900.00"), indirect("ransomware", "900.00"), DAY),
            "below_threshold",
        ),
        "two_customers": (
            twice(indirect("scam", "900.00"), indirect("scam", "900.00"), DAY, party="Q"),
            "below_threshold",
        ),
        "tie": (twice(indirect("scam", "500.00"), indirect("scam", "500.00"), 0 * DAY), "alerted"),
        "share_at_limit": (Story().screened(START, indirect("scam", "500.00"), usd="5000.00"), "alerted"),
        "share_below": (Story().screened(START, indirect("scam", "500.00"), usd="5000.01"), "below_threshold"),
        "share_of_dust": (Story().screened(START, indirect("scam", "499.99"), usd="500.00"), "below_threshold"),
        "zero_tolerance": (Story().screened(START, indirect("sanctioned_entity", None)), "alerted"),
        "direct_only": (Story().screened(START, ("scam", "9999.99")), "no_exposure"),
        "no_value": (Story().screened(START, indirect("scam", None)), "no_valuation"),
        "no_kyc_alone": (Story().screened(START, indirect("scam", "1000.00"), party=None), "alerted"),
        "no_kyc": (Story().screened(START, indirect("scam", "999.99"), party=None, usd="99999.00"), "no_kyc"),
        "not_screened": (Story().plain(), "not_screened"),
    },
    "TM30": {
        "on_the_day": (Story().screened(START + 5 * DAY, counterparty_id="0xlisted"), "alerted"),
        "a_moment_before": (
            Story().screened(START + 5 * DAY - MOMENT, counterparty_id="0xlisted"),
            "not_designated_then",
        ),
        "last_day": (Story().screened(START + 9 * DAY - MOMENT, counterparty_id="0xlisted"), "alerted"),
        "delisted": (Story().screened(START + 9 * DAY, counterparty_id="0xlisted"), "not_designated_then"),
        "behind_it": (
            Story().screened(START + 5 * DAY, ("sanctioned_entity", "1.00", "INDIRECT", "trm", " name ")),
            "alerted",
        ),
        "named_in_an_alert": (
            Story().screened(
                START + 5 * DAY, ("sanctioned_entity", "1.00", "DIRECT", "trm", "SANCTIONED ENTITY: Name")
            ),
            "alerted",
        ),
        "behind_it_before": (
            Story().screened(START + 4 * DAY, ("sanctioned_entity", "1.00", "INDIRECT", "trm", "Name")),
            "not_designated_then",
        ),
        "nobody_listed": (
            Story().screened(START + 5 * DAY, ("sanctioned_entity", "1.00", "DIRECT", "trm", "Other")),
            "no_designation_date",
        ),
        "attempt": (
            Story().screened(START + 5 * DAY, counterparty_id="0xlisted", status_code="failed"),
            "alerted",
        ),
    },
    "TM31": {
        "direct": (Story().screened(START, ("mixing", "0.01")), "alerted"),
        "direct_unvalued": (Story().screened(START, ("privacy_protocol", None)), "alerted"),
        "indirect_at_limit": (Story().screened(START, indirect("mixing", "1000.00")), "alerted"),
        "indirect_below": (Story().screened(START, indirect("mixing", "999.99")), "below_threshold"),
        "denomination": (
            Story().screened(START, indirect("mixing", "0.01"), asset_code="ETH", amount="10"),
            "alerted",
        ),
        "no_denomination": (
            Story().screened(START, indirect("mixing", "0.01"), asset_code="ETH", amount="10.00000001"),
            "below_threshold",
        ),
        "denomination_of_another_asset": (
            Story().screened(START, indirect("mixing", "0.01"), asset_code="BTC", amount="10"),
            "below_threshold",
        ),
        "denomination_alone": (Story().screened(START, asset_code="ETH", amount="10"), "no_exposure"),
        "tag_alone": (Story().screened(START, ("mixing", "100.00", "ATTRIBUTED", "graphsense")), "below_threshold"),
        "other_category": (Story().screened(START, ("scam", "9999.99")), "no_exposure"),
    },
    "TM33": {
        "above_together": (twice(("scam", "500.00"), ("scam", "500.01"), MONTH), "alerted"),
        "at_the_floor": (twice(("scam", "500.00"), ("scam", "500.00"), MONTH), "below_threshold"),
        "too_late": (twice(("scam", "999.99"), ("scam", "999.99"), MONTH + MOMENT), "below_threshold"),
        "one_only": (Story().screened(START, ("scam", "1000.00")), "below_threshold"),
        "one_above_the_floor": (twice(("scam", "500.00"), ("scam", "1000.01"), DAY), "outside_band"),
        "other_category": (twice(("scam", "999.99"), ("ransomware", "999.99"), DAY), "below_threshold"),
        "other_customer": (twice(("scam", "999.99"), ("scam", "999.99"), DAY, party="Q"), "below_threshold"),
        "tie": (twice(("scam", "500.00"), ("scam", "500.01"), 0 * DAY), "alerted"),
        "zero_tolerance": (twice(("sanctioned_entity", "1.00"), ("sanctioned_entity", "1.00"), DAY), "outside_band"),
    },
    "TM34": {
        "at_both_limits": (heavy("6250.00", "25000.00"), "alerted"),
        "share_below": (heavy("6250.01", "25000.00"), "below_threshold"),
        "amount_below": (heavy("1.00", "24999.99"), "below_threshold"),
        "fiat_too_old": (heavy("6250.01", "25000.00", after=MONTH + MOMENT), "alerted"),
        "unproven": (heavy("99999.00", "1100.01", jurisdiction="EU"), "alerted"),
        "unproven_at_limit": (heavy("99999.00", "1100.00", jurisdiction="EU"), "below_threshold"),
        "no_proof_asked": (heavy("99999.00", "1100.01", jurisdiction="US"), "below_threshold"),
        "proven": (proven(None), "below_threshold"),
        "half_proven": (proven("beneficiary_name"), "alerted"),
        "withdrawn_proof": (proven(None, standing=False), "alerted"),
        "to_an_exchange": (
            Story().screened(START, ("exchange", "99999.00"), direction="out", usd="99999.00"),
            "known_service",
        ),
        "to_a_scammer": (Story().screened(START, ("scam", "99999.00"), direction="out", usd="99999.00"), "alerted"),
        "not_screened": (Story().plain(direction="out", usd="99999.00"), "not_screened"),
    },
    "TM35": {
        "at_limit": (Story().screened(START, ("gambling", "10000.00"), usd="99999.00"), "alerted"),
        "below": (Story().screened(START, ("gambling", "9999.99"), usd="99999.00"), "below_threshold"),
        "month": (twice(("atm", "2500.00"), ("atm", "2500.00"), MONTH), "alerted"),
        "too_late": (twice(("atm", "2500.00"), ("atm", "2500.00"), MONTH + MOMENT), "below_threshold"),
        "most_of_it": (Story().screened(START, ("gambling", "2500.00"), usd="5000.00"), "alerted"),
        "less_than_most": (Story().screened(START, ("gambling", "2500.00"), usd="5000.01"), "below_threshold"),
        "most_of_little": (Story().screened(START, ("gambling", "2499.99"), usd="2500.00"), "below_threshold"),
        "other_service": (Story().screened(START, ("exchange", "99999.00")), "no_exposure"),
    },
    "TM36": {
        "device": (sharing("device_id"), "alerted"),
        "ip": (sharing("ip_address"), "alerted"),
        "bank_account": (sharing("counterparty_id"), "alerted"),
        "payout_address": (fan(3, MONTH), "alerted"),
        "address_of_a_service": (fan(3, MONTH, last=("exchange", "1.00")), "no_identifier"),
        "two_customers": (sharing("device_id", customers=2), "below_threshold"),
        "too_late": (sharing("device_id", after=MONTH + MOMENT), "below_threshold"),
        "nothing_known": (
            Story().plain(rail_code="fiat", asset_code="USD", counterparty_id=None),
            "no_identifier",
        ),
    },
    "TM37": {
        "three_in_a_week": (fan(3, WEEK), "alerted"),
        "too_late": (fan(3, WEEK + MOMENT), "below_threshold"),
        "two_customers": (fan(2, DAY), "below_threshold"),
        "tie": (fan(3, 0 * DAY), "alerted"),
        "too_little": (fan(3, WEEK, usd="333.33"), "below_minimum_amount"),
        "a_service": (fan(3, WEEK, last=("exchange", "1.00")), "known_service"),
        "a_scam_is_no_service": (fan(3, WEEK, last=("scam", "1.00")), "alerted"),
        "failed": (fan(3, WEEK, status_code="failed"), "not_completed"),
    },
    "TM43": {
        "amount_at_limit": (to_iran(("1000.00",)), "alerted"),
        "amount_below": (to_iran(("999.99",)), "below_threshold"),
        "three_small": (to_iran(("1.00", "1.00", "1.00"), step=15 * DAY), "alerted"),
        "two_small": (to_iran(("1.00", "1.00")), "below_threshold"),
        "too_late": (to_iran(("1.00", "1.00", "1.00"), step=15 * DAY + MOMENT), "below_threshold"),
        "elsewhere": (to_iran(("9999.00",), iban="DE02500105170137075030"), "not_high_risk"),
        "no_country": (to_iran(("9999.00",), iban="bank"), "no_country"),
        "customer_there": (seen("KP", DAY), "alerted"),
        "customer_was_there": (seen("KP", DAY + MOMENT), "no_country"),
        "failed_login": (seen("KP", HOUR, "failure"), "no_country"),
    },
    "TM44": {
        "at_threshold": (gap("3000.00", "US"), "alerted"),
        "below": (gap("2999.99", "US"), "below_threshold"),
        "no_minimum": (gap("0.01", "EU"), "alerted"),
        "nobody_says_whose_law": (gap("0.01", "XX"), "alerted"),
        "complete": (gap("3000.00", "US", told=True), "message_complete"),
        "incomplete": (gap("3000.00", "US", told=True, missing="originator_name"), "alerted"),
        "refused": (gap("3000.00", "US", told=True, standing=False), "alerted"),
        "due": (gap("3000.00", "US", at=AS_OF - DAY), "alerted"),
        "not_due": (gap("3000.00", "US", at=AS_OF - DAY + MOMENT), "window_open"),
    },
}


@pytest.mark.parametrize(
    ("scenario_id", "name"), [(scenario_id, name) for scenario_id, stories in STORIES.items() for name in stories]
)
def test_the_leg_told_last_ends_with_its_reason(scenario_id: str, name: str) -> None:
    story, reason = STORIES[scenario_id][name]
    assert story.last(scenario_id) == reason


def test_every_scenario_has_its_stories() -> None:
    assert STORIES.keys() == JUDGES.keys()


@pytest.mark.parametrize(
    ("scenario_id", "name", "transfers"),
    [
        ("TM29", "month_at_limit", 2),
        ("TM33", "above_together", 2),
        ("TM34", "at_both_limits", 1),
        ("TM35", "month", 2),
        ("TM36", "device", 3),
        ("TM37", "three_in_a_week", 3),
        ("TM43", "three_small", 3),
        ("TM44", "due", 1),
    ],
)
def test_evidence_is_what_the_finding_counts(scenario_id: str, name: str, transfers: int) -> None:
    assert STORIES[scenario_id][name][0].evidence(scenario_id) == transfers
