"""Rejects are listed, shown and, once a mapping is put right, brought in exactly once."""

import json
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from rich.console import Console

from ingestion import arrivals, pipeline, replay
from ingestion.control_totals import record_hash
from ingestion.exchange import exchange_source
from ingestion.watchlists import ofac_csv, watchlists_source
from orchestration import rejects as open_ones

HEADER = "internal_transfer_id,from_account_id,to_account_id,asset_code,amount,status_code,event_at\n"
GOOD = "I1,A1,A2,EUR,1.00,completed,2026-01-01 10:00:00\n"
UNKNOWN = "I2,A1,A2,NEWCOIN,2.50,completed,2026-01-01 11:00:00\n"
BROKEN = "I3,A1,A2,EUR,1.2.3,completed,2026-01-01 12:00:00\n"


@pytest.fixture
def bucket(home: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "exchange"
    (folder / "delivery=2026-01-01").mkdir(parents=True)
    (folder / "delivery=2026-01-01" / "internal_transfers.csv").write_text(HEADER + GOOD + UNKNOWN + BROKEN)
    pipeline.run(exchange_source(bucket_url=str(folder)), "exchange")
    return folder


@pytest.fixture
def newcoin(monkeypatch: pytest.MonkeyPatch) -> None:
    """The mapping is put right: NEWCOIN is an asset now."""
    from ingestion import assets, validation

    known = assets.known_assets() | {"NEWCOIN"}
    monkeypatch.setattr(validation, "known_assets", lambda: known)


def rows(sql: str) -> list[tuple]:
    with duckdb.connect(str(pipeline.warehouse_path()), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def again(bucket: Path):
    return replay.replay("exchange", make=lambda: exchange_source(bucket_url=str(bucket)))


def test_nothing_comes_in_while_nothing_was_put_right(bucket):
    assert again(bucket) == replay.Outcome("exchange", {}, 2)
    assert replay.open_rejects("exchange").num_rows == 2


def test_a_record_comes_in_exactly_once_known_after_the_newest_delivery(bucket, newcoin):
    assert again(bucket) == replay.Outcome("exchange", {"internal_transfers": 1}, 1)
    assert again(bucket) == replay.Outcome("exchange", {}, 1)
    found = rows(
        "select internal_transfer_id, amount::varchar, _record_no, _known_at "
        "from raw_exchange.internal_transfers order by all"
    )
    assert [row[:3] for row in found] == [("I1", "1.000000000000000000", 1), ("I2", "2.500000000000000000", 2)]
    assert found[0][3] == datetime(2026, 1, 2)
    assert found[1][3] == datetime(2026, 1, 2, 0, 0, 0, 1)
    assert rows("select count(*), count(replayed_at), count(distinct reject_id) from raw_exchange.rejects") == [
        (3, 1, 2)
    ]


def test_the_sources_hash_is_that_of_raw_and_rejects(bucket):
    """So that one reject does not switch the comparison off; an amount nobody can read leaves it undecided."""
    ((stated,),) = rows(
        "select sum(source_hash) from raw_exchange.control_totals where table_name = 'internal_transfers'"
    )
    hashes = dict(rows("select record_no, record_hash from raw_exchange.rejects"))
    assert hashes == {2: record_hash("I2", Decimal("2.5")), 3: None}
    assert stated == record_hash("I1", Decimal(1)) + hashes[2] + record_hash("I3", None)


def test_only_the_chosen_ones_come_in(bucket, newcoin):
    (broken,) = [r["reject_id"] for r in replay.open_rejects("exchange").to_pylist() if r["record_no"] == 3]
    assert replay.replay("exchange", [broken], make=lambda: exchange_source(bucket_url=str(bucket))).brought_in == {}
    assert replay.open_rejects("exchange").num_rows == 2


def test_a_delivery_that_was_not_loaded_yet_stays_for_the_next_run(bucket, newcoin):
    later = bucket / "delivery=2026-01-02"
    later.mkdir()
    (later / "internal_transfers.csv").write_text(HEADER + GOOD.replace("I1", "I9"))
    again(bucket)
    assert rows("select count(*) from raw_exchange.internal_transfers where internal_transfer_id = 'I9'") == [(0,)]
    pipeline.run(exchange_source(bucket_url=str(bucket)), "exchange")
    assert rows("select count(*) from raw_exchange.internal_transfers where internal_transfer_id = 'I9'") == [(1,)]


def test_a_file_that_is_gone_is_named(bucket, newcoin):
    (bucket / "delivery=2026-01-01" / "internal_transfers.csv").unlink()
    with pytest.raises(replay.ReplayError, match="delivery=2026-01-01/internal_transfers.csv"):
        again(bucket)


def test_a_file_that_is_gone_keeps_back_no_other(bucket, request):
    later = bucket / "delivery=2026-01-02"
    later.mkdir()
    (later / "internal_transfers.csv").write_text(HEADER + UNKNOWN.replace("I2", "I4"))
    pipeline.run(exchange_source(bucket_url=str(bucket)), "exchange")
    (bucket / "delivery=2026-01-01" / "internal_transfers.csv").unlink()
    request.getfixturevalue("newcoin")
    outcome = again(bucket)
    assert (outcome.brought_in, outcome.still_rejected) == ({"internal_transfers": 1}, 2)
    assert [extract.rpartition(":")[0] for extract in outcome.unread] == ["delivery=2026-01-01/internal_transfers.csv"]
    assert rows("select internal_transfer_id from raw_exchange.internal_transfers order by 1") == [("I1",), ("I4",)]


def test_a_watchlists_reject_comes_in_from_its_folder(home, tmp_path, monkeypatch):
    """The list comes from a folder of publications, which the feed has under a setting of its own and no bucket_url."""
    folder, null = tmp_path / "ofac/2026-01-01", "-0- "
    folder.mkdir(parents=True)
    (folder / "sdn.csv").write_text(f'1,"NAME",{null},"SDGT",{",".join([null] * 8)}\r\n', newline="")
    (folder / "add.csv").write_text(f'1,11,{null},"Havana","Cuba",{null}\r\n', newline="")
    (folder / "alt.csv").write_text(f'1,No. 21,"aka","OTHER",{null}\r\n', newline="")
    (folder / "sdn_comments.csv").write_text("")
    monkeypatch.setenv("SOURCES__WATCHLISTS__OFAC_SDN_URL", str(tmp_path / "ofac"))
    pipeline.run(watchlists_source(), "watchlists")
    assert rows("select table_name, reason_code from raw_watchlists.rejects") == [("names", "invalid_number")]
    assert replay.replay("watchlists") == replay.Outcome("watchlists", {}, 1)
    strict = ofac_csv._read
    tolerant = lambda table, line, names: strict(table, [text.removeprefix("No. ") for text in line], names)  # noqa: E731
    monkeypatch.setattr(ofac_csv, "_read", tolerant)
    assert replay.replay("watchlists") == replay.Outcome("watchlists", {"names": 1}, 0)
    assert replay.replay("watchlists") == replay.Outcome("watchlists", {}, 0)
    assert rows("select name from raw_watchlists.names where name = 'OTHER'") == [("OTHER",)]


def test_a_record_that_its_sender_delivers_again_closes_its_reject(bucket):
    """As arrived, from when it came on; what was rejected stays in the history and counted where it was."""
    later = bucket / "delivery=2026-01-03"
    later.mkdir()
    (later / "internal_transfers.csv").write_text(HEADER + BROKEN.replace("1.2.3", "1.23"))
    pipeline.run(exchange_source(bucket_url=str(bucket)), "exchange")
    assert arrivals.close_arrived("exchange") == 1
    assert arrivals.close_arrived("exchange") == 0
    assert [row["record_no"] for row in replay.open_rejects("exchange").to_pylist()] == [2]
    (closed,) = replay.closed_rejects("exchange").to_pylist()
    assert (closed["record_no"], closed["closed_as_code"], closed["replayed_at"]) == (
        3,
        "arrived",
        datetime(2026, 1, 4),
    )
    assert closed["_extract_id"].startswith("delivery=2026-01-03/") and closed["raw_record"]
    assert rows("select count(*), count(distinct reject_id) from raw_exchange.rejects") == [(3, 2)]
    assert again(bucket) == replay.Outcome("exchange", {}, 1), "an old version does not come in behind the new one"

    said = Console(record=True, width=200)
    open_ones.show_list(said, open_ones.open_rejects(), open_ones.closed_rejects())
    open_ones.show_list(said, open_ones.closed_rejects(), open_ones.closed_rejects(), is_closed=True)
    text = said.export_text()
    assert "1 open rejects" in text and "Closed: 1 arrived. All of them: plumbline rejects list --closed." in text
    assert "1 closed rejects" in text and "arrived 2026-01-04 00:00" in text


def test_a_row_that_was_there_before_closes_nothing(bucket):
    """The reject is of a later version of what is known already."""
    later = bucket / "delivery=2026-01-03"
    later.mkdir()
    (later / "internal_transfers.csv").write_text(HEADER + GOOD.replace("1.00", "1.0.0"))
    pipeline.run(exchange_source(bucket_url=str(bucket)), "exchange")
    assert arrivals.close_arrived("exchange") == 0
    assert replay.open_rejects("exchange").num_rows == 3


def test_an_entry_of_a_list_that_is_published_well_again_closes_its_reject(home, tmp_path):
    null = "-0- "
    for day, entry in (("2026-01-01", '7,"too","few"'), ("2026-01-02", f'7,"NAME",{null},"X",{",".join([null] * 8)}')):
        folder = tmp_path / "ofac" / day
        folder.mkdir(parents=True)
        good = "".join(f'{n},"NAME",{null},"X",{",".join([null] * 8)}\r\n' for n in (1, 2))
        (folder / "sdn.csv").write_text(f"{good}{entry}\r\n", newline="")
        (folder / "add.csv").write_text(f'1,11,{null},"Havana","Cuba",{null}\r\n', newline="")
        (folder / "alt.csv").write_text(f'1,21,"aka","OTHER",{null}\r\n', newline="")
        pipeline.run(watchlists_source(ofac_sdn_url=str(tmp_path / "ofac")), "watchlists")
        assert arrivals.close_arrived("watchlists") == (day == "2026-01-02")
    assert replay.open_rejects("watchlists").num_rows == 0


def test_a_killed_replay_is_replayed_whole(bucket, newcoin, monkeypatch):
    # As a kill leaves it: rows are in the table and the load is not noted as complete.
    again(bucket)
    with duckdb.connect(str(pipeline.warehouse_path())) as connection:
        connection.execute(
            "delete from raw_exchange._dlt_loads "
            "where inserted_at = (select max(inserted_at) from raw_exchange._dlt_loads)"
        )
    assert again(bucket).brought_in == {"internal_transfers": 1}
    assert rows("select count(*) from raw_exchange.internal_transfers") == [(2,)]


@pytest.mark.nightly
def test_the_accounting_follows_a_replay(home_copy, code_copy, plumbline, status):
    before = feed(status(home_copy))
    listed = json.loads(plumbline("rejects", "list", "--json", "--feed", "exchange", home=home_copy).stdout)
    assert len(listed) == before["rejected_rows"]
    unknown = [row for row in listed if row["reason_code"] == "unknown_asset"]
    assert unknown
    shown = plumbline("rejects", "show", unknown[0]["reject_id"][:10], home=home_copy)
    assert json.loads(shown.stdout)["raw_record"] == unknown[0]["raw_record"]
    assert "unknown_asset" not in plumbline("rejects", "list", "--feed", "kyc", home=home_copy).stdout

    with (code_copy / "dbt_project/seeds/assets.csv").open("a") as seed:
        seed.write("???,Asset that was missing here,fiat,,,2,\n")
    said = plumbline("rejects", "replay", home=home_copy, code=code_copy)
    assert said.returncode == 0, said.stderr
    assert f"{len(unknown)} of" in said.stdout
    assert plumbline("run", home=home_copy, code=code_copy).returncode == 0

    after = feed(status(home_copy))
    assert after["rejected_rows"] == before["rejected_rows"] - len(unknown)
    assert after["raw_rows"] == before["raw_rows"] + len(unknown)
    assert (after["source_rows"], after["unexplained_rows"]) == (before["source_rows"], 0)


def feed(accounting: dict) -> dict:
    return next(row for row in accounting["feeds"] if row["feed"] == "exchange")
