"""Case systems over real HTTP on loopback: their lists land whole, changes as new rows, and what is odd is seen."""

import json
from datetime import date, datetime
from pathlib import Path

import pytest
import record_hashes
from aiohttp import web

from ingestion import pipeline
from ingestion.cases import cases_source
from ingestion.cases.parse import RECORDS
from ingestion.cases.wire import Listing
from ingestion.vendor import VendorError, VendorUnavailable
from orchestration.soda import check_name, read_contracts, verify
from sandbox.vendor import in_thread, marble, unit21

REPOSITORY = Path(__file__).parents[2]
HEADER = (
    "case_id,alert_id,scenario_id,party_id,window_start_date,window_end_date,opened_at,status_code,decided_at,"
    "outcome_code,sar_filed_at,investigator_id,qa_result_code"
)


def write_world(folder: Path, cases: int) -> Path:
    """Cases opened on the first day; on the second, one is closed as false positive and one reported."""
    opened = "2026-01-01T09:00:00Z"
    days = {
        "2026-01-01": [f"C{n:03},,tm01,P{n},2025-12-01,2025-12-31,{opened},open,,,,INV-1," for n in range(cases)],
        "2026-01-02": [
            f"C000,,tm01,P0,2025-12-01,2025-12-31,{opened},closed,2026-01-02T10:00:00Z,false_positive,,INV-1,pass",
            f"C001,,tm01,P1,2025-12-01,2025-12-31,{opened},closed,2026-01-02T10:00:00Z,sar_filed,2026-01-02T13:00:00Z,INV-1,",
        ],
    }
    for day, rows in days.items():
        delivery = folder / f"landing/cases/delivery={day}"
        delivery.mkdir(parents=True)
        (delivery / "outcomes.csv").write_text("\n".join([HEADER, *rows]) + "\n")
        manifest = {"delivered_at": f"{day}T23:00:00Z", "files": [{"name": "outcomes.csv", "table": "outcomes"}]}
        (delivery / "_manifest.json").write_text(json.dumps(manifest))
    return folder


class Both:
    """Marble and Unit21 as one handler, without the rest of the vendor sandbox."""

    def __init__(self, world: Path) -> None:
        self.marble, self.unit21 = marble.Marble(world), unit21.Unit21(world)
        self.asked: list[str] = []

    def until(self, day: date) -> None:
        self.marble.world.until = self.unit21.world.until = day

    async def __call__(self, request: web.BaseRequest) -> web.Response:
        path, _, query = request.raw_path.partition("?")
        self.asked.append(request.raw_path)
        vendor = self.marble if path.startswith("/marble/") else self.unit21
        return await vendor(request, path.partition("/v1")[1] + path.partition("/v1")[2], query)


@pytest.fixture
def server(tmp_path):
    handler = Both(write_world(tmp_path / "world", 230))
    handler.until(date(2026, 1, 1))
    with in_thread(handler) as url:
        handler.url = url
        yield handler


def load(url: str, **more) -> object:
    keys = {"marble_api_key": marble.KEY, "unit21_api_key": unit21.KEY}
    settings = {"marble_base_url": f"{url}/marble", "unit21_base_url": f"{url}/unit21/v1", **keys, **more}
    return pipeline.run(cases_source(**settings), "cases")


def query(sql: str) -> list[tuple]:
    with pipeline.warehouse() as connection:
        return connection.execute(sql).fetchall()


def failed_checks() -> set[str]:
    failed = set()
    with pipeline.warehouse() as connection:
        for contract in read_contracts(REPOSITORY / "checks"):
            if contract.schema == "raw_cases":
                titles = {check_name(path): title for path, title in contract.checks.items()}
                failed |= {titles[r.check_name] for r in verify(contract, connection) if not r.passed}
    return failed


every_hash_agrees = record_hashes.agree_after_each_test("cases")


def test_everything_is_listed_once_and_a_change_is_a_new_row(home, server):
    load(server.url)
    counts = "select vendor_code, record_type_code, count(*) from raw_cases.records group by all order by all"
    first = [("marble", "alert", 230), ("marble", "case", 230), ("unit21", "alert", 230), ("unit21", "case", 230)]
    assert query(counts) == first
    assert [path for path in server.asked if "/cases" in path and "marble" in path][0].endswith("order=ASC&limit=100")
    totals = "select source_uri, captured_by, sum(source_rows) from raw_cases.control_totals group by all order by 1"
    assert query(totals) == [
        ("marble/v1beta/cases", "independent_count", 230),
        ("marble/v1beta/decisions", "independent_count", 230),
        ("unit21/alerts/list", "api_total", 230),
        ("unit21/cases/list", "api_total", 230),
    ]
    assert not load(server.url).loads_ids

    server.until(date(2026, 1, 2))
    assert load(server.url).loads_ids
    assert query("select record_type_code, count(*) from raw_cases.records where vendor_code = 'unit21' group by 1") \
        and query(counts) == [(vendor, kind, 232) for vendor, kind, _ in first] + [("unit21", "sar", 1)]  # fmt: skip
    changed = query(
        "select vendor_outcome_code, _known_at, decided_at from raw_cases.records "
        "where vendor_code = 'unit21' and record_type_code = 'case' and _known_at > '2026-01-01 12:00' order by 1"
    )
    decided = datetime(2026, 1, 2, 10)
    assert changed == [
        ("FALSE_POSITIVE", decided, decided),
        ("SAR_FILED", datetime(2026, 1, 2, 13), decided),
    ]
    # Marble does not say when a case changed: it was known when Marble answered
    assert query(
        "select distinct _known_at from raw_cases.records "
        "where vendor_code = 'marble' and vendor_status_code = 'closed'"
    ) == [(datetime(2026, 1, 3),)]
    assert not load(server.url).loads_ids
    assert failed_checks() == set()


def test_a_wrong_key_an_absent_key_and_a_wrong_address_say_what_to_set(home, server):
    with pytest.raises(VendorError, match="SOURCES__CASES__MARBLE_API_KEY"):
        load(server.url, marble_api_key="wrong")
    with pytest.raises(VendorError, match="SOURCES__CASES__UNIT21_API_KEY"):
        load(server.url, unit21_api_key=None)
    with pytest.raises(VendorError, match="SOURCES__CASES__UNIT21_BASE_URL is the base"):
        load(server.url, unit21_base_url=f"{server.url}/unit21/v1/wrong")


def test_the_sandbox_refuses_what_the_vendors_refuse(server):
    import requests

    key = {"X-API-KEY": marble.KEY}
    pages = f"{server.url}/marble/v1beta/cases"
    assert requests.get(pages, timeout=9).status_code == 401
    assert requests.get(f"{pages}?limit=101", headers=key, timeout=9).status_code == 400
    last = requests.get(f"{pages}?limit=100&after={_after(pages, key, 2)}", headers=key, timeout=9).json()
    assert len(last["data"]) == 30 and "pagination" not in last
    lists = f"{server.url}/unit21/v1/cases/list"
    assert requests.post(lists, json={}, timeout=9).status_code == 401
    assert requests.get(lists, headers={"u21-key": unit21.KEY}, timeout=9).status_code == 405
    assert requests.post(lists, json={"limit": 500}, headers={"u21-key": unit21.KEY}, timeout=9).status_code == 400


def _after(pages: str, key: dict, count: int) -> str:
    import requests

    after = ""
    for _ in range(count):
        answer = requests.get(f"{pages}?limit=100{after}", headers=key, timeout=9).json()
        after = f"&after={answer['pagination']['next_page_id']}"
    return answer["pagination"]["next_page_id"]


class Odd:
    """Unit21 with lists of the test's own making."""

    def __init__(self, **lists: list) -> None:
        self.lists, self.shift = lists, 0

    async def __call__(self, request: web.BaseRequest) -> web.Response:
        name = request.raw_path.split("/")[-2]
        asked = json.loads(await request.read())
        records = self.lists.get(name, [])
        page = records[max(asked["offset"] - self.shift, 0) :][: asked["limit"]]
        return web.json_response({name: page, "response_count": len(page), "total_count": len(records)})


def test_a_record_that_cannot_be_used_is_rejected_once_and_counted(home):
    good = {"unit21_id": 1, "created_at": 1767225600, "status": "OPEN", "disposition": None, "weight": 1.10}
    bad = [
        {"unit21_id": 2, "created_at": "yesterday", "status": "OPEN"},
        {"created_at": 1767225600, "status": "OPEN"},
        {"unit21_id": 4, "created_at": 1767225600, "status": "OPEN", "dispositioned_at": 1767139200},
        {"unit21_id": 5, "created_at": 1767225600},
    ]
    with in_thread(Odd(alerts=[good, *bad])) as url:
        load(url, marble_base_url=None, unit21_base_url=url)
        assert not load(url, marble_base_url=None, unit21_base_url=url).loads_ids
    assert query("select record_id, answer_json from raw_cases.records") == [
        ("1", '{"unit21_id":1,"created_at":1767225600,"status":"OPEN","disposition":null,"weight":1.1}')
    ]
    assert query("select reason_code from raw_cases.rejects order by all") == [
        ("decided_before_opened",), ("invalid_timestamp",), ("missing_identifier",), ("missing_member",),
    ]  # fmt: skip
    assert failed_checks() == {"Rejected records in percent of delivered records"}


def test_a_list_that_is_gone_or_renamed_is_no_empty_list(home):
    async def renamed(request: web.BaseRequest) -> web.Response:
        return web.json_response({"records": [], "pagination": {}})

    async def empty(request: web.BaseRequest) -> web.Response:
        return web.json_response({"data": None}, headers={"Date": "Thu, 01 Jan 2026 00:00:00 GMT"})

    with in_thread(renamed) as url, pytest.raises(VendorError, match="marble answered /v1beta/cases without its list"):
        load(url, unit21_base_url=None)
    with in_thread(empty) as url:
        load(url, unit21_base_url=None)
    assert query("select count(*) from raw_cases.records") == [(0,)]


@pytest.mark.parametrize("change", [{}, {"status": "OPEN", "created_at": {"seconds": 1767225600}}])
def test_a_member_that_most_records_lack_or_have_otherwise_stops_the_feed(home, change):
    records = [{"unit21_id": n, "created_at": 1767225600, "state": "OPEN"} | change for n in range(5)]
    with in_thread(Odd(alerts=records)) as url, pytest.raises(VendorError, match="no longer answers as its contract"):
        load(url, marble_base_url=None, unit21_base_url=url)
    assert not pipeline.warehouse_path().exists()


def test_a_member_that_nobody_knows_is_kept_and_noted(home):
    record = {"unit21_id": 1, "created_at": 1767225600, "status": "OPEN", "mood": "sunny"}
    with in_thread(Odd(alerts=[record])) as url:
        source = cases_source(unit21_base_url=url, unit21_api_key=unit21.KEY)
        pipeline.run(source, "cases")
    assert source.resources["control_totals"].added_fields == {"unit21/alerts/list.mood"}
    assert query("select answer_json like '%sunny%' from raw_cases.records") == [(True,)]


def test_a_change_without_a_later_time_of_change_was_known_when_it_was_answered(home):
    handler = Odd(cases=[{"unit21_id": 1, "created_at": 1767225600, "status": "OPEN"}])
    with in_thread(handler) as url:
        load(url, marble_base_url=None, unit21_base_url=url)
        handler.lists["cases"] = [{"unit21_id": 1, "created_at": 1767225600, "status": "CLOSED"}]
        load(url, marble_base_url=None, unit21_base_url=url)
    first, second = query("select vendor_status_code, _known_at from raw_cases.records order by _known_at")
    assert first == ("OPEN", datetime(2026, 1, 1)) and second[0] == "CLOSED" and second[1] > datetime(2026, 1, 1)


def test_a_record_the_reader_lost_is_missed_on_the_wire(home, monkeypatch):
    real = Listing.add

    def loses_one(self, answer, member):
        page = real(self, answer, member)
        self.records.pop()
        return page

    monkeypatch.setattr(Listing, "add", loses_one)
    handler = Both.__new__(Both)
    handler.marble, handler.asked = marble.Marble(write_world(home.parent / "world", 3)), []
    with in_thread(handler) as url:
        load(url, unit21_base_url=None)
    assert "Every record of an extract is loaded or rejected" in failed_checks()


def test_a_list_that_moves_while_it_is_read_is_not_taken_for_whole(home):
    handler = Odd(cases=[{"unit21_id": n, "created_at": 1767225600, "status": "OPEN"} for n in range(150)])
    handler.shift = -1  # one case went out between two pages: a record never comes
    with in_thread(handler) as url, pytest.raises(VendorUnavailable, match="has 150 records"):
        load(url, marble_base_url=None, unit21_base_url=url)


def test_files_of_records_and_a_vendor_land_beside_each_other(home, server, tmp_path):
    delivery = tmp_path / "in/delivery=2026-01-03"
    delivery.mkdir(parents=True)
    columns = ",".join(column.name for column in RECORDS.columns)
    rows = ["other,qa,Q1,2026-01-02T00:00:00Z,,,PASSED,C9,,,,,,,,,", "other,sar,S1,someday,,,,,,,,,,,,,"]
    (delivery / "records.csv").write_text("\n".join([columns, *rows]) + "\n")
    load(server.url, bucket_url=str(tmp_path / "in"))
    assert query("select count(*) from raw_cases.records where vendor_code = 'other'") == [(1,)]
    assert query("select count(*) from raw_cases.records") == [(921,)]
    assert query("select reason_code from raw_cases.rejects") == [("invalid_timestamp",)]
    assert failed_checks() <= {"Rejected records in percent of delivered records"}
