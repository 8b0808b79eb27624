"""OFAC publications through dlt into a real warehouse: folders, the list service, and two real publications."""

from datetime import date, datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
import record_hashes

from ingestion import pipeline
from ingestion.deliveries import DeliveryError
from ingestion.watchlists import watchlists_source
from orchestration.soda import check_name, read_contracts, verify

REPOSITORY = Path(__file__).parents[2]
NULL = "-0- "


def publish(
    folder: Path, *numbers: int, remarks: str = "Digital Currency Address - XBT 149w62rY42aZBox8fGcmq."
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    entries = [f'{n},"NAME {n}",{NULL},"SDGT",{",".join([NULL] * 7)},"{remarks}"\r\n' for n in numbers]
    (folder / "sdn.csv").write_text("".join(entries), newline="")
    (folder / "add.csv").write_text(f'1,11,{NULL},"Havana","Cuba",{NULL}\r\n', newline="")
    (folder / "alt.csv").write_text(f'1,21,"aka","OTHER",{NULL}\r\n', newline="")
    (folder / "sdn_comments.csv").write_text("")


def load(ofac: Path | str | None = None, **more) -> object:
    source = watchlists_source(ofac_sdn_url=str(ofac) if ofac else None, retry_seconds=0.01, **more)
    return pipeline.run(source, "watchlists")


def query(sql: str) -> list[tuple]:
    with pipeline.warehouse() as connection:
        return connection.execute(sql).fetchall()


UNEXPLAINED = """
    select table_name, _extract_id, sum(stated), sum(landed)
    from (
        select table_name, extract_id as _extract_id, source_rows as stated, 0 as landed
        from raw_watchlists.control_totals
        union all select 'entries', _extract_id, 0, 1 from raw_watchlists.entries
        union all select 'names', _extract_id, 0, 1 from raw_watchlists.names
        union all select 'places', _extract_id, 0, 1 from raw_watchlists.places
        union all select 'identifiers', _extract_id, 0, 1 from raw_watchlists.identifiers
        union all select 'digital_currency_addresses', _extract_id, 0, 1 from raw_watchlists.digital_currency_addresses
        union all select table_name, extract_id, 0, 1 from raw_watchlists.rejects
    )
    group by all having sum(stated) <> sum(landed)
"""


def failed_checks() -> set[str]:
    failed = set()
    with pipeline.warehouse() as connection:
        for contract in read_contracts(REPOSITORY / "checks"):
            if contract.schema == "raw_watchlists":
                titles = {check_name(path): title for path, title in contract.checks.items()}
                failed |= {titles[r.check_name] for r in verify(contract, connection) if not r.passed}
    return failed


every_hash_agrees = record_hashes.agree_after_each_test("watchlists")


def test_publications_in_dated_folders_land_whole_and_once(home, tmp_path):
    publish(tmp_path / "in/2026-01", 1, 2)
    publish(tmp_path / "in/2026-02-15", 1, 3)
    load(tmp_path / "in", end=date(2026, 2, 1))
    load(tmp_path / "in")
    assert not load(tmp_path / "in").loads_ids
    assert query("select published_at, _known_at, entry_id, _record_no from raw_watchlists.entries order by all") == [
        (datetime(2026, 1, 1), datetime(2026, 1, 1), "1", 1),
        (datetime(2026, 1, 1), datetime(2026, 1, 1), "2", 2),
        (datetime(2026, 2, 15), datetime(2026, 2, 15), "1", 1),
        (datetime(2026, 2, 15), datetime(2026, 2, 15), "3", 2),
    ]
    assert query(UNEXPLAINED) == []


def test_a_folder_without_date_and_half_a_publication_are_clear_errors(home, tmp_path):
    publish(tmp_path / "a/newest", 1)
    with pytest.raises(DeliveryError, match="newest does not say when it was published"):
        load(tmp_path / "a")
    publish(tmp_path / "b/2026-01", 1)
    (tmp_path / "b/2026-01/alt.csv").unlink()
    with pytest.raises(DeliveryError, match=r"2026-01 lacks alt.csv"):
        load(tmp_path / "b")


@pytest.fixture
def list_service(tmp_path):
    """Serves <tmp_path>/served below /exports by redirects, with validators; `seen` lists (path, status)."""
    folder = tmp_path / "served"
    seen: list[tuple[str, int]] = []
    state = {"etag": 1, "modified": datetime(2026, 1, 10, 9, 30)}

    class Service(BaseHTTPRequestHandler):
        def do_GET(self):
            name = self.path.rpartition("/")[2]
            if self.path.startswith("/exports/"):
                self._answer(302, {"Location": f"/storage/{name}"})
            elif self.headers["If-None-Match"] == f'"{state["etag"]}"':
                self._answer(304)
            elif (folder / name).exists():
                headers = {"ETag": f'"{state["etag"]}"', "Last-Modified": format_datetime(state["modified"])}
                self._answer(200, headers, (folder / name).read_bytes())
            else:
                self._answer(404)

        def _answer(self, status, headers=(), body=b""):
            seen.append((self.path, status))
            self.send_response(status)
            for header in {**dict(headers), "Content-Length": str(len(body))}.items():
                self.send_header(*header)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Service)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield folder, f"http://127.0.0.1:{server.server_port}/exports", seen, state
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_list_service_is_asked_politely_and_its_publication_lands_when_it_changed(home, list_service):
    folder, base_url, seen, state = list_service
    publish(folder, 1, 2)
    load(base_url)
    assert query("select published_at, _known_at, count(*) from raw_watchlists.entries group by all") == [
        (datetime(2026, 1, 10, 9, 30), datetime(2026, 1, 10, 9, 30), 2)
    ]
    seen.clear()
    load(base_url)
    assert {status for path, status in seen if path.startswith("/storage")} == {304}
    # New validators over the same bytes are no new publication
    state["etag"] = 2
    load(base_url)
    assert query("select count(*) from raw_watchlists.entries") == [(2,)]
    publish(folder, 1, 2, 3)
    (folder / "sdn_comments.csv").unlink()
    state.update(etag=3, modified=datetime(2026, 2, 1))
    load(base_url)
    assert query("select published_at, count(*) from raw_watchlists.entries group by all order by all") == [
        (datetime(2026, 1, 10, 9, 30), 2),
        (datetime(2026, 2, 1), 3),
    ]
    assert query(UNEXPLAINED) == []


def test_two_real_publications_show_their_history(home, shared_data):
    load(shared_data / "watchlists/ofac")
    with pipeline.warehouse() as connection:
        landed = connection.sql("select * from raw_watchlists.entries").df()
    old, new = (
        landed[landed["published_at"].dt.year == year].set_index("entry_id")["record_text"] for year in (2019, 2021)
    )
    assert old.index.is_unique and new.index.is_unique
    kept = new.index.intersection(old.index)
    changed = new.loc[kept] != old.loc[kept]
    added, removed = new.index.difference(old.index), old.index.difference(new.index)
    assert (len(added), len(removed), int(changed.sum())) == (1858, 261, 836)
    assert landed["remarks"].str.len().max() > 1000  # the overflow is there
    mentions = query(
        "select published_at, is_overflow, count(*), count(distinct address) "
        "from raw_watchlists.digital_currency_addresses group by all order by all"
    )
    assert mentions == [
        (datetime(2019, 1, 1), False, 2, 2),
        (datetime(2021, 7, 1), False, 81, mentions[1][3]),
        (datetime(2021, 7, 1), True, 16, mentions[2][3]),
    ]
    assert query("select count(*) from raw_watchlists.rejects") == [(0,)]
    assert query(UNEXPLAINED) == []
    assert failed_checks() == set()
