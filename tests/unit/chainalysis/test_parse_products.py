"""Withdrawal attempts, the alerts list and address answers as records: exact, or Unreadable with a sentence."""

import json
from datetime import datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.chainalysis import addresses, parse, users
from ingestion.chainalysis.parse import Unreadable

ATTEMPT = {
    "asset": "BTC",
    "assetId": None,
    "network": "BITCOIN",
    "address": "bc1q",
    "attemptIdentifier": "w-1",
    "assetAmount": 0.5,
    "usdAmount": 10.005,
    "updatedAt": "2026-01-02T01:00:00.350+01:00",
    "externalId": "e-1",
}
LISTED = dict.fromkeys(parse.LISTED) | {"alertIdentifier": "a-1", "createdAt": "2026-01-02T00:00:00Z"}

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.decimals(allow_nan=False, allow_infinity=False)
    | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=8,
)


def test_an_attempt_is_read_exactly_and_in_utc():
    added = set()
    row = parse.attempt(json.dumps(ATTEMPT | {"new": 1}).encode(), added)
    assert row["updated_at"] == datetime(2026, 1, 2, 0, 0, 0, 350_000)
    assert (row["asset_amount"], row["usd_amount"]) == (Decimal("0.5"), Decimal("10.01"))
    assert added == {"new"}


@given(st.sampled_from(sorted(ATTEMPT)), JSON)
def test_an_attempt_with_any_member_changed_is_read_or_unreadable(name, value):
    try:
        row = parse.attempt(parse.text(ATTEMPT | {name: value}).encode())
    except Unreadable as problem:
        assert str(problem)
    else:
        assert row["external_id"] and row["address"] and row["attempt_identifier"]


@given(st.sampled_from(sorted(parse.LISTED)), JSON)
def test_a_listed_alert_with_any_member_changed_is_read_or_unreadable(name, value):
    try:
        row = parse.alert_state(LISTED | {name: value})
    except Unreadable as problem:
        assert str(problem)
    else:
        assert parse.document(row["answer_json"].encode()) == parse.document(
            parse.text(LISTED | {name: value}).encode()
        )


@given(JSON)
def test_any_address_answer_is_read_or_unreadable(answer):
    for product in (addresses.RISK, addresses.SANCTIONS):
        for body in (answer, {name: answer for name in product.known}, {name: [answer] for name in product.lists}):
            try:
                row = addresses._screening(body, product, set())
                members = [addresses._member(name, one) for name in product.lists for one in body.get(name, [])]
            except Unreadable as problem:
                assert str(problem)
            else:
                assert row["identification_count"] <= len(members)


@given(st.lists(JSON, max_size=6), st.randoms())
def test_a_list_is_the_same_however_it_is_repeated_and_shuffled(members, chance):
    again = members + members[:2]
    chance.shuffle(again)
    assert [parse.text(one) for one in parse.distinct(again)] == [parse.text(one) for one in parse.distinct(members)]


def test_high_risk_addresses_need_both_lists():
    assert parse.high_risk_addresses(b'{"customAddresses":[{}],"chainalysisIdentifications":[{"categoryId":3}]}') == 2
    with pytest.raises(Unreadable, match="one of their two lists"):
        parse.high_risk_addresses(b'{"customAddresses":[]}')


USER = dict.fromkeys(users.LISTED) | {"userId": "u1", "lastActivity": "2026-01-02T00:00:00Z"}
CLUSTER = {"name": "Somebody", "categoryId": 21}
RECORDS = {
    users._exposure: dict.fromkeys(users.EXPOSURE, 1) | {"cluster": CLUSTER},
    users.listed_transfer: {"cluster": CLUSTER, "amount": 1, "asset": "BTC", "transferReference": "aa:bc1q"},
    users.registered_address: {"cluster": None, "asset": "BTC", "address": "bc1q", "rating": "unknown"},
    lambda row, added: users._user(row, {"creationDate": None}, b"{}", added): USER,
}


@given(st.sampled_from([(read, name) for read, whole in RECORDS.items() for name in whole]), JSON)
def test_what_is_said_of_a_user_is_read_or_unreadable_whatever_a_member_holds(which, value):
    read, name = which
    said = RECORDS[read] | {name: value}
    try:
        row = read(said, set())
    except Unreadable as problem:
        assert str(problem)
    else:
        assert parse.document(row.get("listed_json", row["answer_json"]).encode()) == parse.document(
            parse.text(said).encode()
        )


@given(JSON)
def test_network_identifications_are_read_or_unreadable(value):
    for said in (
        value,
        {"count": value, "networkIdentificationOrgs": []},
        {"count": 1, "networkIdentificationOrgs": [value]},
    ):
        try:
            row = parse.networks(parse.text(said).encode())
        except Unreadable as problem:
            assert str(problem)
        else:
            assert row["organisation_count"] == len(json.loads(row["organisation_names"]))


def test_organisations_are_named_in_order_and_as_many_as_are_said():
    body = b'{"count":2,"networkIdentificationOrgs":[{"name":"B","since":1},{"name":"A"}]}'
    added = set()
    assert parse.networks(body, added)["organisation_names"] == '["A","B"]' and added == {"since"}
    with pytest.raises(Unreadable, match="say 3 and name 2"):
        parse.networks(body.replace(b'"count":2', b'"count":3'))
