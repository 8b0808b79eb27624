"""The Elliptic loader over real HTTP on loopback, into a real warehouse."""

import base64
import time
from datetime import timedelta
from pathlib import Path

import pytest
import requests
import vendor_world
from aiohttp import web
from record_hashes import differing_amounts, uncounted
from vendor_world import Scripted, query

from ingestion import pipeline
from ingestion import vendor as http
from ingestion.elliptic import TABLES, VendorError, elliptic_source, lists
from ingestion.elliptic.signing import Signed, signature
from ingestion.vendor import VendorUnavailable
from orchestration.soda import read_contracts, verify
from sandbox import vendor
from sandbox.vendor import Faults
from sandbox.vendor.elliptic import ELLIPTIC_KEY, ELLIPTIC_PATH, ELLIPTIC_SECRET, Elliptic, EllipticError

CONTRACTS = [c for c in read_contracts(Path(__file__).parents[2] / "checks") if c.schema == "raw_elliptic"]


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("elliptic")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PLUMBLINE_HOME", str(folder / "home"))
        return vendor_world.make(folder)


@pytest.fixture
def ledger(world, home, monkeypatch) -> Path:
    vendor_world.copy(world, home)
    monkeypatch.setattr(http, "FIRST_DELAY", 0.001)
    return home


def load(handler: vendor.Vendor, **options):
    given = {"api_key": ELLIPTIC_KEY, "api_secret": ELLIPTIC_SECRET, "attempts": 3} | options
    with vendor.in_thread(handler) as url, pipeline.warehouse():  # open, as in a run
        return pipeline.run(elliptic_source(api_url=url + ELLIPTIC_PATH + "/v2", **given), "elliptic")


def test_a_load_brings_everything_and_a_second_one_nothing(world, ledger):
    handler = Scripted(world)
    assert load(handler).loads_ids
    kinds = dict(query("select subject_type_code, count(*) from raw_elliptic.analyses group by 1"))
    assert min(kinds.values()) > 20
    assert query(
        "select count(*), count(distinct ledger_transfer_id) from raw_elliptic.analyses "
        "where subject_type_code = 'transaction'"
    ) == [(kinds["transaction"], kinds["transaction"])]
    assert uncounted("elliptic") == [] and differing_amounts("elliptic") == []
    assert dict(
        query("select analysis_type_code, count(distinct side_code) from raw_elliptic.exposures group by 1")
    ) == {
        "wallet_exposure": 2,
        "source_of_funds": 0,
        "destination_of_funds": 0,
    }
    with pipeline.warehouse() as connection:
        failed = [r.check_name for contract in CONTRACTS for r in verify(contract, connection) if not r.passed]
    assert failed == []
    handler.seen.clear()
    assert load(handler).loads_ids == []
    assert not [path for method, path in handler.seen if method == "POST"]


def test_what_was_never_on_chain_is_a_row_and_no_error(world, ledger, monkeypatch):
    handler = Scripted(world)
    wallet = handler.mounted(ELLIPTIC_PATH)._wallet
    unknown = []

    def forget(subject: dict) -> dict:
        unknown.append(subject["hash"])
        if len(unknown) == 1:
            raise EllipticError(404, "NotInBlockchain", "never seen")
        return wallet(subject)

    monkeypatch.setattr(handler.mounted(ELLIPTIC_PATH), "_wallet", forget)
    load(handler)
    found = query(
        "select subject_hash, analysis_id, risk_score, answer_json ->> '$.name' from raw_elliptic.analyses "
        "where process_status_code = 'not_in_blockchain'"
    )
    assert (unknown[0], f"not_in_blockchain:{unknown[0]}", None, "NotInBlockchain") in found
    assert query("select count(*) from raw_elliptic.rejects") == [(0,)]
    assert uncounted("elliptic") == []
    assert load(handler).loads_ids == []


def test_another_404_is_a_reject(world, ledger, monkeypatch):
    handler = Scripted(world)

    def refuse(subject: dict) -> dict:
        raise EllipticError(404, "NotFoundError", "no such thing")

    monkeypatch.setattr(handler.mounted(ELLIPTIC_PATH), "_wallet", refuse)
    load(handler)
    assert query("select distinct table_name, reason_code, reason from raw_elliptic.rejects") == [
        ("analyses", "refused_by_vendor", "the vendor refused it with HTTP 404: no such thing")
    ]
    assert uncounted("elliptic") == []
    assert load(handler).loads_ids == []


def test_a_rescreen_is_kept_beside_what_it_replaces(world, ledger):
    handler = Scripted(world)
    load(handler)
    elliptic: Elliptic = handler.mounted(ELLIPTIC_PATH)
    identity = next(iter(elliptic.analyses["wallet"]))
    before = elliptic.analyses["wallet"][identity]
    elliptic.rescreen("wallet", identity, 9.5)
    assert load(handler).loads_ids
    history = query(
        "select screening_source_code, risk_score, ledger_known_at is not null from raw_elliptic.analyses "  # noqa: S608 (an id of ours)
        f"where analysis_id = '{identity}' order by _known_at"
    )
    assert [row[0] for row in history] == ["sync", "automatic_rescreen"]
    assert [None if row[1] is None else float(row[1]) for row in history] == [before["risk_score"], 9.5]
    assert uncounted("elliptic") == []
    assert load(handler).loads_ids == []


def test_a_rescreen_between_pages_hides_no_row(world, ledger, monkeypatch):
    """It moves a row from the first page to the end, so that the first row of the second page becomes the last of the
    first, which was read already."""
    monkeypatch.setattr(lists, "PER_PAGE", 10)
    elliptic = Elliptic(world)
    for number in range(25):
        elliptic._keep("wallet", by_somebody_else(number))
    handler = Scripted(world)
    handler.mount(ELLIPTIC_PATH, lambda: elliptic)

    def disturb(method: str, path: str) -> None:
        if "/v2/wallet?" in path and "page=2&" in path and elliptic.analyses["wallet"]["other-0"]["risk_score"] != 8:
            elliptic.rescreen("wallet", "other-0", 8)

    handler.script = disturb
    load(handler)
    assert query(
        "select count(distinct analysis_id) from raw_elliptic.analyses where starts_with(analysis_id, 'other-')"
    ) == [(25,)]
    assert uncounted("elliptic") == []


def by_somebody_else(number: int) -> dict:
    moment = f"2025-01-01T00:{number:02}:00.000Z"
    return {
        "id": f"other-{number}", "type": "wallet_exposure", "screening_id": f"s-{number}", "risk_score": 1,
        "subject": {"asset": "holistic", "blockchain": "holistic", "type": "address", "hash": f"0x{number:040}"},
        "customer": {"reference": None}, "created_at": moment, "updated_at": moment, "analysed_at": moment,
        "process_status": "complete", "workflow_status": "active", "screening_source": "async",
        "evaluation_detail": {"source": [], "destination": []}, "contributions": {"source": [], "destination": []},
        "cluster_entities": [],
    }  # fmt: skip


def test_what_was_running_is_asked_about_again(world, ledger, monkeypatch):
    handler = Scripted(world)
    elliptic: Elliptic = handler.mounted(ELLIPTIC_PATH)
    transaction = elliptic._transaction
    running = {"process_status": "running", "analysed_at": None, "updated_at": None, "evaluation_detail": None}
    running |= {"contributions": None, "risk_score": None}
    monkeypatch.setattr(elliptic, "_transaction", lambda *asked: transaction(*asked) | running)
    load(handler)
    assert query(
        "select distinct process_status_code from raw_elliptic.analyses where subject_type_code = 'transaction'"
    ) == [("running",)]
    for analysis in elliptic.analyses["analyses"].values():
        analysis |= {"process_status": "complete", "analysed_at": "2026-02-01T00:00:00.000Z",
                     "updated_at": "2026-02-01T00:00:00.000Z"}  # fmt: skip
    load(handler)
    assert query(
        "select states, count(*) > 20 from (select list(process_status_code order by _known_at) as states "
        "from raw_elliptic.analyses where subject_type_code = 'transaction' group by analysis_id, screening_id) "
        "group by 1"
    ) == [(["running", "complete"], True)]
    assert uncounted("elliptic") == []


def test_an_answer_that_cannot_be_read_is_a_reject_with_all_it_lists(world, ledger, monkeypatch):
    handler = Scripted(world)
    elliptic: Elliptic = handler.mounted(ELLIPTIC_PATH)
    wallet, asked = elliptic._wallet, []

    def odd(subject: dict) -> dict:
        answer = wallet(subject)
        asked.append(subject["hash"])
        return answer | {"risk_score": "very high"} if len(asked) == 1 else answer

    monkeypatch.setattr(elliptic, "_wallet", odd)
    load(handler)
    assert query("select distinct table_name, reason from raw_elliptic.rejects order by 1") == [
        ("analyses", "risk_score 'very high' is not a number"),
        ("exposures", "its answer cannot be read: risk_score 'very high' is not a number"),
    ]
    assert uncounted("elliptic") == []


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda answer: answer.pop("risk_score"), "risk_score is missing from the analysis"),
        (lambda answer: answer.pop("evaluation_detail"), "evaluation_detail is missing"),
        (lambda answer: answer.update(riskScore=answer.pop("risk_score")), "risk_score is missing"),
        (lambda answer: answer.update(risk_score={"value": 1}), "risk_score {'value': .* is not a number"),
        (lambda answer: answer.update(evaluation_detail={"source": []}), "evaluation_detail lacks one of its two"),
        (lambda answer: [one.pop("category") for one in answer["cluster_entities"]], "category is missing from"),
    ],
    ids=["removed", "removed too", "renamed", "retyped", "another shape", "within"],
)
def test_a_field_that_the_vendor_removes_renames_or_retypes_stops_the_feed(world, ledger, monkeypatch, change, says):
    handler = Scripted(world)
    elliptic: Elliptic = handler.mounted(ELLIPTIC_PATH)
    wallet = elliptic._wallet

    def changed(subject: dict) -> dict:
        answer = wallet(subject)
        change(answer)
        return answer

    monkeypatch.setattr(elliptic, "_wallet", changed)
    with pytest.raises(VendorError, match=f"Elliptic .* /wallet/synchronous: .* {says}.* The first ") as raised:
        load(handler)
    assert not isinstance(raised.value, VendorUnavailable)
    assert query("select count(*) from information_schema.tables where table_schema = 'raw_elliptic'") == [(0,)]


def contents() -> dict[str, list[tuple]]:
    whole = "select * exclude (_dlt_load_id) from raw_elliptic.{} order by all"
    return {name: query(whole.format(name)) for name in (*TABLES, "control_totals", "rejects")}


@pytest.fixture
def quiet(world, ledger) -> dict[str, list[tuple]]:
    """What an undisturbed load brings; the data directory is as before it."""
    load(Scripted(world))
    found = contents()
    query("drop schema raw_elliptic cascade")
    return found


def test_every_fault_at_once_changes_nothing(world, quiet, monkeypatch):
    """A cut answer hides an analysis that was made: it is found again, not made and billed twice."""
    monkeypatch.setattr(http.time, "sleep", lambda seconds: None)
    handler = Scripted(world)
    handler.faults.set(Faults.parse(["all,seed=7"]).on)
    load(handler, attempts=7)
    assert {"blocks", "cuts", "duplicates", "errors", "limits", "reorders"} <= set(handler.faults.done)
    assert contents() == quiet
    made = sum(len(kind) for kind in handler.mounted(ELLIPTIC_PATH).analyses.values())
    assert made == len({row[0] for row in quiet["analyses"] if not row[0].startswith("not_in_blockchain")})


def test_a_run_that_died_after_asking_is_as_if_it_had_not(world, quiet):
    handler = Scripted(world)
    elliptic: Elliptic = handler.mounted(ELLIPTIC_PATH)
    handler.script = lambda method, path: (
        web.Response(status=500) if "?" in path and "customer_reference" not in path else None
    )
    with pytest.raises(VendorUnavailable, match="Elliptic.*/wallet .HTTP 500"):
        load(handler)
    made = {kind: set(analyses) for kind, analyses in elliptic.analyses.items()}
    assert min(map(len, made.values())) > 20
    handler.script = lambda method, path: None
    load(handler)
    assert {kind: set(analyses) for kind, analyses in elliptic.analyses.items()} == made, "billed twice"
    assert contents() == quiet


def test_an_analysis_that_somebody_else_made_of_our_transfer_is_the_transfers(world, ledger):
    handler = Scripted(world)
    load(handler)
    elliptic: Elliptic = handler.mounted(ELLIPTIC_PATH)
    ours = max(elliptic.analyses["analyses"].values(), key=lambda one: one["analysed_at"] or "")
    elliptic._keep("analyses", ours | {"id": "by-an-analyst", "screening_id": "s", "customer": {"reference": None}})
    now = {name: ours["analysed_at"] for name in ("analysed_at", "updated_at")}
    elliptic._keep("wallet", by_somebody_else(1) | now)
    load(handler)
    transfers = "select count(distinct ledger_transfer_id), count(*) from raw_elliptic.analyses where {} "
    assert query(transfers.format(f"analysis_id in ('by-an-analyst', '{ours['id']}')")) == [(1, 2)]
    assert query("select ledger_known_at from raw_elliptic.analyses where analysis_id = 'other-1'") == [(None,)]
    assert load(handler).loads_ids == []


def test_what_the_vendor_committed_late_is_read(world, ledger):
    handler = Scripted(world)
    load(handler)
    newest = query("select max(analysed_at) from raw_elliptic.analyses")[0][0]
    late = (newest - timedelta(hours=30)).isoformat(timespec="milliseconds") + "Z"
    handler.mounted(ELLIPTIC_PATH)._keep("wallet", by_somebody_else(1) | {"analysed_at": late, "updated_at": late})
    assert load(handler, overlap_days=1).loads_ids == []
    load(handler)
    assert query("select count(*) from raw_elliptic.analyses where analysis_id = 'other-1'") == [(1,)]


def test_a_list_that_does_not_hold_its_total_is_not_believed(world, ledger, monkeypatch):
    handler = Scripted(world)
    elliptic: Elliptic = handler.mounted(ELLIPTIC_PATH)
    page = elliptic._page
    monkeypatch.setattr(elliptic, "_page", lambda *asked: page(*asked) | {"total_items": 999})
    with pytest.raises(VendorUnavailable, match="says total_items 999 and holds 0 different analyses, read 5 times"):
        load(handler)


def test_the_limit_is_waited_out_by_the_vendors_own_clock(world, ledger, monkeypatch):
    handler = Scripted(world)
    handler.mount(ELLIPTIC_PATH, lambda: Elliptic(world, per_minute=50))
    waits = []
    monkeypatch.setattr(http.time, "sleep", waits.append)
    load(handler)
    assert waits and all(0 <= seconds <= 1 for seconds in waits)
    assert uncounted("elliptic") == []


def test_a_wrong_secret_and_none_say_what_to_set(world, ledger):
    with pytest.raises(VendorError, match="invalid signature.*SOURCES__ELLIPTIC__API_KEY"):
        load(Scripted(world), api_secret="d3Jvbmc=")
    with pytest.raises(VendorError, match="no API key or secret"):
        load(Scripted(world), api_secret=None)


def test_not_configured_costs_nothing_and_has_its_tables(home):
    pipeline.run(elliptic_source(), "elliptic")
    assert query("select count(*) from raw_elliptic.analyses") == [(0,)]


def test_the_sandbox_keeps_the_vendors_contract(world):
    with vendor.in_thread(vendor.Vendor(world)) as url:
        base, signed = url + ELLIPTIC_PATH + "/v2", Signed(ELLIPTIC_KEY, ELLIPTIC_SECRET)
        refused = requests.get(base + "/wallet", timeout=5)
        assert refused.status_code == 401 and "invalid signature" in refused.headers["WWW-Authenticate"]
        assert requests.get(base + "/wallet", params={"per_page": 501}, auth=signed, timeout=5).status_code == 400
        page = requests.get(base + "/wallet", params={"per_page": 500}, auth=signed, timeout=5)
        assert page.json() == {"page": 1, "per_page": 500, "total_pages": 0, "total_items": 0, "items": []}
        known = next(iter(Elliptic(world).known.addresses))
        asked = [{"type": "wallet_exposure", "subject": {"type": "address", "hash": a}} for a in (known, "0xnobody")]
        single = requests.post(base + "/wallet/synchronous", json=asked[0], auth=signed, timeout=5)
        assert (single.status_code, single.json()["process_status"]) == (200, "complete")
        assert requests.post(base + "/wallet", json=asked[:1], auth=signed, timeout=5).status_code == 200
        assert requests.post(base + "/wallet", json=asked, auth=signed, timeout=5).status_code == 207
        assert requests.post(base + "/wallet", json=asked * 51, auth=signed, timeout=5).status_code == 400
        unknown = requests.post(base + "/wallet/synchronous", json=asked[1], auth=signed, timeout=5)
        assert (unknown.status_code, unknown.json()["name"]) == (404, "NotInBlockchain")
        late = str(time.time_ns() // 10**6 - 600_000)
        path = ELLIPTIC_PATH + "/v2/wallet"
        said = signature(base64.b64decode(ELLIPTIC_SECRET), late, "GET", path, None)
        headers = {"x-access-key": ELLIPTIC_KEY, "x-access-timestamp": late, "x-access-sign": said}
        skewed = requests.get(url + path, headers=headers, timeout=5)
        assert skewed.status_code == 401 and "invalid timestamp" in skewed.headers["WWW-Authenticate"]
