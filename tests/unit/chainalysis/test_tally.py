"""Counting on the wire does not depend on whether an answer can be parsed."""

from datetime import date, datetime

from ingestion.chainalysis.movements import Movement
from ingestion.chainalysis.tally import CountedAlert, Tally

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
