"""Staging and intermediate models on a handful of awkward raw rows: what becomes of each."""

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from dbt_command import build

SENDER, OTHER_SENDER = "bc1qxy2kgdygjrsqtzq2n0yrf2493p83kkfjhx0wlh", "3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy"
STRANGER, TOKEN = "0x" + "a" * 40, "0x" + "c" * 40


@pytest.fixture(scope="module")
def rows(conformed_home: Path) -> Callable[[str], list[tuple]]:
    """rows("columns from model ...") -> its rows, sorted."""

    def read(query: str) -> list[tuple]:
        with duckdb.connect(str(conformed_home / "warehouse.duckdb"), read_only=True) as connection:
            connection.execute("set search_path = 'intermediate,staging,marts,restricted'")
            return sorted(connection.execute(f"select {query}").fetchall(), key=repr)

    return read


def test_every_row_is_accounted_for(rows):
    assert rows("* from fct_feed_reconciliation where not is_reconciled") == []
    assert rows("source_rows, superseded_rows from fct_feed_totals where feed_code = 'exchange'") == [(12, 2)]


def test_an_incomplete_load_is_not_there(rows):
    assert rows("deposit_id from stg_exchange__deposits") == [("D1",), ("D2",), ("D3",)]
    assert rows("as_of_at from stg_control__as_of") == [(datetime(2026, 1, 6, 2),)]


def test_the_same_content_delivered_again_is_not_late(rows):
    assert rows("first_known_at, known_at from stg_exchange__deposits where deposit_id = 'D1'") == [
        (datetime(2026, 1, 2, 2), datetime(2026, 1, 3, 2))
    ]


def test_a_completed_deposit_became_known_when_it_was_completed(rows):
    assert rows("status_code, known_at from int_transfers where transfer_id = 'exchange:deposit:D2'") == [
        ("completed", datetime(2026, 1, 3, 2))
    ]


def test_the_population_is_the_ledger_and_what_only_bank_or_chain_know(rows):
    assert [name for (name,) in rows("transfer_id from int_transfers")] == [
        "bank:E2",
        "bank:E4",
        "exchange:deposit:D1",
        "exchange:deposit:D2",
        "exchange:deposit:D3",
        "exchange:internal_transfer:I1",
        "exchange:trade:T1",
        "exchange:withdrawal:W1",
        "exchange:withdrawal:W2",
        f"onchain:ethereum:0x{'ad' * 32}:tx",
        f"onchain:ethereum:0x{'af' * 32}:log:3",
        f"onchain:ethereum:0x{'bb' * 32}:tx",
    ]


def test_the_population_is_the_same_when_counted_past_the_models(rows):
    grain = "source_code, event_date, asset_code"
    assert rows(f"{grain}, population_rows, population_amount from int_population_rows") == rows(
        f"{grain}, count(*), sum(amount) from int_transfers group by {grain}"
    )


def test_bank_entries_confirm_stand_alone_or_have_a_reason(rows):
    assert rows("entry_id, match_status_code, transfer_id, out_of_scope_reason from int_bank_entries") == [
        ("E1", "matched", "exchange:deposit:D1", None),
        ("E2", "unmatched", "bank:E2", None),
        ("E3", "out_of_scope", None, "bank_charge"),
        ("E4", "unmatched", "bank:E4", None),
        ("E5", "out_of_scope", None, "information_only"),
    ]
    assert rows("counterparty_id from int_transfers where transfer_id = 'exchange:deposit:D1'") == [("DE893704",)]


def test_chain_movements_confirm_stand_alone_or_have_a_reason(rows):
    found = rows(
        "case when chain_code = 'ethereum' then substr(tx_hash, 3, 2) else split_part(chain_transfer_id, ':', 4) end,"
        " match_status_code, coalesce(out_of_scope_reason, split_part(transfer_id, ':', 1)) from int_chain_transfers"
    )
    assert found == [
        ("0", "matched", "exchange"),
        ("1", "out_of_scope", "no_exchange_address"),
        ("aa", "matched", "exchange"),
        ("ab", "out_of_scope", "own_wallet_movement"),
        ("ac", "out_of_scope", "no_exchange_address"),
        ("ad", "unmatched", "onchain"),
        ("ae", "out_of_scope", "no_value"),
        ("af", "unmatched", "onchain"),
        ("ba", "out_of_scope", "block_replaced"),
        ("bb", "unmatched", "onchain"),
        ("bc", "out_of_scope", "failed_on_chain"),
    ]


def test_what_cannot_be_valued_stays(rows):
    assert rows("transfer_id, asset_code, amount from int_transfers where amount_usd is null") == [
        ("exchange:deposit:D3", "GBP", Decimal(70)),
        (f"onchain:ethereum:0x{'af' * 32}:log:3", TOKEN, None),
    ]
    assert rows("amount_usd from int_transfers where transfer_id = 'exchange:deposit:D1'") == [(Decimal("110.00"),)]


def test_every_transfer_has_its_legs_whatever_kyc_knows(rows):
    counts = "count(leg_id) as found, max(transfers.legs_expected) as expected"
    sides = "int_transfers as transfers left join int_transfer_legs using (transfer_id)"
    per_transfer = f"select {counts} from {sides} group by transfer_id"  # noqa: S608 (our names)
    assert rows(f"* from ({per_transfer}) where found <> expected") == []
    assert rows("leg_id, account_id, counterparty_id from int_transfer_legs where rail_code = 'internal'") == [
        ("exchange:internal_transfer:I1:in", "A2", "A1"),
        ("exchange:internal_transfer:I1:out", "A1", "A2"),
    ]
    assert rows("transfer_id, party_id from int_transfer_legs where transfer_id like 'exchange:deposit:%'") == [
        ("exchange:deposit:D1", "P1"),
        ("exchange:deposit:D2", "P2"),
        ("exchange:deposit:D3", None),
    ]


def test_the_day_of_opening_counts(rows):
    on_opening_day = "event_date = cast(account_opened_at as date)"
    assert rows(f"{on_opening_day} from int_transfer_legs where transfer_id = 'exchange:deposit:D1'") == [(True,)]


def test_late_kyc_joins_and_says_when_it_was_known(rows):
    late = "transfer_id = 'exchange:deposit:D2'"
    assert rows(f"party_id, segment_code, known_at from int_transfer_legs where {late}") == [
        ("P2", "retail", datetime(2026, 1, 6, 2))
    ]


def test_a_leg_carries_the_profile_of_its_time(rows):
    legs = "int_transfer_legs where account_id = 'A1' and source_code = 'exchange'"
    assert rows(f"distinct event_date, segment_code from {legs}") == [
        (date(2026, 1, 1), "retail"),
        (date(2026, 1, 2), "business"),
    ]


def test_every_address_of_a_field_is_found_and_the_chains_too(rows):
    whose = "transfer_id = 'exchange:deposit:D2' and role_code = 'counterparty'"
    assert rows(f"address, is_valid from int_transfer_addresses where {whose}") == [
        (OTHER_SENDER, True),
        (SENDER, True),
    ]
    assert rows("counterparty_address from int_transfers where transfer_id = 'exchange:withdrawal:W2'") == [(STRANGER,)]


def test_watchlist_history_is_told_publication_by_publication(rows):
    assert rows("entry_id, change_code from int_watchlist_changes") == [
        ("1", "removed"),
        ("2", "changed"),
        ("3", "added"),
    ]
    assert rows("address, asset_code, listed_from_date, delisted_on from int_sanctioned_addresses") == [
        (OTHER_SENDER, "BTC", date(2026, 1, 1), date(2026, 1, 3))
    ]


def test_exposures_are_neutral_and_an_unknown_category_is_seen(rows):
    assert rows("exposure_type_code, category_code, is_zero_tolerance, exposure_usd from int_exposures") == [
        ("DIRECT", "sanctioned_entity", True, Decimal("25000.00")),
        ("INDIRECT", "mixing", False, Decimal("12.34")),
        ("INDIRECT", "unmapped", False, Decimal("1.00")),
    ]
    assert rows("transfer_id, screening_status_code from int_transfer_screenings") == [
        ("exchange:deposit:D2", "screened"),
        ("exchange:withdrawal:W2", "pending"),
    ]


def test_the_past_is_rebuilt_as_it_was_known(conformed_home, rows, tmp_path):
    """Last of the module: it rebuilds a few models as of the first delivery, in a copy."""
    home = tmp_path / "then"
    home.mkdir()
    (home / "warehouse.duckdb").write_bytes((conformed_home / "warehouse.duckdb").read_bytes())
    models = ("stg_control__as_of", "stg_exchange__deposits", "staging.onchain", "int_chain_transfers")
    build(home, "--select", *models, "--vars", "{as_of: '2026-01-02 02:00:00'}")
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as connection:
        then = connection.execute(
            "select deposit_id, status_code, known_at from staging.stg_exchange__deposits order by 1"
        ).fetchall()
        before_the_block_was_replaced = connection.execute(
            "select tx_hash[3:4], match_status_code from intermediate.int_chain_transfers "
            "where tx_hash[3:4] in ('ba', 'bb') order by 1"
        ).fetchall()
    known = datetime(2026, 1, 2, 2)
    assert then == [("D1", "completed", known), ("D2", "pending", known), ("D3", "completed", known)]
    assert before_the_block_was_replaced == [("ba", "unmatched"), ("bb", "unmatched")]


def test_an_event_belongs_to_its_accounts_customer_and_says_what_was_new(rows):
    assert rows(
        "event_id, party_id, event_class_code, is_first_use_of_device, is_first_use_of_ip, is_first_use_of_country "
        "from int_party_behaviour_events"
    ) == [
        ("B1", "P1", "session", True, True, True),
        ("B2", "P1", "session", True, False, True),
        ("B3", "P1", "credential", False, None, False),
        ("B4", None, "session", True, None, None),
        ("B5", "P2", "payout", True, None, True),
        ("B6", None, "session", None, None, None),
    ]
