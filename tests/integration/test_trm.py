"""The TRM Labs loader over real HTTP on loopback, into a real warehouse."""

import json
from datetime import datetime
from pathlib import Path

import pytest
import requests
import vendor_world
from aiohttp import web
from record_hashes import differing_amounts, uncounted
from vendor_world import Scripted, query

from ingestion import pipeline, replay
from ingestion import vendor as http
from ingestion.trm import VendorError, alerts, screening, trm_source
from ingestion.trm.alerts import ALERTS
from ingestion.trm.screening import ADDRESSES, TRANSFERS
from ingestion.vendor import VendorUnavailable
from orchestration.soda import read_contracts, verify
from sandbox import vendor
from sandbox.vendor import Faults
from sandbox.vendor.trm import TRM_KEY, TRM_PATH, Trm

CONTRACTS = [c for c in read_contracts(Path(__file__).parents[2] / "checks") if c.schema == "raw_trm"]


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("trm")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PLUMBLINE_HOME", str(folder / "home"))
        return vendor_world.make(folder)


@pytest.fixture
def ledger(world, home, monkeypatch) -> Path:
    vendor_world.copy(world, home)
    monkeypatch.setattr(http, "FIRST_DELAY", 0.001)
    return home


def load(handler: vendor.Vendor, **options):
    given = {"api_key": TRM_KEY, "poll_seconds": 0.15, "attempts": 3} | options
    with vendor.in_thread(handler) as url, pipeline.warehouse():  # open, as in a run
        return pipeline.run(trm_source(api_url=url + TRM_PATH, **given), "trm")


def counts() -> dict[str, int]:
    tables = ("address_screenings", "exposures", "transfers", "alerts", "rejects")
    return {table: len(query(f"from raw_trm.{table}")) for table in tables}


COMPLETED = "rail_code = 'crypto' and status_code = 'completed'"


def movements() -> int:
    return sum(
        len(query(f"select distinct {kind}_id from raw_exchange.{kind}s where {COMPLETED}"))  # noqa: S608 (our own names)
        for kind in ("deposit", "withdrawal")
    )


def test_a_load_brings_everything_and_a_second_one_nothing(world, ledger):
    handler = Scripted(world)
    assert load(handler).loads_ids
    landed = counts()
    assert landed["transfers"] == movements() > 20
    assert landed["rejects"] == 0 and min(landed["address_screenings"], landed["exposures"], landed["alerts"]) > 0
    assert uncounted("trm") == [] and differing_amounts("trm") == []
    sizes = [path for method, path in handler.seen if method == "POST" and path.endswith(ADDRESSES)]
    assert len(sizes) == -(-landed["address_screenings"] // 5)
    with pipeline.warehouse() as connection:
        failed = [r.check_name for contract in CONTRACTS for r in verify(contract, connection) if not r.passed]
    assert failed == []
    handler.seen.clear()
    assert load(handler).loads_ids == []
    assert counts() == landed
    assert not [path for method, path in handler.seen if method == "POST"]


def test_what_was_processing_is_asked_about_again_and_finishes(world, ledger):
    handler = Scripted(world)
    trm = Trm(world, processing_polls=10**6)
    handler.mount(TRM_PATH, lambda: trm)
    load(handler)
    pending = query("select count(*) from raw_trm.transfers where screen_status_code = 'PROCESSING'")[0][0]
    assert pending > 5
    for transfer in trm.transfers.values():
        transfer.polls_left = 0
    load(handler)
    states = query(
        "select ledger_transfer_id, list(screen_status_code order by _known_at) from raw_trm.transfers group by 1 "
        "having count(*) > 1"
    )
    assert len(states) == pending and {tuple(state) for _, state in states} == {("PROCESSING", "SUCCEEDED")}
    assert uncounted("trm") == []


def test_a_run_that_died_after_registering_loses_nothing(world, ledger):
    handler = Scripted(world)
    handler.script = lambda method, path: web.Response(status=500) if "/tm/alerts" in path else None
    with pytest.raises(VendorUnavailable, match="TRM Labs.*tm/alerts.*HTTP 500"):
        load(handler)
    handler.script = lambda method, path: None
    load(handler)
    assert counts()["transfers"] == movements() == len(handler.mounted(TRM_PATH).transfers)


def test_a_vendor_that_forgot_a_pending_transfer_gets_it_again(world, ledger):
    handler = Scripted(world)
    handler.mount(TRM_PATH, lambda: Trm(world, processing_polls=10**6))
    load(handler)
    load(Scripted(world))
    left = query(
        "select count(distinct ledger_transfer_id) from raw_trm.transfers where screen_status_code = 'SUCCEEDED'"
    )
    assert left[0][0] > 0 and uncounted("trm") == []


def test_the_shape_of_2023_has_no_time_of_its_own(world, ledger):
    handler = Scripted(world)
    handler.mount(TRM_PATH, lambda: Trm(world, shape=2023))
    load(handler)
    assert query("select count(*) from raw_trm.address_screenings where screened_at is not null") == [(0,)]
    assert query("select count(*) from raw_trm.address_screenings where _known_at <> ledger_known_at") == [(0,)]
    assert query("select count(*) > 0 from raw_trm.address_screenings where risk_score_level_code is not null") == [
        (True,)
    ]
    assert load(handler).loads_ids == []


def test_members_of_a_later_shape_are_kept_and_a_check_says_so(world, ledger, monkeypatch):
    handler = Scripted(world)
    screen = handler.mounted(TRM_PATH)._screening
    monkeypatch.setattr(handler.mounted(TRM_PATH), "_screening", lambda asked: screen(asked) | {"addressMood": "calm"})
    load(handler)
    assert query(
        "select distinct unknown_members, answer_json ->> '$.addressMood' from raw_trm.address_screenings"
    ) == [("screening.addressMood", "calm")]
    contract = next(c for c in CONTRACTS if c.table == "address_screenings")
    with pipeline.warehouse() as connection:
        failed = {r.check_name: r.severity.value for r in verify(contract, connection) if not r.passed}
    assert list(failed.values()) == ["WARN"] and "members" in next(iter(failed))


def test_one_bad_address_does_not_keep_back_its_neighbours(world, ledger):
    first = query(f"select min(withdrawal_id) from raw_exchange.withdrawals where {COMPLETED}")[0][0]  # noqa: S608 (ours)
    query(f"update raw_exchange.withdrawals set to_address = 'no-address!' where withdrawal_id = '{first}'")  # noqa: S608 (ours)
    handler = Scripted(world)
    load(handler)
    rejected = query("select reason_code, reason, raw_record ->> '$.address' from raw_trm.rejects")
    assert [(code, address) for code, _, address in rejected] == [("refused_by_vendor", "no-address!")]
    assert "HTTP 400" in rejected[0][1]
    assert uncounted("trm") == []
    assert load(handler).loads_ids == []


def test_what_the_vendor_refused_is_asked_again_by_a_replay_and_comes_in_once(world, ledger):
    to_refuse = [1, 2]

    def refuse(method: str, path: str) -> web.Response | None:
        if method == "POST" and path.endswith(TRANSFERS) and to_refuse:
            to_refuse.pop()
            return web.json_response({"message": "not today"}, status=400)
        return None

    handler = Scripted(world, refuse)

    def again() -> replay.Outcome:
        with vendor.in_thread(handler) as url:
            source = lambda: trm_source(api_url=url + TRM_PATH, api_key=TRM_KEY, poll_seconds=0.15, attempts=3)  # noqa: E731
            return replay.replay("trm", make=source)

    load(handler)
    assert load(handler).loads_ids == [], "what was refused is asked again by a replay only"
    to_refuse += [1, 2]
    assert again() == replay.Outcome("trm", {}, 2)
    to_refuse += [1]
    assert again() == replay.Outcome("trm", {"transfers": 1}, 1)
    assert len(query("select distinct reject_id from raw_trm.rejects where replayed_at is null")) == 3
    assert replay.open_rejects("trm").num_rows == 1, "the one that was refused again stands for itself, once"
    assert uncounted("trm") == []
    assert again() == replay.Outcome("trm", {"transfers": 1}, 0)
    assert again() == replay.Outcome("trm", {}, 0)
    assert len(query("select distinct ledger_transfer_id from raw_trm.transfers")) == movements()
    doubled = "select transfer_uuid, screen_status_code from raw_trm.transfers group by all having count(*) > 1"
    assert query(doubled) == []
    assert uncounted("trm") == []


@pytest.mark.parametrize("drop", ["addressSubmitted", "chain"])
def test_an_answer_that_cannot_be_read_is_a_reject_with_all_it_lists(world, ledger, monkeypatch, drop):
    handler = Scripted(world)
    screen, calls = handler.mounted(TRM_PATH)._screening, []

    def broken(asked: dict) -> dict:
        answer = screen(asked)
        calls.append(answer)
        return {m: v for m, v in answer.items() if m != drop} if len(calls) == 1 else answer

    monkeypatch.setattr(handler.mounted(TRM_PATH), "_screening", broken)
    load(handler)
    codes = query("select table_name, reason_code, count(*) from raw_trm.rejects group by all order by all")
    assert codes[0] == ("address_screenings", "no_answer", 1)
    assert codes[1] == ("address_screenings", "unreadable_answer", 1)
    assert uncounted("trm") == []


def test_alerts_that_come_in_between_pages_are_neither_lost_nor_doubled(world, ledger):
    handler = Scripted(world)
    trm: Trm = handler.mounted(TRM_PATH)
    made = [alert(number) for number in range(250)]
    trm.alerts = lambda: made

    def insert(method: str, path: str) -> None:
        if "offset=100" in path and len(made) == 250:
            made.insert(0, alert(1000, issued="2026-01-01T00:00:00.000Z"))  # issued late, before what was read

    handler.script = insert
    load(handler)
    assert query("select count(*), count(distinct alert_uuid) from raw_trm.alerts") == [(251, 251)]
    assert uncounted("trm") == []
    changed = made[0] | {"status": "CLOSED", "closedReason": "DISMISSED", "statusUpdatedAt": "2026-02-01T00:00:00.000Z"}
    made[0] = changed  # the oldest one of all, long before the newest issuedAt
    load(handler)
    states = "select status_code, _known_at from raw_trm.alerts where alert_uuid = 'alert-1000' order by _known_at"
    assert query(states) == [("OPEN", datetime(2026, 1, 1)), ("CLOSED", datetime(2026, 2, 1))]
    assert load(handler).loads_ids == []


def test_an_alert_that_is_answered_twice_takes_no_others_place(world, ledger):
    handler = Scripted(world)
    handler.faults.set(Faults.parse(["duplicates=1,reorders=1"]).on)
    handler.mounted(TRM_PATH).alerts = lambda: [alert(number) for number in range(250)]
    load(handler)
    assert query("select count(*), count(distinct alert_uuid) from raw_trm.alerts") == [(250, 250)]
    assert uncounted("trm") == []


def test_an_alert_that_the_vendor_committed_late_is_read(world, ledger):
    handler = Scripted(world)
    made = [alert(0), alert(1, issued="2026-01-20T00:00:00.000Z")]
    handler.mounted(TRM_PATH).alerts = lambda: made
    load(handler)
    made.append(alert(2, issued="2026-01-18T18:00:00.000Z"))
    assert load(handler, overlap_days=1).loads_ids == []
    load(handler)
    assert query("select count(*) from raw_trm.alerts where alert_uuid = 'alert-2'") == [(1,)]


def test_a_list_that_is_another_from_its_other_end_is_not_believed(world, ledger):
    handler = Scripted(world)
    handler.script = lambda method, path: (
        web.json_response([alert(1)] if "offset=0" in path and "desc" in path else []) if "/tm/alerts" in path else None
    )
    with pytest.raises(VendorUnavailable, match="lists 0 alerts from one end and 1 from the other, read 5 times"):
        load(handler)


def test_a_page_that_the_reader_loses_is_seen(world, ledger, monkeypatch):
    handler = Scripted(world)
    handler.mounted(TRM_PATH).alerts = lambda: [alert(number) for number in range(250)]
    pages = alerts._pages

    def lossy(asked, order, since):
        found = list(pages(asked, order, since))
        return found[:100] if order == "asc" else found

    monkeypatch.setattr(alerts, "_pages", lossy)
    with pytest.raises(VendorUnavailable, match="100 alerts from one end and 250 from the other"):
        load(handler)


def test_a_transfer_that_was_registered_and_does_not_land_is_missed_by_the_vendors_own_count(
    world, ledger, monkeypatch
):
    land, dropped = screening._land_transfer, []

    def lossy(reading, movement, item, was_pending):
        dropped.append(movement) if not dropped else land(reading, movement, item, was_pending)

    monkeypatch.setattr(screening, "_land_transfer", lossy)
    load(Scripted(world))
    found = query("select captured_by, source_rows from raw_trm.control_totals where table_name = 'transfers'")
    assert found == [("api_total", movements())] and counts()["transfers"] == movements() - 1
    assert [row[0] for row in uncounted("trm")] == ["transfers"]


def test_a_count_that_is_none_stops_the_feed_and_can_be_done_without(world, ledger):
    handler = Scripted(world)
    handler.script = lambda method, path: web.json_response({"SUCCEEDED": "7"}) if "count-by" in path else None
    with pytest.raises(VendorError, match="no count of transfers by status.*SOURCES__TRM__COMPARE_COUNT"):
        load(handler)
    load(handler, compare_count=False)
    assert counts()["transfers"] == movements() and uncounted("trm") == []


def without(name: str):
    return lambda answer: answer.pop(name)


def renamed(name: str):
    return lambda answer: answer.update({f"{name}V3": answer.pop(name)})


def within(name: str, change):
    return lambda answer: [change(member) for member in answer[name]]


@pytest.mark.parametrize(
    ("part", "change", "says"),
    [
        ("_screening", without("addressRiskIndicators"), "for address_screenings 0 .*addressRiskIndicators is missing"),
        ("_screening", renamed("entities"), "for address_screenings 0 .*entities is missing from the screening"),
        ("_screening", lambda a: a.update(addressRiskIndicators={}), "addressRiskIndicators is not a list"),
        ("_screening", lambda a: a.update(addressTotalVolumeUsd=["1"]), "is not a number"),
        (
            "_screening",
            within("addressRiskIndicators", renamed("categoryRiskScoreLevel")),
            "for address_screenings with addressRiskIndicators 0 .*categoryRiskScoreLevel is missing",
        ),
        ("_poll", without("riskScoreLevel"), "for transfers 0 .*riskScoreLevel is missing from the transfer"),
        ("_poll", renamed("counterparties"), "for transfers 0 .*counterparties is missing"),
        ("_poll", lambda a: a.update(riskScoreLevel="high"), "riskScoreLevel 'high' is not a whole number"),
        ("_alert", without("riskScoreLevel"), "for alerts 0 .*riskScoreLevel is missing from the alert"),
    ],
    ids=["removed", "renamed", "list retyped", "retyped", "within", "state removed", "state renamed", "state retyped",
         "alert"],
)  # fmt: skip
def test_a_field_that_the_vendor_removes_renames_or_retypes_stops_the_feed(
    world, ledger, monkeypatch, part, change, says
):
    handler = Scripted(world)
    trm: Trm = handler.mounted(TRM_PATH)
    whole = getattr(trm, part)

    def changed(*asked):
        answer = dict(whole(*asked))
        if answer.get("screenStatus", "SUCCEEDED") == "SUCCEEDED":
            change(answer)
        return answer

    monkeypatch.setattr(trm, part, changed)
    with pytest.raises(VendorError, match=f"TRM Labs at .*{says}.* The first of them ") as raised:
        load(handler)
    assert not isinstance(raised.value, VendorUnavailable)
    assert query("select count(*) from information_schema.tables where table_schema = 'raw_trm'") == [(0,)]


def alert(number: int, issued: str | None = None) -> dict:
    issued = issued or f"2026-01-02T{number // 60:02}:{number % 60:02}:00.000Z"
    return Trm._alert(f"t-{number}", {"accountExternalId": "A", "externalId": "x"}, 10, datetime(2026, 1, 1)) | {
        "uuid": f"alert-{number}",
        "issuedAt": issued,
        "statusUpdatedAt": issued,
        "updatedAt": issued,
    }


def test_an_unreadable_alert_is_rejected_once(world, ledger):
    handler = Scripted(world)
    handler.mounted(TRM_PATH).alerts = lambda: [alert(1) | {"status": 7}]
    load(handler)
    assert query("select table_name, reason, first_seen_at from raw_trm.rejects") == [
        ("alerts", "status 7 is not text", datetime(2026, 1, 2, 0, 1))
    ]
    assert load(handler).loads_ids == []


def test_the_limit_is_waited_out(world, ledger, monkeypatch):
    handler = Scripted(world)
    handler.mount(TRM_PATH, lambda: Trm(world, per_second=30))
    waits = []
    monkeypatch.setattr(http.time, "sleep", lambda seconds: waits.append(seconds) or handler_resets(handler))
    load(handler)
    assert 1.0 in waits and counts()["transfers"] == movements()


def handler_resets(handler: Scripted) -> None:
    handler.mounted(TRM_PATH)._requests = 0


def test_a_wrong_key_and_no_key_say_what_to_set(world, ledger):
    with pytest.raises(VendorError, match="SOURCES__TRM__API_KEY"):
        load(Scripted(world), api_key="wrong")
    with pytest.raises(VendorError, match="no API key"):
        load(Scripted(world), api_key=None)


def test_not_configured_costs_nothing_and_has_its_tables(home):
    pipeline.run(trm_source(), "trm")
    assert set(counts().values()) == {0}


def test_the_sandbox_keeps_the_vendors_contract(world):
    with vendor.in_thread(vendor.Vendor(world)) as url:
        auth, base = (TRM_KEY, TRM_KEY), url + TRM_PATH
        assert requests.post(base + ADDRESSES, json=[], timeout=5).status_code == 401
        assert requests.post(base + ADDRESSES, json=[], auth=(TRM_KEY, "x"), timeout=5).status_code == 401
        one = {"address": "0x" + "a" * 40, "chain": "ethereum"}
        assert requests.post(base + ADDRESSES, json=[one] * 6, auth=auth, timeout=5).status_code == 400
        screened = requests.post(base + ADDRESSES, json=[one] * 5, auth=auth, timeout=5)
        assert screened.status_code == 201 and len(screened.json()) == 5
        assert screened.json()[0]["addressTotalVolumeUsd"] is None
        assert requests.get(base + ALERTS, params={"limit": 101}, auth=auth, timeout=5).status_code == 400
        assert requests.get(base + ALERTS, params={"offset": 5}, auth=auth, timeout=5).json() == []
        body = {"accountExternalId": "A", "asset": "btc", "assetAmount": "1", "chain": "bitcoin", "externalId": "x",
                "destinationAddress": "bc1q", "onchainReference": "never", "timestamp": "2026-01-01T00:00:00Z",
                "transferType": "CRYPTO_DEPOSIT"}  # fmt: skip
        made = [requests.post(base + TRANSFERS, json=body, auth=auth, timeout=5) for _ in range(2)]
        assert [(m.status_code, m.json()["screenStatus"]) for m in made] == [(201, "PROCESSING")] * 2
        assert made[0].json()["uuid"] == made[1].json()["uuid"]
        state = requests.get(f"{base}{TRANSFERS}/{made[0].json()['uuid']}", auth=auth, timeout=5).json()
        assert (state["screenStatus"], state["screenStatusFailedReason"]) == ("FAILED", "INVALID_ONCHAIN_REFERENCE")
        counted = requests.get(f"{base}{TRANSFERS}/count-by-status", auth=auth, timeout=5).json()
        assert counted == {"PROCESSING": 0, "SUCCEEDED": 0, "FAILED": 1}
        assert json.loads(made[0].content)["alerts"] is None
