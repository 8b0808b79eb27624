"""How far a feed lags behind the others, and which days of delivery are missing: by the data, never by our clock."""

from datetime import date, datetime, timedelta

import duckdb
import pytest

from orchestration import freshness
from orchestration.assets.feeds import FEEDS, passport

AS_OF = datetime(2026, 1, 10, 6)


def days(*numbers: int) -> set[date]:
    return {date(2026, 1, number) for number in numbers}


@pytest.mark.parametrize(
    ("delivered", "delivered_on", "missing"),
    [
        (days(1, 2, 4, 7), "every_day", [3, 5, 6]),
        (days(1, 2, 3), "every_day", []),
        (days(2, 5), "weekdays", []),  # Friday and Monday
        (days(1, 5), "weekdays", [2]),
        (days(1, 7), None, []),
        (days(), "every_day", []),
        (days(9), "every_day", []),
    ],
)
def test_days_between_the_first_and_the_last_delivery_are_missed(delivered, delivered_on, missing):
    assert freshness.missing_days(delivered, delivered_on) == sorted(days(*missing))


def test_a_feed_may_lag_as_long_as_its_passport_says():
    allowed = timedelta(hours=passport("exchange")["max_age_hours"])
    assert freshness.lateness("exchange", AS_OF - allowed, AS_OF, True) is None
    said = freshness.lateness("exchange", AS_OF - allowed - timedelta(hours=1), AS_OF, True)
    assert "Feed exchange" in said and f"{passport('exchange')['max_age_hours']} are allowed" in said
    assert freshness.lateness("watchlists", AS_OF - timedelta(days=900), AS_OF, True) is None


def test_a_configured_feed_that_never_delivered_is_not_fresh():
    assert "never delivered" in freshness.lateness("tagpacks", None, AS_OF, True)
    assert freshness.lateness("tagpacks", None, AS_OF, False) is None


def test_a_gap_names_its_days_and_what_to_do():
    said = freshness.gap("exchange", days(1, 2, 4))
    assert "none of 2026-01-03." in said and "Deliver it" in said
    assert freshness.gap("exchange", days(1, 2, 3)) is None


def test_only_delivery_folders_have_days_and_only_completed_loads_count():
    with duckdb.connect() as connection:
        connection.execute("create schema raw_onchain")
        assert freshness.delivered(connection, "onchain") == freshness.Delivered(None, frozenset())
        connection.execute("create table raw_onchain._dlt_loads as select 'done' as load_id, 0 as status")
        connection.execute("""
            create table raw_onchain.control_totals as
            select * from (values
                ('delivery=2026-01-01/a.csv:1', timestamp '2026-01-02 01:00:00', 'done'),
                ('delivery=2026-01-02T1200/a.csv:1', timestamp '2026-01-03 01:00:00', 'done'),
                ('2015/a.csv:1', timestamp '2015-01-01', 'done'),
                ('ethereum_rpc:1-2:x', timestamp '2026-01-04', 'done'),
                ('delivery=2026-01-09/a.csv:1', timestamp '2026-01-10', 'killed')
            ) as totals (extract_id, known_at, _dlt_load_id)
        """)
        found = freshness.delivered(connection, "onchain")
    assert found == freshness.Delivered(datetime(2026, 1, 4), frozenset(days(1, 2)))


def test_only_feeds_that_are_monitored_stop_the_run():
    specs = [spec for definition in freshness.checks for spec in definition.check_specs]
    assert {spec.asset_key.path[0] for spec in specs if spec.blocking} == {"raw_exchange", "raw_onchain"}
    assert {spec.asset_key.path[0] for spec in specs if spec.name == freshness.IS_FRESH} == {f"raw_{f}" for f in FEEDS}
    for feed in FEEDS:
        assert passport(feed)["delivered_on"] in ("every_day", "weekdays", None), feed
        assert passport(feed)["max_age_hours"] is None or passport(feed)["max_age_hours"] >= 24, feed
