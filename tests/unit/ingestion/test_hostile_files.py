"""Whatever bytes lie where a canonical file should: every record is a row or a reject, or the file is refused with a
DeliveryError that names it. Nothing crashes, and memory does not grow with a line."""

import io
import json
import os
import re
import subprocess
import sys
from datetime import date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from dlt.extract import DltSource
from dlt.extract.exceptions import ResourceExtractionError
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ingestion import tabular
from ingestion.bank import bank_source
from ingestion.behaviour import behaviour_source
from ingestion.canonical import Extraction
from ingestion.deliveries import LONGEST_LINE, DeliveredFile, Delivery, DeliveryError, deliveries
from ingestion.exchange import exchange_source
from ingestion.kyc import kyc_source
from ingestion.onchain import bitcoin, bulk, count, onchain_source
from ingestion.tabular import AMOUNT, TIMESTAMP, Column, Table
from ingestion.tagpacks import tagpacks_source
from ingestion.travel_rule import travel_rule_source
from ingestion.vendor import VendorError
from ingestion.watchlists import watchlists_source

REPOSITORY = Path(__file__).parents[3]
TABLE = Table(
    "deposits",
    (Column("id", required=True), Column("amount", AMOUNT), Column("at", TIMESTAMP, required=True)),
    key=("id",),
    event="at",
    amount="amount",
)
HEADER = b"id,amount,at\n"
LINE = b"a,1.5,2026-01-01T00:00:00Z\n"
MANY = settings(max_examples=250, suppress_health_check=[HealthCheck.function_scoped_fixture])


def extracted(folder: Path, content: bytes | None, name: str = "deposits.csv") -> tuple[list[dict], list[dict]]:
    """Rows and rejects of one file without a manifest, after they agree with the independent count."""
    path = folder / name
    if content is not None:
        path.write_bytes(content)
    file = DeliveredFile(path, path.name, "deposits", path.name, f"{path.name}:00")
    delivery = Delivery(folder, "D", datetime(2026, 1, 3), date(2026, 1, 2), [file])
    extraction = Extraction("f", (TABLE,), [delivery])
    rows = [row for table in list(extraction.rows(TABLE)) for row in table.to_pylist()]
    counted = [total for table in extraction.totals() for total in table.to_pylist()]
    rejected = [row for table in extraction.rejects() for row in table.to_pylist()]
    numbers = [row["_record_no"] for row in rows] + [reject["record_no"] for reject in rejected]
    assert sorted(numbers) == list(range(1, sum(total["source_rows"] for total in counted) + 1))
    return rows, rejected


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        ((HEADER + LINE).decode().encode("utf-16"), "is UTF-16"),
        ((HEADER + LINE).decode().encode("utf-16-be"), "lacks the column"),
        (b"id,amount,at,id\n", "has more than once the column id"),
        (b"id,amount\n", "lacks the column at"),
        (b"id,amount,at,extra\n", "has the unknown column extra"),
        (b"ID,amount,at\n", "lacks the column id"),
        (b" id,amount,at\n", "lacks the column id"),
        (LINE + LINE, "lacks the column id, amount, at"),
        (HEADER + b'"' + LINE + LINE, "has a quote that is never closed"),
        (HEADER + LINE + b'"b"x"', "has a quote that is never closed"),
        (b"\n\n\n", "cannot be read as CSV"),
        (b"\0" * 100, "cannot be read as CSV"),
        (HEADER[:-1], "cannot be read as CSV"),
        (b"\x1f\x8b\x08\0" + bytes(range(128, 256)) + b"\n", "lacks the column"),
        (b"\xff" * 50 + b"\n" + b"\xfe", "lacks the column|is UTF-16"),
    ],
)
def test_a_file_that_cannot_be_meant_is_refused_by_name(tmp_path, content, says):
    with pytest.raises(DeliveryError, match=says) as refused:
        extracted(tmp_path, content)
    assert str(tmp_path / "deposits.csv") in str(refused.value)


@pytest.mark.parametrize(
    ("content", "good", "bad"),
    [
        (b"\xef\xbb\xbf" + HEADER + LINE, 1, []),
        (HEADER.replace(b"\n", b"\r\n") + LINE.replace(b"\n", b"\r\n"), 1, []),
        (HEADER.replace(b"\n", b"\r") + LINE.replace(b"\n", b"\r") * 2, 2, []),
        (HEADER + LINE.replace(b"\n", b"\r\n") + LINE, 2, []),
        (b"\n\r\n" + HEADER + b"\n" + LINE + b"\n\n", 1, []),
        (b'"at","id","amount"\n2026-01-01T00:00:00Z,"a ""b"",\nc",1\n', 1, []),
        (HEADER + b"#" + LINE, 1, []),
        (HEADER + LINE + LINE[:-9], 1, ["invalid_timestamp"]),  # cut in the middle of a value
        (HEADER + LINE + b"b,1", 1, ["malformed_row"]),  # cut in the middle of a record
        (HEADER + LINE + b"\xff\xfe,2\n" + LINE, 2, ["malformed_row"]),
        (HEADER + b"a\0," + LINE[2:] + b"\0\n" + LINE, 1, ["malformed_row", "invalid_text"]),
        (HEADER + "Zoë,1,2026-01-01T00:00:00Z\n".encode("latin-1") + LINE, 1, ["invalid_text"]),
        (HEADER + "Zoë,1,2026-01-01T00:00:00Z\n".encode() + b"b\xff,1,2026-01-01T00:00:00Z\n", 1, ["invalid_text"]),
        (HEADER + b"a,1,2026-01-01T00:00:00Z,\n" + LINE, 1, ["malformed_row"]),
        (HEADER + b"a" * 3_000_000 + LINE, 1, []),
        (HEADER + b'"' + b"a\n" * 100_000 + b'",1,2026-01-01T00:00:00Z\n' + b"x\n", 1, ["malformed_row"]),
        (HEADER, 0, []),
    ],
)
def test_every_record_is_a_row_or_a_reject_with_its_reason(tmp_path, content, good, bad):
    rows, rejected = extracted(tmp_path, content)
    assert (len(rows), [reject["reason_code"] for reject in rejected]) == (good, bad)
    assert not any("\0" in reject["raw_record"] for reject in rejected)


def test_a_character_that_is_not_utf8_leaves_its_neighbours_as_they_are(tmp_path):
    rows, (reject,) = extracted(tmp_path, HEADER + "Zoë,1,2026-01-01T00:00:00Z\n".encode() + b"\xff,2\n")
    assert rows[0]["id"] == "Zoë"
    assert reject["raw_record"] == "\\xff,2" and "2 fields, the header has 3" in reject["reason"]


pieces = [
    b"", b'"a\nb",1,2026-01-01T00:00:00Z', b'"', b'""', b"a,b", b"a,,,,", b"\0,1,2026-01-01T00:00:00Z", b"\xff,1,x",
    b'a"b,1,2026-01-01T00:00:00Z', b'"a"b,1,2026-01-01T00:00:00Z', b" ", b"\r", b"#x,1,2026-01-01T00:00:00Z", b"\\N,,",
    b"\xef\xbb\xbfa,1,2026-01-01T00:00:00Z", b'a,1,2026-01-01T00:00:00Z,"x', LINE[:-1],
]  # fmt: skip
headers = [HEADER, b"\xef\xbb\xbf" + HEADER, b'"id","at","amount"\n', b"\n" + HEADER, b"id,amount,at,\n"]
lines = st.lists(st.one_of(st.sampled_from(pieces), st.just(LINE[:-1]), st.binary(max_size=12)), max_size=6)
files = st.one_of(
    st.binary(max_size=60),
    st.builds(
        lambda header, some, end, last: header.replace(b"\n", end) + end.join(some) + last,
        st.sampled_from(headers),
        lines,
        st.sampled_from([b"\n", b"\r\n", b"\r"]),
        st.sampled_from([b"", b"\n", b"\n\n", b"\r\n"]),
    ),
)


@MANY
@given(files)
@example(HEADER + b"#" + LINE[:-1] + b"\r\n")  # DuckDB took a line for a comment
@example(b"\xef\xbb\xbf" + HEADER[:-1] + b"\r#" + LINE)  # and missed a record behind a lone CR
@example(b"\n" + HEADER)  # and counted the header
@example(HEADER + b"\xff,\n" + LINE)  # Arrow forgot a row it could not decode
def test_any_bytes_are_accounted_for_or_refused(tmp_path, content):
    try:
        extracted(tmp_path, content)
    except DeliveryError as refused:
        assert str(tmp_path) in str(refused)


def parquet(rows: int = 400) -> bytes:
    at = pa.array([datetime(2026, 1, 1)] * rows, TIMESTAMP)
    table = pa.table({"id": [f"a{n}" for n in range(rows)], "amount": pa.array([1] * rows, AMOUNT), "at": at})
    sink = io.BytesIO()
    pq.write_table(table, sink, row_group_size=100)
    return sink.getvalue()


WHOLE = parquet()


@MANY
@given(st.integers(0, len(WHOLE) - 1), st.integers(0, 255), st.booleans())
def test_a_damaged_parquet_file_is_read_or_refused(tmp_path, place, value, is_cut):
    content = WHOLE[:place] if is_cut else WHOLE[:place] + bytes([value]) + WHOLE[place + 1 :]
    try:
        rows, rejected = extracted(tmp_path, content, "deposits.parquet")
        assert len(rows) + len(rejected) == 400
    except DeliveryError as refused:
        assert str(tmp_path) in str(refused)


def test_a_large_parquet_file_is_read_some_row_groups_at_a_time(tmp_path, monkeypatch):
    monkeypatch.setattr(tabular, "PIECE_ROWS", 250)
    (tmp_path / "deposits.parquet").write_bytes(WHOLE)
    assert tabular.pieces(tmp_path / "deposits.parquet") == [(range(0, 2), 1), (range(2, 4), 201)]
    rows, rejected = extracted(tmp_path, None, "deposits.parquet")
    assert [(row["id"], row["_record_no"]) for row in rows] == [(f"a{n}", n + 1) for n in range(400)]
    monkeypatch.setattr(tabular, "PIECE_ROWS", 1)
    assert [row["id"] for row in extracted(tmp_path, None, "deposits.parquet")[0]] == [f"a{n}" for n in range(400)]


def test_a_row_group_too_large_for_memory_is_refused_before_it_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(tabular, "LARGEST_ROW_GROUP", 99)
    with pytest.raises(DeliveryError, match="has a row group of 100 rows: write row groups of 99 rows at most"):
        extracted(tmp_path, WHOLE, "deposits.parquet")


def test_a_compressed_file_is_none_of_the_expected_ones(tmp_path):
    (tmp_path / "delivery=2026-01-01").mkdir()
    (tmp_path / "delivery=2026-01-01" / "deposits.csv.gz").write_bytes(b"\x1f\x8b")
    with pytest.raises(DeliveryError, match=r"deposits\.csv\.gz is none of the expected files"):
        deliveries(str(tmp_path), {"deposits.csv": "deposits"})


TOTAL = {"event_date": "2026-01-01", "asset_code": None, "rows": 1, "amount": "1.5", "hash": "7"}
FILE = {"name": "deposits.csv", "table": "deposits", "rows": 1, "totals": [TOTAL]}
MANIFEST = {"delivered_at": "2026-01-02T02:00:00Z", "business_date": "2026-01-01", "delivery_id": "D", "files": [FILE]}
odd = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=4), st.lists(st.none(), max_size=1),
    st.just({}), st.sampled_from(["NaN", "-1", "1e99", "0001-01-01T00:00:00+01:00", 10**40, -1, "../x", "/x"]),
)  # fmt: skip


@st.composite
def manifests(draw) -> bytes:
    """A manifest with one or two members replaced by something odd."""
    made = json.loads(json.dumps(MANIFEST))
    for _ in range(draw(st.integers(1, 2))):
        whole, entry = made, made.get("files")
        places = [whole]
        if isinstance(entry, list) and entry and isinstance(entry[0], dict):
            places.append(entry[0])
            if isinstance(entry[0].get("totals"), list) and entry[0]["totals"]:
                places += [total for total in entry[0]["totals"] if isinstance(total, dict)]
        place = draw(st.sampled_from(places))
        place[draw(st.sampled_from(sorted({*place, "sha256"})))] = draw(odd)
    return json.dumps(made).encode()


@MANY
@given(st.one_of(manifests(), st.binary(max_size=40)))
@example(b"[" * 100_000)
def test_a_manifest_of_any_shape_is_understood_or_refused(tmp_path, content):
    folder = tmp_path / "delivery=2026-01-01"
    folder.mkdir(exist_ok=True)
    (folder / "deposits.csv").write_bytes(HEADER + LINE)
    (folder / "_manifest.json").write_bytes(content)
    try:
        (delivery,) = deliveries(str(tmp_path), {"deposits.csv": "deposits"})
        if all(file.table == "deposits" for file in delivery.files):
            list(Extraction("f", (TABLE,), [delivery]).totals())
    except DeliveryError as refused:
        assert str(tmp_path) in str(refused)


def landing_place(path: Path) -> str:
    return str(path.parents[1])


# Every reader of files: what its file is called, and the source that reads it from <folder>/delivery=2026-01-01.
READERS = {
    "canonical CSV": ("deposits.csv", lambda path: exchange_source(bucket_url=landing_place(path))),
    "behaviour": ("events.csv", lambda path: behaviour_source(bucket_url=landing_place(path))),
    "Ethereum lines": ("ethereum_transactions.json", lambda path: onchain_source(bucket_url=landing_place(path))),
    "Ethereum CSV": ("ethereum_token_transfers.csv", lambda path: onchain_source(bucket_url=landing_place(path))),
    "Bitcoin lines": ("bitcoin_transactions.json", lambda path: onchain_source(bucket_url=landing_place(path))),
    "recorded RPC": ("1-eth_getBlockByNumber.json", lambda path: onchain_source(bucket_url=landing_place(path))),
    "travel rule lines": ("messages.jsonl", lambda path: travel_rule_source(bucket_url=landing_place(path))),
    "travel rule document": ("messages.json", lambda path: travel_rule_source(bucket_url=landing_place(path))),
    "TagPack": ("pack.yaml", lambda path: tagpacks_source(bucket_url=landing_place(path))),
    "webhooks": (
        "webhooks.jsonl",
        lambda path: kyc_source(onfido_webhooks_url=landing_place(path), onfido_webhook_secret="s"),
    ),
    "OFAC CSV": ("sdn.csv", lambda path: watchlists_source(ofac_sdn_url=landing_place(path))),
    "OFAC XML": ("sdn.xml", lambda path: watchlists_source(ofac_sdn_url=landing_place(path))),
    "OFAC advanced XML": ("sdn_advanced.xml", lambda path: watchlists_source(ofac_sdn_url=landing_place(path))),
    "UN XML": ("consolidated.xml", lambda path: watchlists_source(un_sc_url=landing_place(path))),
    "EU XML": ("list.xml", lambda path: watchlists_source(eu_fsf_url=landing_place(path))),
    "UK XML": ("list.xml", lambda path: watchlists_source(uk_sl_url=landing_place(path))),
    "UK CSV": ("list.csv", lambda path: watchlists_source(uk_sl_url=landing_place(path))),
    "OpenSanctions": ("entities.ftm.json", lambda path: watchlists_source(opensanctions_url=landing_place(path))),
    "OpenSanctions changes": (
        "entities.delta.json",
        lambda path: watchlists_source(opensanctions_url=landing_place(path)),
    ),
    "camt": ("statement.xml", lambda path: bank_source(bucket_url=landing_place(path))),
    "MT940": ("statement.sta", lambda path: bank_source(bucket_url=landing_place(path))),
}
TEXT = {
    "nothing": b"",
    "NUL bytes": b"\0" * 1_000,
    "UTF-16": '{"id": "a"}\n'.encode("utf-16"),
    "another encoding": b'{"id": "\xe9\xff"}\n{"id": "b"}\n',
    "cut off": b'{"id": "a"}\n{"id": "b", "properties": {"na',
}
NESTED = {
    "half a character": b'{"id": "\\ud800"}\n',
    "lists within lists": b"[" * 100_000 + b"\n",
    "deep and complete": b'{"id": ' + b"[" * 900 + b"]" * 900 + b"}\n",
    "an endless number": b'{"id": ' + b"9" * 5_000 + b"}\n",
    "a number that is none": b'{"id": NaN}\n',
}
DOCUMENTS = {
    "an XML bomb": b'<!DOCTYPE a [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]><a>&b;</a>',
    "another document": b"<html><body/></html>",
}


def hostile(reader: str) -> dict[str, bytes]:
    """What may lie where the file of a reader should."""
    suffix = READERS[reader][0].rpartition(".")[2]
    # Of a line that nests too deeply DuckDB takes what it knows, and the count of Bitcoin's lines takes nothing
    nested = {
        name: content for name, content in NESTED.items() if (reader, name) != ("Bitcoin lines", "deep and complete")
    }
    return TEXT | (nested if suffix in ("json", "jsonl", "yaml") else DOCUMENTS if suffix == "xml" else {})


def hostile_file(folder: Path, name: str) -> Path:
    """Where the file of a reader lies; a publication of OFAC in CSV is complete with its other files."""
    path = folder / "landing" / "delivery=2026-01-01" / name
    path.parent.mkdir(parents=True)
    for other in ("add.csv", "alt.csv") if name == "sdn.csv" else ():
        (path.parent / other).write_text('1,1,"x","x","x",-0-\n' if other == "add.csv" else '1,1,"aka","x",-0-\n')
    return path


def landed(source: DltSource) -> dict[str, list[dict]]:
    """The rows that a source brings, by table. Raises what the reader raises."""
    try:
        return {
            name: [row for table in resource for row in table.to_pylist()]
            for name, resource in source.resources.items()
        }
    except ResourceExtractionError as error:
        raise error.__cause__ from None


@pytest.mark.parametrize(("reader", "name"), [(reader, name) for reader in READERS for name in hostile(reader)])
def test_a_hostile_file_is_accounted_for_or_refused_by_name(tmp_path, monkeypatch, reader, name):
    content = hostile(reader)[name]
    monkeypatch.setenv("PLUMBLINE_HOME", str(tmp_path / "home"))
    file_name, source_of = READERS[reader]
    path = hostile_file(tmp_path, file_name)
    path.write_bytes(content)
    try:
        found = landed(source_of(path))
    except DeliveryError as refused:
        assert str(path) in str(refused)
        return
    except VendorError as changed:  # what can be read of the list lacks what its publisher promised
        assert "the publication (" in str(changed)
        return
    totals, rejected = found.pop("control_totals"), found.pop("rejects")
    assert totals or not content.strip()
    assert all(reject["reason_code"] and reject["reason"] for reject in rejected)
    for table, rows in found.items():
        counted = sum(total["source_rows"] for total in totals if total["table_name"] == table)
        assert len(rows) + sum(reject["table_name"] == table for reject in rejected) == counted, table


# The address space of the child ends 800 MB above what it has after its imports: a line of 1 GB cannot be in memory.
BOUNDED = """
import resource, runpy, sys
from pathlib import Path
test = runpy.run_path(sys.argv[1])
used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + (800 << 20),) * 2)
try:
    found = test["landed"](test["READERS"][sys.argv[2]][1](Path(sys.argv[3])))
    print([reject["reason"] for reject in found["rejects"]])
except test["DeliveryError"] as refused:
    print(refused)
"""
LONG_LINES = {
    "canonical CSV": b"deposit_id,account_id\nd1,",
    "behaviour": b"event_id,account_id\ne1,",
    "Ethereum lines": b'{"hash": "0x1"}\n{"hash": "',
    "Bitcoin lines": b'{"hash": "1"}\n{"hash": "',
    "recorded RPC": b'{"result":\n"',
    "travel rule lines": b'{}\n{"message_id": "',
    "travel rule document": b'{"message_id":\n"',
    "TagPack": b"title: x\ncreator: ",
    "webhooks": b'{}\n{"body": "',
    "OFAC CSV": b'1,"x"\n2,"',
    "OFAC advanced XML": b"<Sanctions>\n<!--",
    "UK CSV": b'Report Date: 1-Jan-2026\n"',
    "OpenSanctions": b'{"id": "a"}\n{"id": "',
}


@pytest.mark.parametrize("reader", LONG_LINES)
def test_an_endless_line_is_refused_in_bounded_memory(tmp_path, reader):
    path = hostile_file(tmp_path, READERS[reader][0])
    with path.open("wb") as stream:
        stream.write(LONG_LINES[reader])
        # A hole: no disk, and NUL without a line end to whoever reads it. All readers have the same bound, and the time
        # goes into the checksum of the file: one of them gets the whole gigabyte.
        stream.truncate(1 << 30 if reader == "canonical CSV" else 300 << 20)
    ended = subprocess.run(
        [sys.executable, "-c", BOUNDED, __file__, reader, str(path)],
        env={
            **os.environ,
            "PLUMBLINE_HOME": str(tmp_path / "home"),
            "PYTHONPATH": os.pathsep.join([str(REPOSITORY), os.environ.get("PYTHONPATH", "")]),
        },
        capture_output=True,
        text=True,
        timeout=400,
    )
    assert ended.returncode == 0, ended.stderr[-2_000:]
    assert re.search(r"line 2 is longer than 16 MB|has more than 32 MB|not a complete XML document", ended.stdout)
    assert path.name in ended.stdout or "the publication cannot be used" in ended.stdout


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_the_longest_line_is_still_read_and_one_byte_more_is_not(tmp_path, end):
    path = tmp_path / "bitcoin_transactions.json"
    path.write_bytes(b"x" * LONGEST_LINE + end + b"y" * LONGEST_LINE)
    assert count.newest_time(path) is None
    path.write_bytes(b"x" + end + b"x" * (LONGEST_LINE + 1) + end)
    for read in (
        lambda: count.newest_time(path),
        lambda: bitcoin.read(path, date(2026, 1, 1), None),
        lambda: bulk.read(path, "ethereum_transactions", date(2026, 1, 1), None),
    ):
        with pytest.raises(DeliveryError, match="line 2 is longer than 16 MB"):
            read()
