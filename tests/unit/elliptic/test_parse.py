"""Elliptic analyses as records: wallets with two sides, transactions with plain lists."""

import json
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.chainalysis.parse import Unreadable, document
from ingestion.elliptic import count, parse
from ingestion.elliptic.schemas import TABLES

ELEMENT = {
    "category": "Dark Market", "category_id": "c1", "contribution_percentage": 7.5, "contribution_value": {"usd": 10},
    "counterparty_percentage": 0, "counterparty_value": {"usd": 0}, "indirect_percentage": 7.5,
    "indirect_value": {"usd": 10.000000000000000001}, "contributions": [{"entity": "x"}, {"entity": "y"}],
}  # fmt: skip
RULE = {
    "rule_id": "r1",
    "rule_name": "Illicit",
    "risk_score": 7.5,
    "matched_elements": [ELEMENT],
    "rule_type": "exposure",
}
CONTRIBUTION = {
    "entities": [{"name": "A", "category": "Dark Market"}, {"name": "B", "category": "Exchange"}],
    "contribution_percentage": 7.5, "contribution_value": {"usd": 10}, "is_screened_address": False,
    "min_number_of_hops": 2,
}  # fmt: skip
WALLET = {
    "id": "w1", "type": "wallet_exposure", "customer": {"id": "c", "reference": "A1"},
    "subject": {"asset": "holistic", "blockchain": "holistic", "type": "address", "hash": "0xab"},
    "analysed_at": "2026-01-01T00:00:00.000Z", "risk_score": 7.5,
    "risk_score_detail": {"source": 7.5, "destination": 0},
    "error": None, "evaluation_detail": {"source": [RULE], "destination": []},
    "contributions": {"source": [CONTRIBUTION], "destination": None}, "process_status": "complete",
    "screening_id": "s1", "screening_source": "sync", "cluster_entities": [{"name": "A", "category": "Dark Market"}],
}  # fmt: skip
TRANSACTION = WALLET | {
    "type": "source_of_funds", "evaluation_detail": [RULE], "contributions": [CONTRIBUTION], "cluster_entities": [],
    "subject": {"asset": "BTC", "type": "transaction", "hash": "aa", "output_type": "address",
                "output_address": "bc1q"},
}  # fmt: skip


def read(answer: dict) -> tuple[dict, list[dict]]:
    return parse.analysis(document(json.dumps(answer).encode()))


def test_both_shapes_give_the_same_rows_but_for_the_side():
    _, of_wallet = read(WALLET)
    _, of_transaction = read(TRANSACTION)
    assert [row["element_code"] for row in of_wallet] == [
        "cluster_entity",
        "matched_element",
        "contribution",
        "contribution",
    ]
    assert [row.get("side_code") for row in of_wallet] == [None, "source", "source", "source"]
    assert [row.get("side_code") for row in of_transaction] == [None, None, None]
    shape = ("element_code", "rule_id", "category", "entity_name", "contribution_usd", "indirect_usd")
    assert [[row.get(c) for c in shape] for row in of_wallet[1:]] == [
        [row.get(c) for c in shape] for row in of_transaction
    ]


def test_the_value_of_a_contribution_stands_on_its_first_entity():
    _, rows = read(TRANSACTION)
    assert [(row["entity_name"], row.get("contribution_usd")) for row in rows[1:]] == [("A", Decimal(10)), ("B", None)]


def test_an_analysis_that_runs_has_no_lists():
    row, exposures = read({**WALLET, "process_status": "running", "evaluation_detail": None, "contributions": None,
                           "cluster_entities": [], "risk_score": None, "screening_id": None})  # fmt: skip
    assert (row["process_status_code"], row["risk_score"], row["screening_id"], exposures) == (
        "running",
        None,
        "none",
        [],
    )


@pytest.mark.parametrize("wrong", [{"up": []}, "text", {"source": "text"}, [1]])
def test_a_third_shape_is_unreadable_and_not_skipped(wrong):
    with pytest.raises(Unreadable, match="contributions"):
        read({**WALLET, "contributions": wrong})


def test_members_nobody_knows_are_named():
    row, _ = read({**WALLET, "vibe": 1})
    assert row["unknown_members"] == "analysis.vibe"


ANYTHING = st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.integers()) | st.just({"source": [RULE]})


@given(member=st.sampled_from(sorted(WALLET)), value=ANYTHING, whole=st.sampled_from([WALLET, TRANSACTION]))
def test_any_change_of_a_member_is_read_or_said_to_be_unreadable(member, value, whole):
    changed = {**whole, member: value}
    try:
        row, exposures = parse.analysis(changed)
    except Unreadable as problem:
        assert str(problem)
        return
    assert json.loads(row["answer_json"]) == changed
    pa.Table.from_pylist([row], schema=TABLES["analyses"])
    pa.Table.from_pylist(exposures, schema=TABLES["exposures"])
    keys = ("analysis_id", "screening_id", "element_code", "category", "entity_name")
    landed = [
        (":".join(exposure.get(name) or "" for name in keys), exposure.get("contribution_usd"))
        for exposure in exposures
    ]
    assert landed == count.exposures(changed), "the independent count disagrees with the parser"
    state = ("analysis_id", "screening_id", "process_status_code")
    assert count.analysis(changed) == ":".join(row[name] or "" for name in state)
