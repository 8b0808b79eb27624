"""Chainalysis KYT answers as records, on hand-written bodies and on the recorded exchanges."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ingestion.chainalysis import parse, users
from ingestion.chainalysis.parse import Unreadable

PENDING = (
    b'{"updatedAt":null,"asset":"BTC","assetId":null,"network":"BITCOIN","transferReference":"aa:bc1q","tx":null,'
    b'"idx":null,"usdAmount":null,"assetAmount":null,"timestamp":null,"outputAddress":null,"externalId":"e-1"}'
)
FINISHED = (
    b'{"updatedAt":"2026-01-02T00:30:00.000001","asset":"BTC","assetId":null,"network":"BITCOIN",'
    b'"transferReference":"aa:bc1q","tx":"aa","idx":2,"usdAmount":141.945,"assetAmount":0.100000000000000001,'
    b'"timestamp":"2026-01-01T23:59:59.000+00:00","outputAddress":"bc1q","externalId":"e-1"}'
)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2025-01-11T04:45:08.107532", datetime(2025, 1, 11, 4, 45, 8, 107532)),
        ("2025-01-11T05:21:02.350+00:00", datetime(2025, 1, 11, 5, 21, 2, 350000)),
        ("2025-01-11T04:11:37Z", datetime(2025, 1, 11, 4, 11, 37)),
        ("2025-01-11T04:11:37.123456789Z", datetime(2025, 1, 11, 4, 11, 37, 123456)),
        ("2025-01-11T01:00:00+02:00", datetime(2025, 1, 10, 23, 0)),
        ("2025-01-11T23:30:00-0130", datetime(2025, 1, 12, 1, 0)),
    ],
)
def test_the_vendors_timestamp_forms_are_one_utc_instant(text, moment):
    assert parse.timestamp(text) == moment


@pytest.mark.parametrize(
    "text",
    ["", "2025-01-11", "20250111T041137", "2025-13-01T00:00:00Z", "2025-01-11 04:11:37", 1736568668, "yesterday",
     "0001-01-01T00:00:00+23:00", "2025-01-11T04:11:37Z\n", "٢٠٢٥-01-11T04:11:37Z"],
)  # fmt: skip
def test_anything_else_is_no_timestamp(text):
    with pytest.raises(Unreadable, match="is not"):
        parse.timestamp(text)


@given(
    st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2100, 1, 1)),
    st.integers(min_value=-14 * 60, max_value=14 * 60),
)
def test_every_zone_gives_the_same_instant(moment, minutes):
    local = moment.replace(tzinfo=UTC).astimezone(timezone(timedelta(minutes=minutes)))
    assert parse.timestamp(local.isoformat()) == moment
    assert parse.timestamp(moment.isoformat()) == moment


@given(st.decimals(min_value=0, max_value=10**19, allow_nan=False, allow_infinity=False, places=18))
def test_quantities_keep_every_digit(number):
    body = f'{{"assetAmount":{number:f}}}'.encode()
    assert parse.quantity(parse.document(body)["assetAmount"], "assetAmount") == number


@given(st.integers(min_value=0, max_value=10**17), st.integers(min_value=0, max_value=999))
def test_dollars_round_half_up_to_the_cent(cents, thousandths):
    number = Decimal(cents).scaleb(-2) + Decimal(thousandths).scaleb(-5)
    expected = cents + (1 if thousandths >= 500 else 0)
    if expected < 10**18:
        assert parse.usd(number, "usdAmount") == Decimal(expected).scaleb(-2)


@pytest.mark.parametrize("text", ["1E-8", "1e-8", "0.00000001", "0.000000010"])
def test_exponents_are_read_exactly(text):
    assert parse.quantity(parse.document(text.encode()), "assetAmount") == Decimal("0.00000001")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("0.0000000000000000001", "more than 18 decimals"),
        ("1e20", "does not fit"),
        ("1e999999", "does not fit"),
        ('"12.5"', "is not a number"),
        ("true", "is not a number"),
        ("NaN", "is not a number"),
        ("-Infinity", "is not a number"),
    ],
)
def test_a_quantity_that_cannot_be_kept_exactly_is_unreadable(text, why):
    with pytest.raises(Unreadable, match=why):
        parse.quantity(parse.document(text.encode()), "assetAmount")


def test_a_summary_that_is_still_processing_has_only_what_was_registered():
    summary = parse.summary(PENDING)
    assert summary["external_id"] == "e-1"
    assert summary["answer_json"] == PENDING.decode()
    assert [summary[name] for name in ("updated_at", "tx", "idx", "usd_amount", "asset_amount")] == [None] * 5


def test_a_finished_summary_is_exact():
    summary = parse.summary(FINISHED)
    assert summary["updated_at"] == datetime(2026, 1, 2, 0, 30, 0, 1)
    assert summary["transfer_at"] == datetime(2026, 1, 1, 23, 59, 59)
    assert (summary["usd_amount"], summary["asset_amount"]) == (Decimal("141.95"), Decimal("0.100000000000000001"))


def test_members_the_vendor_added_are_named_and_kept():
    added: set[str] = set()
    summary = parse.summary(PENDING.replace(b'"assetId":null', b'"assetId":null,"riskScore":7.50'), added)
    parse.exposure(b'{"direct":{"name":"x","categoryId":3,"rootAddress":"y"}}', added)
    assert added == {"riskScore", "rootAddress"}
    assert '"riskScore":7.50' in summary["answer_json"]


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "not a JSON object"),
        (b"[]", "not a JSON object"),
        (b"<html></html>", "not JSON"),
        (b"\xff", "not UTF-8"),
        (b"[" * 100_000, "nested more than 64 levels"),
        (b"[" * 400 + b"]" * 400, "nested more than 64 levels"),
        (PENDING.replace(b'"externalId":"e-1"', b'"externalId":null'), "externalId is missing"),
        (FINISHED.replace(b'"idx":2', b'"idx":2.0'), "idx .* not a whole number"),
        (FINISHED.replace(b'"tx":"aa"', b'"tx":7'), "tx 7 is not text"),
    ],
)
def test_a_summary_that_breaks_the_contract_says_how(body, why):
    with pytest.raises(Unreadable, match=why):
        parse.summary(body)


def test_no_exposure_is_null_members():
    exposure = parse.exposure(b'{"direct":{"name":null,"categoryId":null}}')
    assert (exposure["direct_name"], exposure["direct_category_id"], exposure["direct_category"]) == (None, None, None)


def test_a_level_never_seen_before_is_kept_for_the_contract_check():
    body = b'{"alerts":[{"alertLevel":"CRITICAL","externalId":"a-1","alertAmount":9544.150,"exposureType":"DIRECT"}]}'
    (item,) = parse.alert_items(body)
    alert = parse.alert(item)
    assert (alert["alert_level_code"], alert["alert_amount_usd"]) == ("CRITICAL", Decimal("9544.15"))
    assert '"alertAmount":9544.150' in alert["answer_json"]


def test_the_list_of_alerts_says_how_many_there_are():
    assert parse.listing(b'{"limit":100,"offset":0,"total":3,"data":[{"alertIdentifier":"a"}]}') == (
        3,
        [{"alertIdentifier": "a"}],
    )
    with pytest.raises(Unreadable, match="no total"):
        parse.listing(b'{"data":[]}')


USER = "/v1/users/e38a7c51-0168-46e8-899e-6ae70acade5c"
ATTEMPT, TRANSFER = "f226edb0-675e-3072-9392-6082033979b4", "9a78cde9-890c-3563-8f24-2b99fcb96409"
REFERENCES = {
    TRANSFER: "4a7fd1dbb44bb37e80fcaab177fda3d432c1f383f9483abc8d597a0a1b47cb91:"
    "bc1qwa8qddnn8g98kgqjhkh5gpcad8n2y87d6gzh6p",
    "2f9a62a4-1561-3f14-8f70-27a3cb4e0fa4": "523c98527ec41c42979e02b9c034f7a92428b658230151cedcaacde7fd8e3800:"
    "1QJUiNsNfji6mR1FjAwf6Eg9NxxHPoxpWL",
}


def registered(external_id: str) -> dict:
    nothing = ("tx", "idx", "usd_amount", "asset_amount", "transfer_at", "output_address", "updated_at")
    own = {"external_id": external_id, "network": "BITCOIN", "transfer_reference": REFERENCES[external_id]}
    return own | dict.fromkeys(nothing)


SUMMARISED = registered(TRANSFER) | {
    "tx": REFERENCES[TRANSFER].partition(":")[0],
    "idx": 0,
    "usd_amount": Decimal("141.94"),
    "asset_amount": Decimal("0.00150795"),
    "transfer_at": datetime(2025, 1, 11, 4, 11, 37),
    "output_address": REFERENCES[TRANSFER].partition(":")[2],
    "updated_at": datetime(2025, 1, 11, 4, 45, 8, 107532),
}
ATTEMPTED = {
    "external_id": ATTEMPT,
    "network": "BITCOIN",
    "address": "1QJUiNsNfji6mR1FjAwf6Eg9NxxHPoxpWL",
    "attempt_identifier": "cfbe93a6-0fd7-4c59-aa9b-65bc1ab34586",
    "asset_amount": Decimal("0.10312309"),
    "usd_amount": Decimal("9544.15"),
    "updated_at": datetime(2025, 1, 11, 5, 21, 2, 350000),
}
ALERTED = {
    "alert_external_id": "d95e9c02-cfdb-11ef-909d-7f91d13dea84",
    "alert_level_code": "SEVERE",
    "service": "SANCTIONED ENTITY: OFAC SDN Secondeye Solution 2021-04-15 1QJUiNsNfji6mR1FjAwf6Eg9NxxHPoxpWL",
    "alert_amount_usd": Decimal("9544.15"),
    "exposure_type_code": "DIRECT",
    "category_id": 3,
}


def exposed(name: str | None, category_id: int | None) -> dict:
    return {"direct_name": name, "direct_category_id": category_id, "direct_category": None}


def recorded(folder: Path) -> list[tuple[str, str, bytes]]:
    """(method, path below the KYT base, answer's body) of every recorded exchange."""
    return [
        (
            one["request"]["method"].upper(),
            one["request"]["uri"].partition("/api/kyt")[2].partition("?")[0].rstrip("/"),
            one["response"]["body"]["string"].encode(),
        )
        for path in sorted(folder.rglob("*.yml"))
        for one in yaml.safe_load(path.read_text(encoding="utf-8"))["http_interactions"]
    ]


def each(read: Callable[[object, set[str]], dict]) -> Callable:
    """A reader of an answer that is a v1 list, or a bare list, of what `read` reads."""

    def reader(body: bytes, added: set[str]) -> list[dict]:
        said = parse.document(body)
        return [read(one, added) for one in (said if isinstance(said, list) else parse.listing(body)[1])]

    return reader


def nothing(body: bytes, _: set[str]) -> None:
    """The vendor acknowledges with an empty body: there is nothing in it that could be lost."""
    assert parse.document(body) is None


def listed(reference: str, **said: object) -> dict:
    nothing_said = dict.fromkeys(("asset_amount", "amount_usd", "rating_code", "cluster_name", "category_id"))
    return {"transfer_reference": reference, "asset_code": "BTC", "transfer_at": None} | nothing_said | said


def address(asset: str, text: str, rating: str | None = None) -> dict:
    own = {"asset_code": asset, "address": text, "rating_code": rating}
    return own | {"cluster_name": None, "category_id": None}


def exposed_user(name: str, category: int | None, *usd: str) -> dict:
    columns = ("sent_direct_usd", "sent_indirect_usd", "received_direct_usd", "received_indirect_usd")
    return {"cluster_name": name, "category_id": category, **dict(zip(columns, map(Decimal, usd), strict=True))}


DEPOSITED = "0x9AC2B9cF6D5a7f60dFa7f2876a5c581A03e4927E"
WITHDRAWN = "bc1qntafv42kpwug7wfjmzzffxysqm5rqfswduheg6"
RECEIVED_LATER = "0477742d7bf8ace7d320c4b98fb6a0c3223789bb39526fd52b5dbecb9a707045:1C3vdffe4hvdMVyVkJRs63Ur577w4XDWNv"
SENT_LATER = (
    "f43ef1fc4bf50060c0639fe0ae905f69fae5a2b090614b45e353ec7ae042a73d:bc1q9vsudlnammanvycge5k5j7qm7e3l2aej97t09e"
)
SCORED = {
    "user_id": "e38a7c51-0168-46e8-899e-6ae70acade5c",
    "score_code": "red",
    "risk_score_code": "SEVERE",
    "score_updated_at": datetime(2025, 1, 11, 9, 46, 39, 749204),
    "last_activity_at": datetime(2025, 1, 11, 9, 27, 24),
}


def test_every_recorded_exchange_is_read_without_a_reject(shared_data):
    """All 26. Four answers are empty, which is said of each by its reader."""
    added: set[str] = set()
    exchanges = recorded(shared_data / "kyt/chainalysis")
    (about_user,) = (parse.document(body) for method, path, body in exchanges if (method, path) == ("GET", USER))

    def user(row: object, added: set[str]) -> dict:
        return users._user(row, about_user, parse.text(about_user).encode(), added)

    readers = {
        ("POST", "/v2/users/e38a7c51-0168-46e8-899e-6ae70acade5c/transfers"): parse.summary,
        ("GET", f"/v2/transfers/{TRANSFER}"): parse.summary,
        ("GET", f"/v2/transfers/{TRANSFER}/exposures"): parse.exposure,
        ("GET", f"/v2/transfers/{TRANSFER}/alerts"): lambda body, added: parse.alert_items(body),
        ("GET", f"/v2/transfers/{TRANSFER}/network-identifications"): parse.networks,
        ("POST", "/v2/users/e38a7c51-0168-46e8-899e-6ae70acade5c/withdrawal-attempts"): parse.attempt,
        ("GET", f"/v2/withdrawal-attempts/{ATTEMPT}"): parse.attempt,
        ("GET", f"/v2/withdrawal-attempts/{ATTEMPT}/exposures"): parse.exposure,
        ("GET", f"/v2/withdrawal-attempts/{ATTEMPT}/alerts"): lambda body, added: [
            parse.alert(item, added) for item in parse.alert_items(body)
        ],
        ("GET", f"/v2/withdrawal-attempts/{ATTEMPT}/high-risk-addresses"): lambda body, _: parse.high_risk_addresses(
            body
        ),
        ("GET", f"/v2/withdrawal-attempts/{ATTEMPT}/network-identifications"): parse.networks,
        ("GET", "/v2/categories"): lambda body, added: parse.categories(body),
        ("GET", "/v1/alerts"): lambda body, added: parse.listing(body),
        ("GET", "/v1/users"): each(user),
        ("GET", USER): lambda body, added: [
            users._exposure(one, added) for one in users._exposures(parse.document(body))
        ],
        ("GET", f"{USER}/transfers/received"): each(users.listed_transfer),
        ("GET", f"{USER}/transfers/sent"): each(users.listed_transfer),
        ("POST", f"{USER}/transfers/received"): each(users.listed_transfer),
        ("POST", f"{USER}/transfers/sent"): nothing,
        ("GET", f"{USER}/depositaddresses"): each(users.registered_address),
        ("GET", f"{USER}/withdrawaladdresses"): each(users.registered_address),
        ("POST", f"{USER}/depositaddresses"): nothing,
        ("POST", f"{USER}/withdrawaladdresses"): each(users.registered_address),
        ("DELETE", f"{USER}/depositaddresses/ETH/{DEPOSITED}"): nothing,
        ("DELETE", f"{USER}/withdrawaladdresses/BTC/{WITHDRAWN}"): nothing,
    }
    rows = {}
    for method, path, body in exchanges:
        row = readers[method, path](body, added)
        if isinstance(row, dict):
            assert parse.document(row.pop("answer_json").encode()) == parse.document(body)
        for item in row if isinstance(row, list) else ():
            assert parse.document(item.pop("answer_json", "{}").encode()) is not None
            item.pop("listed_json", None)
        rows.setdefault((method, path), []).append(row)
    assert (sum(map(len, rows.values())), rows.keys()) == (26, readers.keys())
    assert added == set()
    (categories,) = rows.pop(("GET", "/v2/categories"))
    assert len(categories) == 42 and categories[:4] == [
        {"category_id": None, "category_name": ""},
        {"category_id": 1, "category_name": "child abuse material"},
        {"category_id": 2, "category_name": "darknet market"},
        {"category_id": 3, "category_name": "sanctioned entity"},
    ]
    bittrex = {"cluster_name": "Bittrex.com", "category_id": 21}
    nobody = {"organisation_count": 0, "organisation_names": "[]"}
    assert rows == {
        ("POST", "/v2/users/e38a7c51-0168-46e8-899e-6ae70acade5c/transfers"): [*map(registered, REFERENCES)],
        ("GET", f"/v2/transfers/{TRANSFER}"): [SUMMARISED],
        ("GET", f"/v2/transfers/{TRANSFER}/exposures"): [exposed(None, None)],
        ("GET", f"/v2/transfers/{TRANSFER}/alerts"): [[]],
        ("GET", f"/v2/transfers/{TRANSFER}/network-identifications"): [nobody],
        ("POST", "/v2/users/e38a7c51-0168-46e8-899e-6ae70acade5c/withdrawal-attempts"): [ATTEMPTED],
        ("GET", f"/v2/withdrawal-attempts/{ATTEMPT}"): [ATTEMPTED],
        ("GET", f"/v2/withdrawal-attempts/{ATTEMPT}/exposures"): [exposed("Bittrex.com", 21)],
        ("GET", f"/v2/withdrawal-attempts/{ATTEMPT}/alerts"): [[ALERTED]],
        ("GET", f"/v2/withdrawal-attempts/{ATTEMPT}/high-risk-addresses"): [1],
        ("GET", f"/v2/withdrawal-attempts/{ATTEMPT}/network-identifications"): [nobody],
        ("GET", "/v1/alerts"): [(0, [])],
        ("GET", "/v1/users"): [[SCORED | {"created_at": None}]],
        ("GET", USER): [
            [
                exposed_user("BTCMarkets.net", 21, "0", "0", "0", "177.65"),
                exposed_user("Bittrex.com", 21, "111.4", "111.4", "0", "0"),
                exposed_user("unnamed service", None, "0", "1151.32", "0", "141.94"),
            ]
        ],
        ("GET", f"{USER}/transfers/received"): [
            [
                listed(
                    REFERENCES[TRANSFER],
                    asset_amount=Decimal("0.00150795"),
                    amount_usd=Decimal("141.94"),
                    rating_code="unknown",
                    transfer_at=datetime(2025, 1, 11, 4, 11, 37),
                ),
                listed(
                    RECEIVED_LATER,
                    asset_amount=Decimal("0.00187577"),
                    amount_usd=Decimal("177.65"),
                    rating_code="unknown",
                    transfer_at=datetime(2025, 1, 11, 9, 27, 24),
                ),
            ]
        ],
        ("GET", f"{USER}/transfers/sent"): [
            [
                listed(
                    REFERENCES["2f9a62a4-1561-3f14-8f70-27a3cb4e0fa4"],
                    asset_amount=Decimal("0.00223976"),
                    amount_usd=Decimal("111.40"),
                    transfer_at=datetime(2021, 2, 25, 12, 32, 14),
                    **bittrex,
                ),
                listed(
                    SENT_LATER,
                    asset_amount=Decimal("0.01215625"),
                    amount_usd=Decimal("1151.32"),
                    transfer_at=datetime(2025, 1, 11, 9, 27, 24),
                ),
            ]
        ],
        ("POST", f"{USER}/transfers/received"): [[listed(RECEIVED_LATER, rating_code="unknown")]],
        ("POST", f"{USER}/transfers/sent"): [None],
        ("GET", f"{USER}/depositaddresses"): [[address("ETH", DEPOSITED)]],
        ("GET", f"{USER}/withdrawaladdresses"): [[address("BTC", WITHDRAWN, "unknown")]],
        ("POST", f"{USER}/depositaddresses"): [None],
        ("POST", f"{USER}/withdrawaladdresses"): [[address("BTC", WITHDRAWN, "unknown")]],
        ("DELETE", f"{USER}/depositaddresses/ETH/{DEPOSITED}"): [None],
        ("DELETE", f"{USER}/withdrawaladdresses/BTC/{WITHDRAWN}"): [None],
    }
