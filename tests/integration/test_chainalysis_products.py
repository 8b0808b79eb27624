"""Chainalysis beyond transfers: the alerts list from its cursors, withdrawal attempts, addresses, faults and drift."""

import dataclasses
import json
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
import record_hashes
import vendor_world
from aiohttp import web

from ingestion import arrivals, pipeline, replay
from ingestion.chainalysis import chainalysis_source, users
from ingestion.chainalysis.schemas import KYT_TABLES, TABLES, USER_TABLES
from ingestion.vendor import VendorError, VendorUnavailable
from sandbox import vendor
from sandbox.vendor import Faults, sample
from sandbox.vendor.faults import ADDED, CONTROL_PATH
from sandbox.vendor.risk import RISK_PATH, SANCTIONS_KEY, SANCTIONS_PATH

COUNT = 420
"""Enough for two pages of alerts."""
ROWS = sample.transfers(COUNT)
PAID = [row for row in ROWS if row["direction"] == "sent"]
ALERTS = [alert for row in ROWS for alert in json.loads(row["alerts"])]


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("world")
    sample.write(folder, COUNT)
    return folder


class Watched(vendor.Vendor):
    """The sandbox vendors, noting what was asked and answered; `script(method, path)` may answer instead."""

    def __init__(self, world: Path, **options) -> None:
        super().__init__(world, **options)
        self.seen: list[tuple[str, str]] = []
        self.script: Callable[[str, str], web.Response | None] = lambda method, path: None

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        self.seen.append((request.method, request.raw_path))
        return self.script(request.method, request.raw_path) or await super().__call__(request)


@pytest.fixture
def ledger(home) -> None:
    """A ledger with the sample's movements; every tenth payment was delivered as pending first, and one still is."""
    rows = [_movement(row, "completed", 1) for row in ROWS]
    rows += [_movement(row, "pending", 0) for row in PAID[::10]]
    rows.append(_movement(PAID[0], "pending", 0) | {"id": "still", "tx_hash": None})
    vendor_world.write_ledger(rows)


def _movement(row: dict, status: str, day: int) -> dict:
    kind, number = row["ledger_transfer_id"].split(":")[1:]
    return {
        "kind": kind,
        "id": number,
        "account_id": row["user_id"],
        "rail_code": "crypto",
        "asset_code": row["asset"],
        "amount": row["asset_amount"],
        "chain_code": "bitcoin",
        "from_address": "bc1qwhoever",
        "to_address": row["output_address"],
        "tx_hash": row["tx"] if status == "completed" else None,
        "status_code": status,
        "event_at": row["timestamp"] + timedelta(seconds=30),
        "_known_at": datetime(2026, 2, 1 + day),
        "_extract_id": "x",
        "_record_no": 1,
        "_dlt_load_id": "done",
    }


def settings(url: str, handler: vendor.Vendor, *, addresses: bool) -> dict:
    given = {"api_url": url + vendor.KYT_PATH, "api_key": handler.token, "poll_seconds": 0.4}
    if addresses:
        given |= {"risk_url": url + RISK_PATH, "sanctions_url": url, "sanctions_api_key": SANCTIONS_KEY}
    return given


def load(handler: vendor.Vendor, *, addresses: bool = False, **options):
    with vendor.in_thread(handler) as url, pipeline.warehouse():  # open, as in a run
        source = chainalysis_source(**settings(url, handler, addresses=addresses) | options)
        return pipeline.run(source, "chainalysis"), source


def query(sql: str) -> list[tuple]:
    with pipeline.warehouse() as connection:
        return connection.execute(sql).fetchall()


def contents() -> dict[str, list[tuple]]:
    whole = "select * exclude (_dlt_load_id) from raw_chainalysis.{} order by all"
    return {name: query(whole.format(name)) for name in (*TABLES, "control_totals", "rejects")}


def unexplained() -> list[tuple]:
    """Extracts and tables whose stated rows are not what landed or was rejected."""
    found = query("select table_name, extract_id, -sum(source_rows) from raw_chainalysis.control_totals group by all")
    found += query("select table_name, extract_id, count(*) from raw_chainalysis.rejects group by all")
    for name in TABLES:
        found += query(f"select '{name}', _extract_id, count(*) from raw_chainalysis.{name} group by all")  # noqa: S608
    left = Counter()
    for table, extract_id, rows in found:
        left[table, extract_id] += rows
    return [(what, rows) for what, rows in left.items() if rows]


every_hash_agrees = record_hashes.agree_after_each_test("chainalysis")


def test_a_status_change_adds_a_state_and_little_is_read_again(world, ledger):
    handler = Watched(world)
    load(handler)
    assert query("select count(*), count(distinct alert_id) from raw_chainalysis.alert_states") == [
        (len(ALERTS), len(ALERTS))
    ]
    first, last = ALERTS[0]["externalId"], ALERTS[-1]["externalId"]
    handler.registry.review(first, "In Review", datetime(2026, 1, 20, 9), "somebody")
    handler.registry.review(last, "Dismissed", datetime(2026, 1, 20, 10), "somebody")
    handler.seen.clear()
    load(handler)
    states = query("select alert_id, alert_status_code, _known_at from raw_chainalysis.alert_states order by 3")
    assert [status for alert, status, _ in states if alert == first] == ["Unreviewed", "In Review"]
    assert (first, "In Review", datetime(2026, 1, 20, 9)) in states
    assert query("select count(*) from raw_chainalysis.alert_states") == [(len(ALERTS) + 2,)]
    assert query("select count(*) from raw_chainalysis.alerts") == [(len(ALERTS),)]
    lists = [path for _, path in handler.seen if "/v1/alerts/" in path]
    assert all("createdAt_gte" in path or "alertStatusCreatedAt_gte" in path for path in lists)
    assert unexplained() == []
    assert not load(handler)[0].loads_ids


def test_rows_that_come_in_between_two_pages_are_neither_lost_nor_doubled(world, ledger):
    handler = Watched(world, faults=Faults.parse(["inserts"]))
    load(handler)
    assert handler.faults.done["inserts"] > 0
    assert query("select count(*), count(distinct alert_id) from raw_chainalysis.alert_states") == [
        (len(ALERTS), len(ALERTS))
    ]
    assert unexplained() == []


def test_pending_withdrawals_land_with_everything_the_vendor_says(world, ledger):
    handler = Watched(world)
    load(handler)
    found = query(
        "select ledger_transfer_id, address, direct_category_id, alert_count, high_risk_address_count, _known_at, "
        "alerts_json from raw_chainalysis.withdrawal_attempts order by all"
    )
    expected = {row["ledger_transfer_id"]: row for row in PAID[::10]} | {"exchange:withdrawal:still": PAID[0]}
    assert [row[0] for row in found] == sorted(expected)
    for ledger_id, address, category, alerts, risky, known_at, alerts_json in found:
        row = expected[ledger_id]
        raised = json.loads(row["alerts"])
        assert (address, category, alerts, risky) == (
            row["output_address"], row["direct_category_id"], len(raised), 1 if raised else 0
        )  # fmt: skip
        assert known_at == row["timestamp"] + timedelta(seconds=92)
        assert len(json.loads(alerts_json)["alerts"]) == len(raised)
    assert any(row[2] == 3 for row in found)
    assert unexplained() == []
    assert not load(handler)[0].loads_ids


def test_a_refused_withdrawal_attempt_is_a_reject_and_is_not_asked_again(world, ledger):
    handler = Watched(world)
    handler.script = lambda method, path: (
        web.json_response({"message": "address is not valid"}, status=400) if "withdrawal-attempts" in path else None
    )
    load(handler)
    assert query("select table_name, reason_code, count(*) from raw_chainalysis.rejects group by all") == [
        ("withdrawal_attempts", "refused_by_vendor", len(PAID[::10]) + 1)
    ]
    assert unexplained() == []
    handler.seen.clear()
    assert not load(handler)[0].loads_ids
    assert not [path for _, path in handler.seen if "withdrawal-attempts" in path]


def test_counterparty_addresses_are_screened_once_by_both_products(world, ledger):
    handler = Watched(world)
    load(handler, addresses=True)
    addresses = {row["output_address"] for row in PAID} | {"bc1qwhoever"}
    assert query("select product_code, count(*) from raw_chainalysis.address_screenings group by all order by all") == [
        ("risk", len(addresses)), ("sanctions", len(addresses))
    ]  # fmt: skip
    sanctioned = {row["output_address"] for row in PAID if row["direct_category_id"] == 3}
    severe = "select address from raw_chainalysis.address_screenings where risk_code = 'Severe'"
    named = (
        "select address from raw_chainalysis.address_exposures where category = 'sanctions' "
        "and product_code = 'sanctions' and member_code = 'identifications'"
    )
    for found in (severe, named):
        assert {address for (address,) in query(found)} == sanctioned
    assert query(
        "select distinct category, value_usd, exposure_type_code, direction_code "
        "from raw_chainalysis.address_exposures where member_code = 'exposures' and category = 'sanctioned entity'"
    ) == [("sanctioned entity", 1234.5, "direct", "incoming")]
    newest = max(row["updated_at"] for row in PAID if row["updated_at"]).replace(microsecond=0)
    known = datetime(2026, 2, 2)  # the ledger's newest row, which is later than the sandbox's own clock
    assert query("select distinct _known_at from raw_chainalysis.address_screenings") == [(max(newest, known),)]
    assert record_hashes.differing_amounts("chainalysis") == []
    assert unexplained() == []
    handler.seen.clear()
    assert not load(handler, addresses=True)[0].loads_ids
    assert not [path for _, path in handler.seen if RISK_PATH in path or SANCTIONS_PATH in path]


def test_network_identifications_land_where_the_vendor_has_them(world, ledger):
    """Of assets that it follows in full it refuses to name any: nothing is rejected, nothing is counted."""
    handler, paid = Watched(world), PAID[::10]
    unnamed = next(row for row in ROWS if row["updated_at"])
    handler.script = lambda method, path: (
        web.json_response({"message": "asset is fully supported"}, status=400)
        if path.endswith(f"/v2/transfers/{unnamed['external_id']}/network-identifications")
        else None
    )
    load(handler, network_identifications=True)
    finished = [row for row in ROWS if row["updated_at"] and row is not unnamed]
    named = {(row["external_id"], 1, '["Sample Exchange"]') for row in finished if row["direct_category_id"] == 21}
    found = query(
        "select external_id, organisation_count, organisation_names from raw_chainalysis.network_identifications"
    )
    assert named and named < set(found) and len(found) == len(finished)
    assert record_hashes.differing_amounts("chainalysis") == []
    assert {names for external_id, _, names in found if external_id not in {one for one, *_ in named}} == {"[]"}
    counts = query("select count(network_organisation_count), sum(network_organisation_count) from "
                   "raw_chainalysis.withdrawal_attempts")  # fmt: skip
    assert counts == [(len(paid) + 1, sum(row["direct_category_id"] == 21 for row in [*paid, PAID[0]]))]
    assert unexplained() == [] and query("from raw_chainalysis.rejects") == []


def test_what_the_vendor_says_by_user_lands_and_again_when_his_score_changes(world, ledger):
    handler = Watched(world)
    load(handler, user_lists=True)
    users = {row["user_id"] for row in ROWS}
    finished = [row for row in ROWS if row["updated_at"]]
    assert query("select count(*), count(distinct user_id) from raw_chainalysis.users") == [(len(users),) * 2]
    assert query("select count(*), sum(amount_usd) from raw_chainalysis.listed_transfers") == [
        (len(finished), sum(row["usd_amount"] for row in finished))
    ]
    exposed = "select sum(sent_indirect_usd + received_indirect_usd) from raw_chainalysis.user_exposures"
    assert query(exposed) == [(sum(row["usd_amount"] for row in finished),)]
    assert unexplained() == [] and record_hashes.uncounted("chainalysis") == []
    assert record_hashes.differing_amounts("chainalysis") == []
    handler.seen.clear()
    assert not load(handler, user_lists=True)[0].loads_ids
    assert {path for _, path in handler.seen if "/v1/users/" in path} == {vendor.KYT_PATH + "/v1/users/"}

    user = sorted(users)[0]
    handler.mounted(vendor.KYT_PATH).users.register(
        user, "withdrawaladdresses", json.dumps([{"asset": "BTC", "address": "bc1qnew"}]).encode()
    )
    row = next(row for row in finished if row["user_id"] == user)
    later = {"seen_at": datetime(2026, 3, 1)}
    registered = handler.registry.transfers[row["external_id"]]
    registered.transfer = dataclasses.replace(registered.transfer, **later)
    handler.seen.clear()
    load(handler, user_lists=True)
    assert {path for _, path in handler.seen if path.startswith(f"{vendor.KYT_PATH}/v1/users/A")} == {
        f"{vendor.KYT_PATH}/v1/users/{user}{of}"
        for of in ("", "/transfers/received", "/transfers/sent", "/depositaddresses", "/withdrawaladdresses")
    }
    assert query("select user_id, count(*) from raw_chainalysis.users group by all having count(*) > 1") == [(user, 2)]
    assert query("select count(*) from raw_chainalysis.listed_transfers") == [(len(finished) + 1,)], "what changed"
    assert query("select kind_code, address, rating_code from raw_chainalysis.registered_addresses") == [
        ("withdrawal", "bc1qnew", "unknown")
    ]
    assert unexplained() == [] and record_hashes.uncounted("chainalysis") == []


def test_a_user_of_whom_something_cannot_be_read_is_a_reject_until_a_replay(world, ledger):
    """One user is refused, and of another one an exposure has no amounts; both are asked about again by a replay."""
    handler, (refused, odd) = Watched(world), sorted({row["user_id"] for row in ROWS})[:2]
    base = f"{vendor.KYT_PATH}/v1/users/"
    exposed = {"cluster": {"name": "Somebody", "categoryId": 21}}
    answers = {base + refused: ({"message": "no such user"}, 404)}
    answers[base + odd] = ({"userId": odd, "creationDate": None, "exposureDetails": [exposed]}, 200)
    handler.script = lambda method, path: (
        web.json_response(answers[path][0], status=answers[path][1]) if path in answers else None
    )
    load(handler, user_lists=True)
    reasons = "select table_name, reason_code, raw_record ->> '$.userId' from raw_chainalysis.rejects order by all"
    assert query(reasons) == [
        ("user_exposures", "unreadable_answer", odd), ("users", "refused_by_vendor", refused)
    ]  # fmt: skip
    assert unexplained() == []
    assert not load(handler, user_lists=True)[0].loads_ids
    complete = dict.fromkeys(users.EXPOSURE - {"cluster"}, 1)
    answers[base + odd][0]["exposureDetails"] = [exposed | complete]
    del answers[base + refused]
    with vendor.in_thread(handler) as url:
        given = settings(url, handler, addresses=False) | {"user_lists": True}
        outcome = replay.replay("chainalysis", make=lambda: chainalysis_source(**given))
    assert outcome.still_rejected == 0 and outcome.brought_in["users"] == 1
    assert query(f"select count(*) from raw_chainalysis.users where user_id = '{refused}'") == [(1,)]  # noqa: S608
    closed = "select count(distinct reject_id), count(replayed_at) from raw_chainalysis.rejects"
    assert query(closed) == [(2, 2)]


def deliver(known_at: datetime, *rows: dict) -> None:
    with pipeline.warehouse() as connection:
        connection.register("given", pa.Table.from_pylist([row | {"_known_at": known_at} for row in rows]))
        connection.execute(
            "insert into raw_exchange.withdrawals by name select id as withdrawal_id, * exclude (kind, id) from given"
        ).fetchall()


def test_an_address_is_asked_about_again_after_a_movement_and_when_its_answer_is_old(world, ledger):
    """It was clean when it was asked about first, and is named since."""
    handler, clean = Watched(world), []
    named = next(row for row in PAID if row["direct_category_id"] == 3)
    path, nothing = f"{SANCTIONS_PATH}/{named['output_address']}", {"identifications": []}
    headers = {"Date": "Tue, 06 Jan 2026 00:00:00 GMT"}
    handler.script = lambda method, asked: web.json_response(nothing, headers=headers) if asked in clean else None
    clean.append(path)
    load(handler, addresses=True)
    clean.clear()
    unmoved = _movement(PAID[1], "completed", 1) | {"id": "later", "to_address": "bc1qelsewhere", "tx_hash": "ab"}
    deliver(datetime(2026, 2, 6), _movement(named, "completed", 1) | {"id": "again", "tx_hash": "aa"})
    handler.seen.clear()
    load(handler, addresses=True)
    asked = {place for _, place in handler.seen if place.startswith((RISK_PATH, SANCTIONS_PATH))}
    assert asked == {path, f"{RISK_PATH}/v2/entities/{named['output_address']}"}, "only what moved"
    history = query(
        "select identification_count, ledger_known_at, _known_at from raw_chainalysis.address_screenings "  # noqa: S608 (the world's own)
        f"where product_code = 'sanctions' and address = '{named['output_address']}' order by _known_at"
    )
    assert [(count, known.day) for count, known, _ in history] == [(0, 2), (1, 6)]
    assert history[1][2] == datetime(2026, 2, 6)
    assert unexplained() == []
    handler.seen.clear()
    assert not load(handler, addresses=True)[0].loads_ids

    deliver(datetime(2026, 2, 9), unmoved)
    handler.seen.clear()
    load(handler, addresses=True)
    asked = {place for _, place in handler.seen if place.startswith(SANCTIONS_PATH)}
    assert path not in asked and len(asked) == len({row["output_address"] for row in PAID} | {"ours", "new"}) - 1
    assert unexplained() == []


def test_an_address_that_was_refused_and_is_answered_later_closes_its_reject(world, ledger):
    handler, row = Watched(world), PAID[3]
    path = f"{SANCTIONS_PATH}/{row['output_address']}"
    refusal, headers = {"message": "no"}, {"Date": "Tue, 06 Jan 2026 00:00:00 GMT"}
    handler.script = lambda method, asked: (
        web.json_response(refusal, status=400, headers=headers) if asked == path else None
    )
    load(handler, addresses=True)
    assert arrivals.close_arrived("chainalysis") == 0
    handler.script = lambda method, asked: None
    deliver(datetime(2026, 2, 6), _movement(row, "completed", 1) | {"id": "again", "tx_hash": "aa"})
    load(handler, addresses=True)
    assert arrivals.close_arrived("chainalysis") == 1
    assert query("select closed_as_code from raw_chainalysis.rejects order by 1 nulls first") == [(None,), ("arrived",)]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda answer: answer.pop("risk"), "risk is missing from the answer"),
        (lambda answer: answer.update(exposure=answer.pop("exposures")), "exposures is missing"),
        (lambda answer: answer.update(risk=["Severe"]), "risk_code .* is not text"),
    ],
    ids=["removed", "renamed", "retyped"],
)
def test_a_field_of_address_screening_that_is_gone_stops_the_feed(world, ledger, monkeypatch, change, says):
    handler = Watched(world)
    whole = handler.mounted(RISK_PATH).__self__._entity

    def changed(address: str) -> dict:
        answer = whole(address)
        change(answer)
        return answer

    monkeypatch.setattr(handler.mounted(RISK_PATH).__self__, "_entity", changed)
    with pytest.raises(VendorError, match=f"Chainalysis Address Screening .* no longer .*{says}.* The first of them"):
        load(handler, addresses=True, api_url=None)


def test_an_address_answer_that_cannot_be_used_is_a_reject(world, ledger):
    handler, refused, odd = Watched(world), PAID[0]["output_address"], PAID[1]["output_address"]

    def answer(_method: str, path: str) -> web.Response | None:
        if path == f"{RISK_PATH}/v2/entities/{refused}":
            return web.json_response({"message": "address is not supported"}, status=400)
        if path == f"{RISK_PATH}/v2/entities/{odd}":
            return web.json_response({"address": odd, "risk": 5, "addressIdentifications": [], "exposures": []})
        return None

    handler.script = answer
    load(handler, addresses=True, api_url=None)
    rejected = query(
        "select raw_record ->> '$.address', reason_code, reason from raw_chainalysis.rejects order by reason_code"
    )
    assert [row[:2] for row in rejected] == [(refused, "refused_by_vendor"), (odd, "unreadable_answer")]
    assert "HTTP 400: address is not supported" in rejected[0][2] and "risk_code 5 is not text" in rejected[1][2]
    assert unexplained() == []
    assert query("select count(*) from raw_chainalysis.transfers") == [(0,)]
    assert not load(handler, addresses=True, api_url=None)[0].loads_ids


def test_a_wrong_key_of_the_sanctions_api_is_told(world, ledger):
    with pytest.raises(VendorError, match="Set SOURCES__CHAINALYSIS__SANCTIONS_API_KEY"):
        load(Watched(world), addresses=True, sanctions_api_key=None)
    with pytest.raises(VendorError, match="sanctions API refused .* SOURCES__CHAINALYSIS__SANCTIONS_API_KEY"):
        load(Watched(world), addresses=True, sanctions_api_key="wrong")


def test_every_fault_at_once_changes_nothing(world, ledger, home):
    """Limits, 5xx bursts, cut bodies, duplicates, reordering, inserts, latency and a wrong clock, all at one seed."""
    handler = Watched(world, faults=Faults.parse(["all,limits=0.01,errors=0.03,cuts=0.03,seed=7"]))
    load(handler, addresses=True)
    kinds = {"cuts", "duplicates", "errors", "inserts", "limits", "reorders"}
    assert kinds <= {kind for kind, times in handler.faults.done.items() if times}
    disturbed = contents()
    with pipeline.warehouse() as connection:
        connection.execute("drop schema raw_chainalysis cascade")
    load(Watched(world), addresses=True)
    quiet = contents()
    assert {name for name in quiet if quiet[name] != disturbed[name]} == set()
    # What is off until it is asked for meets every fault in test_every_vendor_under_faults.py.
    off = {*USER_TABLES, "network_identifications"}
    assert all(quiet[name] for name in TABLES if name not in off)


def test_a_field_that_the_vendor_adds_is_kept_and_reported(world, ledger):
    _, source = load(Watched(world, faults=Faults.parse(["drift"])), addresses=True)
    assert ADDED in source.resources["transfers"].added_fields
    assert {f"risk.{ADDED}", f"sanctions.{ADDED}"} <= source.resources["transfers"].added_fields
    for table in ("transfers", "alerts", "alert_states", "withdrawal_attempts", "address_screenings"):
        kept = f"select count(*), count(*) filter (where answer_json like '%{ADDED}%') from raw_chainalysis.{table}"  # noqa: S608 (our own table names)
        assert len(set(query(kept)[0])) == 1, table
    assert query("select count(*) from raw_chainalysis.rejects") == [(0,)]


@pytest.mark.parametrize(
    ("path", "change", "says"),
    [
        ("/v2/transfers/", {"usdAmount": "12.5"}, "for transfers .* usdAmount '12.5' is not a number"),
        ("/exposures", {"direct": "none"}, "for exposures"),
        ("/v1/alerts/", {"total": None}, "has no total"),
    ],
)
def test_a_field_that_the_vendor_removes_or_retypes_stops_the_feed(world, ledger, monkeypatch, path, change, says):
    whole = vendor.Vendor.__call__

    async def changed(self, request: web.BaseRequest) -> web.StreamResponse:
        response = await whole(self, request)
        own = request.raw_path.partition("?")[0]
        if request.method == "GET" and (own.endswith(path) or (own.rpartition("/")[0] + "/").endswith(path)):
            body = json.loads(response.body) | change
            if "updatedAt" not in body or body["updatedAt"]:
                return web.json_response(body)
        return response

    monkeypatch.setattr(vendor.Vendor, "__call__", changed)
    with pytest.raises(VendorError, match=says) as raised:
        load(vendor.Vendor(world))
    assert not isinstance(raised.value, VendorUnavailable)
    assert query("select count(*) from information_schema.tables where table_name = 'withdrawal_attempts'") == [(0,)]


def test_a_dead_vendor_is_unavailable_and_nothing_lands(world, ledger):
    handler = Watched(world, faults=Faults.parse([f"down={RISK_PATH}"]))
    with pytest.raises(VendorUnavailable, match="HTTP 503"):
        load(handler, addresses=True, attempts=2)
    assert query("select count(*) from information_schema.tables where table_name = 'transfers'") == [(0,)]


def test_the_switchboard_is_read_and_set_while_the_server_runs(world):
    import requests

    with vendor.in_thread(vendor.Vendor(world)) as url:
        on = requests.put(url + CONTROL_PATH, json={"limits": 1, "seed": 3}, timeout=5).json()["on"]
        assert (on["limits"], on["seed"]) == (1, 3)
        limited = requests.get(f"{url}{vendor.KYT_PATH}/v2/categories", headers={"Token": vendor.TOKEN}, timeout=5)
        assert (limited.status_code, "Retry-After" in limited.headers) == (429, True)
        refused = requests.put(url + CONTROL_PATH, json={"gremlins": 1}, timeout=5)
        assert (refused.status_code, "there is no fault gremlins" in refused.text) == (400, True)
        assert requests.put(url + CONTROL_PATH, json={}, timeout=5).json()["on"]["limits"] == 0
        assert len(KYT_TABLES) == 7
