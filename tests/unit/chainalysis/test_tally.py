"""Counting on the wire does not depend on whether an answer can be parsed."""

from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal

from ingestion.chainalysis.movements import Movement
from ingestion.chainalysis.tally import CountedAlert, Tally, alert_hash, exposure_hash, state_hash
from ingestion.control_totals import record_hash

MOVEMENT = Movement("exchange:deposit:1", "A1", "Bitcoin", "BTC", "h:a", "received", datetime(2026, 1, 1, 23, 59))


def test_a_finished_summary_moves_the_transfer_to_the_day_of_its_answer():
    tally = Tally()
    tally.registered(MOVEMENT, "accepted")
    assert tally.day_of(MOVEMENT) == date(2026, 1, 1)
    tally.summarised(MOVEMENT, b'{"updatedAt":null}')
    assert tally.day_of(MOVEMENT) == date(2026, 1, 1)
    tally.summarised(MOVEMENT, b'{"updatedAt" : "2026-01-02T00:00:00.000001", "usdAmount": broken')
    assert tally.day_of(MOVEMENT) == date(2026, 1, 2)
    assert len(tally.transfers) == 1


def test_categories_are_counted_in_the_raw_answer():
    tally = Tally()
    tally.listed_categories(b'{"categories":[{"categoryId":null,"categoryName":""},{"categoryId": 1, broken')
    assert tally.categories == ["", "1"]


def test_extract_ids_depend_on_what_was_answered_and_not_on_the_order():
    def ids(*alerts: str, state: bytes = b'"updatedAt":"2026-01-02T00:00:00"') -> dict[date, str]:
        tally = Tally()
        tally.registered(MOVEMENT, "accepted")
        tally.summarised(MOVEMENT, state)
        tally.alerts += [CountedAlert(date(2026, 1, 2), alert, None) for alert in alerts]
        return tally.extract_ids()

    assert ids("a", "b") == ids("b", "a")
    assert len({ids()[date(2026, 1, 2)], ids("a")[date(2026, 1, 2)], ids("a", "b")[date(2026, 1, 2)]}) == 3
    assert list(ids(state=b'"updatedAt":null')) == [date(2026, 1, 1)]
    assert ids("a")[date(2026, 1, 2)].startswith("kyt/2026-01-02:")


def test_an_exposure_is_known_by_its_transfer_and_category():
    assert exposure_hash("x1", b'{"direct": {"name": "A", "categoryId": 3}}') == record_hash("x1:3", None)
    assert exposure_hash("x1", b'{"direct": {"name": null, "categoryId": null}}') == record_hash("x1:", None)
    assert exposure_hash("x1", b"no JSON") == record_hash("x1:", None)


def test_an_alert_of_a_transfer_has_the_share_of_the_same_alert_on_the_list():
    listed = CountedAlert(date(2026, 1, 1), "a1", Decimal("10.01"))
    assert alert_hash({"externalId": "a1", "alertAmount": Decimal("10.005")}) == listed.record_hash
    assert alert_hash({"externalId": "a1", "alertAmount": "much"}) is None
    assert alert_hash({"externalId": "a1", "alertAmount": None}) == record_hash("a1", None)


def test_a_state_is_known_by_alert_and_status():
    assert state_hash({"alertIdentifier": "a1", "alertStatus": "Reviewed"}) == record_hash("a1:Reviewed", None)


def test_an_answer_states_its_amount_and_a_refused_one_has_that_of_its_movement():
    asked = replace(MOVEMENT, asset_amount=Decimal("2.5"))
    tally = Tally()
    tally.registered(asked, "accepted")
    assert tally.transfers[asked.ledger_transfer_id].amount is None
    for said, amount in ((b"1.5E-8", Decimal("1.5E-8")), (b"0.0000000000000000001", None), (b"null", None)):
        tally.summarised(asked, b'{"updatedAt":"2026-01-02T00:00:00","assetAmount":%s}' % said)
        assert tally.transfers[asked.ledger_transfer_id].amount == amount
    tally.refused(asked)
    assert tally.transfers[asked.ledger_transfer_id].amount == Decimal("2.5")
