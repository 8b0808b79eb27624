"""The Chainalysis loader over real HTTP on loopback, into a real warehouse."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
import vendor_world
from aiohttp import web
from dlt.pipeline.exceptions import PipelineStepFailed

from ingestion import chainalysis, pipeline
from ingestion.chainalysis import Run, VendorError, chainalysis_source, parse
from ingestion.chainalysis.attempts import Attempt
from ingestion.chainalysis.landing import Landing
from ingestion.chainalysis.schemas import KYT_TABLES, TABLES
from orchestration.soda import read_contracts, verify
from sandbox import replay, vendor
from sandbox.vendor import sample

REPOSITORY = Path(__file__).parents[2]
COUNT = 40
ROWS = sample.transfers(COUNT)
FINISHED = [row for row in ROWS if row["updated_at"]]
PENDING = [row for row in ROWS if not row["updated_at"]]
ALERTS = [alert for row in ROWS for alert in json.loads(row["alerts"])]


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("world")
    sample.write(folder, COUNT)
    return folder


class Scripted(vendor.Vendor):
    """The sandbox vendor with a hook in front: what `script(method, path below the KYT base)` answers is sent instead.
    Keeps the requests it saw."""

    def __init__(self, world: Path, script: Callable[[str, str], web.Response | None] = lambda *_: None, **options):
        super().__init__(world, **options)
        self.script, self.seen = script, []

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        path = request.raw_path.removeprefix(vendor.KYT_PATH)
        self.seen.append((request.method, path))
        return self.script(request.method, path) or await super().__call__(request)


def movement(row: dict) -> dict:
    return {
        "ledger_transfer_id": row["ledger_transfer_id"],
        "user_id": row["user_id"],
        "network": "Bitcoin",
        "asset_code": row["asset"],
        "transfer_reference": row["transfer_reference"],
        "direction_code": row["direction"],
        "transfer_at": row["timestamp"] + timedelta(seconds=30),
        "asset_amount": row["asset_amount"],
    }


def screen(handler: vendor.Vendor, movements=None, **options) -> Landing:
    """One screening without a warehouse."""
    given = {"concurrency": 8, "poll_seconds": 0.3, "attempts": 4, "progress": lambda *_: None} | options
    with vendor.in_thread(handler) as url:
        movements = [movement(row) for row in ROWS] if movements is None else movements
        return Run(movements, url + vendor.KYT_PATH, handler.token, **given).landing


def load(handler: vendor.Vendor, **options):
    """One run of the feed into the warehouse, on what the warehouse's ledger holds."""
    with vendor.in_thread(handler) as url, pipeline.warehouse():  # open, as in a run
        source = chainalysis_source(
            api_url=url + vendor.KYT_PATH, api_key=handler.token, poll_seconds=0.3, attempts=4, **options
        )
        return pipeline.run(source, "chainalysis")


def query(sql: str) -> list[tuple]:
    with pipeline.warehouse() as connection:
        return connection.execute(sql).fetchall()


@pytest.fixture
def ledger(home) -> None:
    """A warehouse whose exchange ledger holds the sample world's movements."""
    rows = []
    for row in ROWS:
        kind, number = row["ledger_transfer_id"].split(":")[1:]
        rows.append(
            {
                "kind": kind,
                "id": number,
                "account_id": row["user_id"],
                "rail_code": "crypto",
                "asset_code": row["asset"],
                "amount": row["asset_amount"],
                "chain_code": "bitcoin",
                "to_address": row["transfer_reference"].partition(":")[2],
                "tx_hash": row["tx"],
                "status_code": "completed",
                "event_at": row["timestamp"] + timedelta(seconds=30),
                "_known_at": datetime(2026, 2, 1),
                "_extract_id": "x",
                "_record_no": 1,
                "_dlt_load_id": "done",
            }
        )
    vendor_world.write_ledger(rows)


def totals(landing: Landing) -> dict[str, int]:
    counted = dict.fromkeys(KYT_TABLES, 0)
    for row in landing.control_totals().to_pylist():
        counted[row["table_name"]] += row["source_rows"]
    return counted


def unexplained(landing: Landing) -> dict[str, int]:
    """Source rows minus landed minus rejected, per table; only what does not add up."""
    left = totals(landing)
    for name in KYT_TABLES:
        left[name] -= landing.table(name).num_rows
    for row in landing.rejects().to_pylist():
        left[row["table_name"]] -= 1
    return {name: rows for name, rows in left.items() if rows}


def test_a_first_run_lands_everything_and_adds_up(world):
    stages = []
    landing = screen(Scripted(world), progress=lambda *at: stages.append(at))
    transfers = {row["ledger_transfer_id"]: row for row in landing.table("transfers").to_pylist()}
    assert len(transfers) == COUNT
    for row in ROWS:
        got = transfers[row["ledger_transfer_id"]]
        assert got["external_id"] == row["external_id"]
        assert got["network"] == "BITCOIN"
        assert got["updated_at"] == row["updated_at"]
        assert got["_known_at"] == (row["updated_at"] or got["ledger_transfer_at"])
        if row["updated_at"]:
            assert (got["usd_amount"], got["asset_amount"]) == (row["usd_amount"], row["asset_amount"])
            assert got["transfer_at"] == row["timestamp"]
            assert json.loads(got["answer_json"])["externalId"] == row["external_id"]
    exposures = {row["external_id"]: row["direct_category_id"] for row in landing.table("exposures").to_pylist()}
    assert exposures == {row["external_id"]: row["direct_category_id"] for row in FINISHED}
    alerts = landing.table("alerts").to_pylist()
    assert {row["alert_external_id"] for row in alerts} == {alert["externalId"] for alert in ALERTS}
    assert totals(landing) == {
        "transfers": COUNT,
        "exposures": len(FINISHED),
        "alerts": len(ALERTS),
        "categories": len(sample.CATEGORIES),
        "alert_states": len(ALERTS),
        "withdrawal_attempts": 0,
        "network_identifications": 0,
    }
    assert unexplained(landing) == {}
    amounts = [row["source_amount"] for row in landing.control_totals().to_pylist() if row["table_name"] == "alerts"]
    assert sum(amounts) == sum(row["alert_amount_usd"] for row in alerts) > 0
    assert ("registered", COUNT, COUNT) in stages and ("screened", COUNT, COUNT) in stages


def test_the_order_of_the_answers_leaves_no_trace(world):
    one, many = screen(Scripted(world), concurrency=1), screen(Scripted(world), concurrency=16)
    for name in KYT_TABLES:
        assert one.table(name).equals(many.table(name))
    assert one.control_totals().equals(many.control_totals())


def test_two_ledger_movements_that_the_vendor_takes_for_one_have_one_set_of_details(world):
    twice = next(row for row in FINISHED if row["alerts"] != "[]")
    movements = [movement(row) for row in ROWS]
    movements.append({**movement(twice), "ledger_transfer_id": "exchange:deposit:again"})
    landing = screen(Scripted(world), movements)
    same = [row for row in landing.table("transfers").to_pylist() if row["external_id"] == twice["external_id"]]
    assert [row["updated_at"] for row in same] == [twice["updated_at"]] * 2
    assert landing.table("exposures").num_rows == len(FINISHED)
    assert landing.table("alerts").num_rows == len(ALERTS)
    assert unexplained(landing) == {}


def test_a_run_lands_in_the_warehouse_and_a_second_run_changes_nothing(world, ledger):
    handler = Scripted(world)
    assert load(handler).loads_ids
    contracts = [c for c in read_contracts(REPOSITORY / "checks") if c.schema == "raw_chainalysis"]
    assert len(contracts) == len(TABLES) + 2
    with pipeline.warehouse() as connection:
        results = [result for contract in contracts for result in verify(contract, connection)]
    # The transfers that this sample's vendor never finishes are long overdue by the end of it.
    unhappy = [result.check_name for result in results if not result.passed]
    assert all("still_processing" in name for name in unhappy), unhappy
    before = query("select * from raw_chainalysis.transfers order by all")
    assert len(before) == COUNT

    handler.seen.clear()
    assert not load(handler).loads_ids
    assert query("select * from raw_chainalysis.transfers order by all") == before
    lists = [path for _, path in handler.seen if "/transfers/" not in path]
    assert [path.partition("?")[2].partition("=")[0] for path in lists] == ["createdAt_gte", "alertStatusCreatedAt_gte"]
    asked_again = [path for _, path in handler.seen if "/transfers/" in path]
    assert sorted(asked_again) == sorted(f"/v2/transfers/{row['external_id']}" for row in PENDING)


def test_a_pending_transfer_lands_again_when_the_vendor_has_finished(tmp_path, ledger):
    sample.write(tmp_path, COUNT)
    handler = Scripted(tmp_path)
    load(handler)
    rows = sample.transfers(COUNT)
    for row in rows:
        row["updated_at"] = row["updated_at"] or row["timestamp"] + timedelta(hours=30)
    sample.write_rows(tmp_path, rows)
    handler = Scripted(tmp_path)
    load(handler)
    again = query(
        "select ledger_transfer_id, count(*), count(updated_at), max(updated_at) = max(_known_at) "
        "from raw_chainalysis.transfers group by all having count(*) > 1 order by all"
    )
    assert again == sorted((row["ledger_transfer_id"], 2, 1, True) for row in PENDING)
    assert query("select count(*) from raw_chainalysis.exposures") == [(COUNT,)]
    assert query("select sum(source_rows) from raw_chainalysis.control_totals where table_name = 'transfers'") == [
        (COUNT + len(PENDING),)
    ]
    assert not load(handler).loads_ids


def test_a_restart_of_the_vendor_midway_changes_nothing(world):
    undisturbed = screen(Scripted(world))
    servers = [vendor.start(world)]
    port = servers[0].port

    def restart(stage: str, _done: int, _total: int) -> None:
        if stage == "registered" and len(servers) == 1:
            servers[0].stop()
            servers.append(vendor.start(world, port=port))

    try:
        movements = [movement(row) for row in ROWS]
        landing = Run(movements, servers[0].kyt_url, vendor.TOKEN, 8, 1.0, 7, restart).landing
    finally:
        servers[-1].stop()
    assert len(servers) == 2
    for name in KYT_TABLES:
        assert landing.table(name).equals(undisturbed.table(name))
    assert landing.control_totals().equals(undisturbed.control_totals())


def test_rate_limits_and_server_errors_are_waited_out(world):
    handler = Scripted(world, faults=vendor.Faults.parse(["429:70,503:13,500:31"]))
    landing = screen(handler, attempts=6)
    assert unexplained(landing) == {}
    for name in KYT_TABLES:
        assert landing.table(name).equals(screen(Scripted(world)).table(name))


def test_a_refused_transfer_is_a_reject_with_the_vendors_message_and_is_not_asked_again(world, ledger):
    refused = FINISHED[0]

    def refuse(method: str, path: str) -> web.Response | None:
        if method == "POST" and f"/users/{refused['user_id']}/" in path:
            return web.json_response({"message": "asset is not supported on this network"}, status=400)
        return None

    handler = Scripted(world, refuse)
    load(handler)
    (reject,) = query(
        "select table_name, reason_code, reason, event_date, asset_code, amount, raw_record ->> '$.ledger_transfer_id' "
        "from raw_chainalysis.rejects"
    )
    assert reject[:2] == ("transfers", "refused_by_vendor")
    assert "HTTP 400: asset is not supported on this network" in reject[2]
    assert reject[3:] == (refused["timestamp"].date(), "BTC", refused["asset_amount"], refused["ledger_transfer_id"])
    handler.seen.clear()
    assert not load(handler).loads_ids
    assert not [path for method, path in handler.seen if method == "POST"]
    with pipeline.warehouse() as connection:
        (reject_id,) = connection.execute("select reject_id from raw_chainalysis.rejects").fetchone()
        with pipeline.asking_again([reject_id]):
            again = chainalysis.transfers_to_register(connection)
    assert refused["ledger_transfer_id"] in again.column("ledger_transfer_id").to_pylist()


def test_an_answer_that_cannot_be_read_is_a_reject_and_still_counted(world):
    broken, unlisted, odd = FINISHED[0], FINISHED[1], next(row for row in FINISHED if row["alerts"] != "[]")

    def answer(_method: str, path: str) -> web.Response | None:
        if path == f"/v2/transfers/{broken['external_id']}":
            return web.json_response(
                text='{"updatedAt":"2026-01-01T10:00:00","usdAmount":1,"assetAmount":1,"externalId":7}'
            )
        if path == f"/v2/transfers/{unlisted['external_id']}/exposures":
            return web.json_response({"direct": "none"})
        if path == f"/v2/transfers/{odd['external_id']}/alerts":
            return web.json_response({"alerts": [{"alertLevel": "HIGH"}, json.loads(odd["alerts"])[0]]})
        return None

    landing = screen(Scripted(world, answer))
    rejects = {row["table_name"]: row for row in landing.rejects().to_pylist()}
    assert sorted(rejects) == ["alerts", "exposures", "transfers"]
    assert {row["reason_code"] for row in rejects.values()} == {"unreadable_answer"}
    assert "externalId" in rejects["transfers"]["reason"]
    assert "direct exposure is not a JSON object" in rejects["exposures"]["reason"]
    assert json.loads(rejects["alerts"]["raw_record"])["userId"] == odd["user_id"]
    assert unexplained(landing) == {}


def test_an_alert_that_the_parser_drops_shows_as_a_difference(world, monkeypatch):
    """The count of alerts comes from the vendor's own list, so a loader that loses one cannot hide it."""
    whole = parse.alert_items
    monkeypatch.setattr(parse, "alert_items", lambda body: whole(body)[1:])
    landing = screen(Scripted(world))
    assert unexplained(landing) == {"alerts": sum(row["alerts"] != "[]" for row in ROWS)}


def test_a_transfer_that_landing_drops_shows_as_a_difference(world, monkeypatch):
    land = Landing._land

    def lossy(self, table, extract_id, known_at, row):
        if table != "transfers" or row["ledger_transfer_id"] != FINISHED[3]["ledger_transfer_id"]:
            land(self, table, extract_id, known_at, row)

    monkeypatch.setattr(Landing, "_land", lossy)
    assert unexplained(screen(Scripted(world))) == {"transfers": 1}


def listed(alert_id: str, row: dict, **changes) -> dict:
    return {
        "alertIdentifier": alert_id,
        "userId": row["user_id"],
        "transferReference": row["transfer_reference"],
        "direction": row["direction"].upper(),
        "alertAmountUsd": Decimal("12.50"),
        "createdAt": "2026-01-20T08:00:00Z",
    } | changes


def test_late_alerts_are_fetched_and_alerts_on_strange_transfers_are_rejects(world, ledger):
    handler = Scripted(world)
    load(handler)
    calm = next(row for row in FINISHED if row["alerts"] == "[]")
    late = {"alertLevel": "HIGH", "externalId": "late-1", "alertAmount": 12.5, "exposureType": "INDIRECT"}
    strange = listed("strange-1", {"user_id": "someone", "transfer_reference": "f:f", "direction": "sent"})
    behaviour = listed("behaviour-1", calm, transferReference=None, direction=None)
    shown = [*handler.registry.listed_alerts(), listed("late-1", calm), strange, behaviour]

    def answer(_method: str, path: str) -> web.Response | None:
        if path.startswith("/v1/alerts/"):
            text = json.dumps({"limit": 100, "offset": 0, "total": len(shown), "data": shown}, default=float)
            return web.json_response(text=text)
        if path == f"/v2/transfers/{calm['external_id']}/alerts":
            return web.json_response({"alerts": [late]})
        return None

    handler.script = answer
    assert load(handler).loads_ids
    assert query(
        "select external_id, exposure_type_code, alert_amount_usd, _known_at "
        "from raw_chainalysis.alerts where alert_external_id = 'late-1'"
    ) == [(calm["external_id"], "INDIRECT", Decimal("12.50"), datetime(2026, 1, 20, 8))]
    assert query("select reason_code from raw_chainalysis.rejects order by all") == [("unknown_transfer",)]
    new = "select alert_id from raw_chainalysis.alert_states where created_at = '2026-01-20 08:00:00' order by all"
    assert query(new) == [("behaviour-1",), ("late-1",), ("strange-1",)]
    assert query(
        "select sum(source_rows), sum(source_amount) from raw_chainalysis.control_totals "
        "where table_name = 'alerts' and event_date is null and known_at = '2026-01-20 08:00:00'"
    ) == [(2, Decimal("25"))]
    assert not load(handler).loads_ids


def test_a_list_that_does_not_hold_its_total_is_not_believed(world):
    script = {"/v1/alerts/": {"limit": 100, "offset": 0, "total": 3, "data": []}}
    handler = Scripted(world, lambda _, path: web.json_response(script[path]) if path in script else None)
    with pytest.raises(VendorError, match="says total 3 and holds 0 different alerts"):
        screen(handler)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (web.json_response, "refused the API key .HTTP 403: bad key.* SOURCES__CHAINALYSIS__API_KEY"),
        (web.Response, "HTTP 403 with a web page.*blocks this machine; 4 tries"),
    ],
)
def test_a_refused_key_and_an_edge_page_are_told_apart(world, answer, says):
    kwargs = {"data": {"message": "bad key"}} if answer is web.json_response else {"content_type": "text/html"}
    handler = Scripted(world, lambda *_: answer(status=403, **kwargs))
    with pytest.raises(VendorError, match=says):
        screen(handler)


@pytest.mark.parametrize(
    ("text", "says"),
    [("[" * 100_000 + "]" * 100_000, "nested more than 64"), ('"' + "x" * 5000 + '"', "more than 4,000")],
)
def test_an_answer_out_of_all_proportion_is_told_and_stops_nothing_else(world, monkeypatch, text, says):
    monkeypatch.setattr("ingestion.answers.LARGEST", 4000 if "x" in text else 10**9)
    handler = Scripted(world, lambda method, path: web.json_response(text=text) if method == "POST" else None)
    with pytest.raises(VendorError, match=says):
        screen(handler)


def test_a_wrong_key_is_refused_by_the_sandbox(world):
    handler = Scripted(world)
    with vendor.in_thread(handler) as url, pytest.raises(VendorError, match="the API key is not valid"):
        _ = Run([movement(ROWS[0])], url + vendor.KYT_PATH, "wrong", 4, 0.1, 2, lambda *_: None).landing


def test_no_key_and_a_dead_vendor_say_what_to_do(world):
    with vendor.in_thread(Scripted(world)) as url:
        dead = url + vendor.KYT_PATH
    with pytest.raises(VendorError, match="Set SOURCES__CHAINALYSIS__API_KEY"):
        _ = Run([movement(ROWS[0])], dead, None, 4, 0.1, 2, lambda *_: None).landing
    with pytest.raises(VendorError, match="SOURCES__CHAINALYSIS__API_URL is right"):
        _ = Run([movement(ROWS[0])], dead, "key", 4, 0.1, 2, lambda *_: None).landing


def test_a_run_that_breaks_leaves_nothing_and_is_repeated_whole(world, ledger):
    def break_down(stage: str, _done: int, _total: int) -> None:
        if stage == "screened":
            raise RuntimeError("the power went out")

    handler = Scripted(world)
    with pytest.raises(PipelineStepFailed, match="the power went out"):
        load(handler, progress=break_down)
    assert query("select count(*) from information_schema.tables where table_schema = 'raw_chainalysis' "
                 "and table_name in ('transfers', 'alerts')") == [(0,)]  # fmt: skip
    load(handler)
    assert query("select count(*), count(distinct external_id) from raw_chainalysis.transfers") == [(COUNT, COUNT)]


def test_a_feed_that_is_not_configured_has_empty_tables(ledger):
    info = pipeline.run(chainalysis_source(), "chainalysis")
    assert info.loads_ids
    for name in (*TABLES, "control_totals", "rejects"):
        assert query(f"select count(*) from raw_chainalysis.{name}") == [(0,)]  # noqa: S608
    columns = query(
        "select column_name, data_type from information_schema.columns "
        "where table_schema = 'raw_chainalysis' and table_name = 'transfers' and column_name like '%\\_at' escape '\\'"
    )
    assert {kind for _, kind in columns} == {"TIMESTAMP"}
    assert not pipeline.run(chainalysis_source(), "chainalysis").loads_ids


def test_the_configuration_is_dlts_own(world, ledger, monkeypatch):
    handler = Scripted(world)
    with vendor.in_thread(handler) as url:
        monkeypatch.setenv("SOURCES__CHAINALYSIS__API_URL", url + vendor.KYT_PATH)
        monkeypatch.setenv("SOURCES__CHAINALYSIS__API_KEY", handler.token)
        monkeypatch.setenv("SOURCES__CHAINALYSIS__POLL_SECONDS", "0.2")
        assert pipeline.configured("chainalysis")
        pipeline.run(chainalysis_source(), "chainalysis")
    assert query("select count(*) from raw_chainalysis.transfers") == [(COUNT,)]


NOT_ASKED = {
    "v2/get_withdrawal_attempt.yml": "polled while the attempt is processing; the recorded registration had finished",
    "v1/register_received_transfer.yml": "a transfer is registered by v2, and once",
    "v1/register_sent_transfer.yml": "a transfer is registered by v2, and once",
    "v1/register_deposit_addresses.yml": "which addresses are registered is the exchange's to say",
    "v1/register_withdrawal_addresses.yml": "which addresses are registered is the exchange's to say",
    "v1/delete_deposit_address.yml": "a warehouse deletes nothing at the vendor",
    "v1/delete_withdrawal_address.yml": "a warehouse deletes nothing at the vendor",
}
"""Recorded exchanges that loading the others does not need, and why. That their answers can be read all the same shows
tests/unit/chainalysis/test_parse.py."""


def test_the_recorded_exchanges_are_loaded_by_the_same_code(shared_data):
    """The two transfers, the attempt and the user that were recorded; of one transfer there is only the registration.
    19 of the 26 exchanges are made; the other seven are named."""
    movements = [
        {
            "ledger_transfer_id": ledger_transfer_id,
            "user_id": "e38a7c51-0168-46e8-899e-6ae70acade5c",
            "network": "Bitcoin",
            "asset_code": "BTC",
            "transfer_reference": reference,
            "direction_code": direction,
            "transfer_at": datetime(2025, 1, 11, 4, 11, 37),
            "asset_amount": amount,
        }
        for ledger_transfer_id, reference, direction, amount in (
            (
                "exchange:deposit:1",
                "4a7fd1dbb44bb37e80fcaab177fda3d432c1f383f9483abc8d597a0a1b47cb91:bc1qwa8qddnn8g98kgqjhkh5gpcad8n2y87d6gzh6p",
                "received",
                Decimal("0.00150795"),
            ),
            (
                "exchange:withdrawal:1",
                "523c98527ec41c42979e02b9c034f7a92428b658230151cedcaacde7fd8e3800:1QJUiNsNfji6mR1FjAwf6Eg9NxxHPoxpWL",
                "sent",
                Decimal("0.00223976"),
            ),
        )
    ]
    attempt = Attempt(
        "exchange:withdrawal:2", "e38a7c51-0168-46e8-899e-6ae70acade5c", "Bitcoin", "BTC",
        "1QJUiNsNfji6mR1FjAwf6Eg9NxxHPoxpWL", "cfbe93a6-0fd7-4c59-aa9b-65bc1ab34586", datetime(2025, 1, 10),
        Decimal("0.10312309"),
    )  # fmt: skip
    recorded, asked = replay.Replay(shared_data / "kyt/chainalysis"), set()

    async def noted(request: web.BaseRequest) -> web.StreamResponse:
        answer = await recorded(request)
        asked.add((request.method, request.raw_path, answer.body))
        return answer

    with vendor.in_thread(noted) as url:
        base, options = url + vendor.KYT_PATH, {"pending": [attempt], "with_networks": True, "with_users": True}
        run = Run(movements, base, "any", 4, 0.2, 2, lambda *_: None, **options)
        landing, tables = run.landing, {name: run.table(name) for name in TABLES}
    assert {
        one.cassette for one in recorded.recorded if (one.method, one.path, one.body) not in asked
    } == NOT_ASKED.keys()
    assert {name: table.num_rows for name, table in tables.items()} == {
        "transfers": 2, "exposures": 1, "alerts": 0, "categories": 42, "alert_states": 0, "withdrawal_attempts": 1,
        "network_identifications": 1, "address_screenings": 0, "address_exposures": 0, "users": 1, "user_exposures": 3,
        "listed_transfers": 4, "registered_addresses": 2,
    }  # fmt: skip
    assert run.rejects().num_rows == 0 and run.added == set()
    assert tables["users"]["_known_at"].to_pylist() == [datetime(2025, 1, 11, 9, 46, 39, 749204)]
    (attempted,) = landing.table("withdrawal_attempts").to_pylist()
    assert attempted["network_organisation_count"] == 0 and attempted["network_identifications_json"]
    assert (attempted["external_id"], attempted["_known_at"]) == (
        "f226edb0-675e-3072-9392-6082033979b4",
        datetime(2025, 1, 11, 5, 21, 2, 350000),
    )
    assert (attempted["direct_name"], attempted["direct_category_id"]) == ("Bittrex.com", 21)
    assert (attempted["alert_level_code"], attempted["alert_count"], attempted["high_risk_address_count"]) == (
        "SEVERE", 1, 1
    )  # fmt: skip
    received, sent = landing.table("transfers").to_pylist()
    assert received["external_id"] == "9a78cde9-890c-3563-8f24-2b99fcb96409"
    assert (received["usd_amount"], received["asset_amount"]) == (Decimal("141.94"), Decimal("0.00150795"))
    assert received["_known_at"] == datetime(2025, 1, 11, 4, 45, 8, 107532)
    assert (sent["external_id"], sent["updated_at"]) == ("2f9a62a4-1561-3f14-8f70-27a3cb4e0fa4", None)
    assert landing.table("exposures").num_rows == 1
    assert landing.table("categories").num_rows == 42
    assert landing.rejects().num_rows == 0
    assert unexplained(landing) == {}
