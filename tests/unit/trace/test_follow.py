"""Following money on a small graph made by hand."""

from datetime import datetime
from decimal import Decimal
from xml.etree import ElementTree

import duckdb
import pytest

from orchestration.trace import page
from orchestration.trace.follow import BACKWARD, FORWARD, Cut, follow

# transfer, from, to, day of January, USD, rail
EDGES = [
    ("T1", "external|IBAN1", "party|P1", 2, 900, "fiat"),
    ("T2", "party|P1", "external|0xaa", 3, 800, "crypto"),
    ("T3", "party|P1", "party|P2", 4, 100, "internal"),
    ("T4", "party|P2", "external|0xbb", 1, 50, "crypto"),  # before anything came
    ("T5", "party|P2", "external|0xbb", 5, 90, "crypto"),
    *((f"F{n}", "external|0xbb", f"external|0xf{n}", 6, n, "crypto") for n in range(1, 6)),
]


@pytest.fixture
def warehouse():
    with duckdb.connect() as connection:
        connection.execute("create schema staging; create schema intermediate")
        connection.execute("create table staging.stg_control__as_of as select timestamp '2026-02-01' as as_of_at")
        connection.execute(
            "create table intermediate.int_money_edges (transfer_id text, from_node text, to_node text, "
            "event_at timestamp, amount_usd decimal(18,2), asset_code text, known_at timestamp); "
            "create table intermediate.int_transfers (transfer_id text, rail_code text); "
            "create table intermediate.int_chain_transfers "
            "(chain_transfer_id text, from_address text, to_address text, event_at timestamp, event_date date, "
            "amount decimal(38,18), asset_code text, out_of_scope_reason text, "
            "known_at timestamp); "
            "create table intermediate.int_rates (asset_code text, rate_date date, rate_usd decimal(38,18)); "
            "create table intermediate.int_accounts (account_id text, party_id text); "
            "create table intermediate.int_sanctioned_addresses "
            "(address text, list_code text, entry_id text, name text, listed_from_date date, delisted_on date); "
            "create table intermediate.int_address_attributions (address text, tag_id text, label text, "
            "category_code text, severity_code text); "
            "create table intermediate.int_exposures (transfer_id text, category_code text, entity_name text, "
            "exposure_type_code text, vendor_code text)"
        )
        for name, giver, taker, day, usd, rail in EDGES:
            at = datetime(2026, 1, day)
            connection.execute(
                "insert into intermediate.int_money_edges values (?, ?, ?, ?, ?, 'ETH', ?)",
                [name, giver, taker, at, usd, at],
            )
            connection.execute("insert into intermediate.int_transfers values (?, ?)", [name, rail])
        connection.execute(
            "insert into intermediate.int_accounts values ('A1', 'P1'); "
            "insert into intermediate.int_rates values ('ETH', date '2026-01-07', 2000); "
            "insert into intermediate.int_chain_transfers values ('C1', '0xaa', '0xcc', timestamp '2026-01-07', "
            "date '2026-01-07', 0.25, 'ETH', 'no_exchange_address', timestamp '2026-01-08'), "
            "('C2', '0xaa', '0xdd', timestamp '2026-01-07', date '2026-01-07', 9, 'ETH', 'own_wallet_movement', "
            "timestamp '2026-01-08'); "
            "insert into intermediate.int_sanctioned_addresses values "
            "('0xcc', 'ofac_sdn', '7', 'Villain', date '2026-01-05', null), "
            "('0xbb', 'ofac_sdn', '8', null, date '2025-01-05', date '2025-02-05'); "
            "insert into intermediate.int_exposures values ('T2', 'mixing', 'Blender', 'DIRECT', 'trm')"
        )
        yield connection


def hops(trace, direction) -> dict[str, int]:
    return {edge.transfer_id: edge.hop for edge in trace.edges if edge.direction == direction}


def test_money_is_followed_both_ways_through_chain_exchange_and_fiat(warehouse):
    trace = follow(warehouse, "subject", "P1", hops=2, fan_out=20)
    assert hops(trace, FORWARD) == {"T2": 1, "T3": 1, "C1": 2, "T5": 2}  # T4 was gone before T3 came
    assert hops(trace, BACKWARD) == {"T1": 1}
    assert {edge.rail for edge in trace.edges} == {"chain", "exchange", "fiat"}
    assert next(edge.amount_usd for edge in trace.edges if edge.transfer_id == "C1") == Decimal("500.00")
    assert trace.cuts == []


def test_an_account_is_its_party_and_a_transfer_begins_on_both_its_sides(warehouse):
    assert hops(follow(warehouse, "subject", "A1", 1, 20), FORWARD) == {"T2": 1, "T3": 1}
    trace = follow(warehouse, "transfer", "T3", 2, 20)
    assert hops(trace, FORWARD) == {"T3": 0, "T5": 1} | {f"F{n}": 2 for n in range(1, 6)}
    assert hops(trace, BACKWARD) == {"T1": 1}


def test_what_is_too_much_is_cut_smallest_first_and_said(warehouse):
    trace = follow(warehouse, "address", "0xBB", hops=1, fan_out=2)
    assert hops(trace, FORWARD) == {"F5": 1, "F4": 1}
    assert trace.cuts == [Cut(FORWARD, 1, "external|0xbb", 3, Decimal("6.00"), "more than 2 transfers")]
    assert "Cut: 3 transfers at 1 nodes were not followed" in page.page(trace)


def test_attributions_are_those_that_are_known(warehouse):
    trace = follow(warehouse, "subject", "P1", 2, 20)
    listed = {node.id: (node.listing, node.is_listed) for node in trace.nodes if node.listing}
    assert listed == {
        "0xcc": ("ofac_sdn 7 (Villain) from 2026-01-05", True),
        "0xbb": ("ofac_sdn 8 from 2025-01-05 until 2025-02-05", False),
    }
    assert {edge.transfer_id: edge.said for edge in trace.edges if edge.said} == {
        "T2": "mixing (Blender), direct, by trm"
    }


@pytest.mark.parametrize("name", ["nobody", "P1' or '1'='1", "T1'; drop table intermediate.int_money_edges; --"])
def test_an_id_is_never_part_of_a_statement(warehouse, name):
    for kind in ("subject", "transfer", "address"):
        with pytest.raises(LookupError):
            follow(warehouse, kind, name, 2, 5)
    assert warehouse.execute("select count(*) from intermediate.int_money_edges").fetchall() == [(len(EDGES),)]


def test_the_same_trace_is_the_same_page_and_its_picture_is_sound(warehouse):
    pages = [page.page(follow(warehouse, "transfer", "T3", 3, 20)) for _ in range(2)]
    assert pages[0] == pages[1]
    picture = ElementTree.fromstring(page.graph(follow(warehouse, "transfer", "T3", 3, 20)))
    texts = {element.text for element in picture.iter("{http://www.w3.org/2000/svg}text")}
    assert {"P1", "P2", "0xbb", "was on a sanctions list"} <= texts


def test_a_name_cannot_break_out_of_the_page(warehouse):
    warehouse.execute("update intermediate.int_sanctioned_addresses set name = '<script>alert(1)</script>'")
    assert "<script>" not in page.page(follow(warehouse, "subject", "P1", 2, 20))
