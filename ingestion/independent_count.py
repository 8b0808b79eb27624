"""Control totals of canonical files whose sender states none, counted on a path of their own.

Nothing here uses what the loader parsed: DuckDB scans the files (Parquet: and must agree with the footer's row
count), and a CSV that DuckDB refuses is counted with Python's csv module. The rules of what counts as an amount and a
date are the documented format's, written again."""

import csv
import re
from collections import defaultdict
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from ingestion import control_totals
from ingestion.deliveries import DeliveredFile, Delivery, DeliveryError
from ingestion.tabular import Table

_AMOUNT = r"-?[0-9]{1,20}(\.[0-9]{1,18})?"
_TIME = r"[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(Z|\+00:00)?)?"
_ZONE = r"(Z|\+00:00)$"


def count(feed: str, table: Table, files: list[tuple[Delivery, DeliveredFile]]) -> list[dict]:
    """Control-total rows (see `control_totals.row`) for files of one table: one a file, day and asset.

    A record whose time cannot be read counts on the delivery's business date, one whose amount cannot be read counts
    without amount: the same as its reject. Raises DeliveryError where the manifest's row count or a Parquet footer
    contradicts the scan."""
    if not files:
        return []
    groups: dict[str, list] = defaultdict(list)
    for suffix, captured_by in ((".csv", "independent_count"), (".parquet", "file_footer")):
        chosen = [pair for pair in files if pair[1].path.suffix == suffix]
        if not chosen:
            continue
        for path, *total in _scan(table, chosen):
            groups[path].append((captured_by, *total))
    rows = []
    for delivery, file in files:
        found = groups[str(file.path)]
        counted = sum(total[3] for total in found)
        stated = _footer_rows(file) if file.path.suffix == ".parquet" else file.manifest_rows
        if stated is not None and stated != counted:
            raise DeliveryError(f"{file.path} is said to have {stated} rows and holds {counted}: deliver it again.")
        common = {
            "extract_id": file.extract_id,
            "feed_code": feed,
            "table_name": table.name,
            "source_uri": file.uri,
            "known_at": delivery.known_at,
        }
        rows += [
            control_totals.row(
                **common,
                captured_by=captured_by,
                event_date=day,
                asset_code=asset,
                source_rows=number,
                source_amount=amount if table.amount else None,
                source_hash=int(digest),
            )
            for captured_by, day, asset, number, amount, digest in sorted(found, key=lambda total: str(total))
        ] or [
            control_totals.row(
                **common,
                captured_by="file_footer" if file.path.suffix == ".parquet" else "independent_count",
                source_rows=0,
            )
        ]
    return rows


def _footer_rows(file: DeliveredFile) -> int:
    return pq.read_metadata(file.path).num_rows


def _scan(table: Table, files: list[tuple[Delivery, DeliveredFile]]) -> list[tuple]:
    """(path, day, asset, rows, amount, hash) of files of one format, in one scan where DuckDB can read them all."""
    if all(_has_plain_header(file.path) for _, file in files):
        try:
            return _scan_with_duckdb(table, files)
        except duckdb.Error:
            if files[0][1].path.suffix == ".parquet" and len(files) == 1:
                raise DeliveryError(f"{files[0][1].path} cannot be counted: deliver it again.") from None
    if len(files) == 1:
        delivery, file = files[0]
        return _count_lines(table, file.path, delivery.business_date)
    return [total for pair in files for total in _scan(table, [pair])]


def _has_plain_header(path: Path) -> bool:
    """Whether a CSV file begins with its header and ends that with LF or CR LF; DuckDB misreads others silently."""
    if path.suffix == ".parquet":
        return True
    with path.open("rb") as stream:
        end = re.search(rb"\r\n?|\n", stream.read(1 << 16).removeprefix(b"\xef\xbb\xbf"))
    return end is None or (end.start() > 0 and end[0] != b"\r")


def _scan_with_duckdb(table: Table, files: list[tuple[Delivery, DeliveredFile]]) -> list[tuple]:
    paths = [str(file.path) for _, file in files]
    if files[0][1].path.suffix == ".csv":
        scan = (
            "read_csv($paths, delim=',', quote='\"', escape='\"', header=true, skip=0, all_varchar=true, comment='', "
            "union_by_name=true, nullstr='', filename='_path', strict_mode=true)"
        )
        stored = {}
    else:
        scan = "read_parquet($paths, union_by_name=true, filename='_path')"
        stored = {field.name: field.type for field in pq.read_schema(files[0][1].path)}
    business = pa.table(  # noqa: F841 (DuckDB finds it by its name)
        {"_path": paths, "business_date": [delivery.business_date for delivery, _ in files]}
    )
    key = " || ':' || ".join(f"""coalesce(cast("{column}" as varchar), '')""" for column in table.key)
    amount = _amount(table.amount, stored.get(table.amount)) if table.amount else "cast(null as decimal(38, 18))"
    asset = f'cast("{table.asset}" as varchar)' if table.asset else "cast(null as varchar)"
    digest = control_totals.RECORD_HASH_SQL.format("key || '|' || coalesce(cast(amount as varchar), '')")
    query = f"""
        with read as (
            select
                _path,
                {_day(table.event, stored.get(table.event))} as day,
                {asset} as asset,
                {key} as key,
                {amount} as amount
            from {scan}
        )
        select
            _path,
            coalesce(day, business_date) as event_date,
            asset,
            count(*) as rows,
            sum(amount) as amount,
            sum({digest})
        from read join business using (_path)
        group by all
    """  # noqa: S608 (column names are declared in this package)
    with duckdb.connect() as connection:
        return connection.execute(query, {"paths": paths}).fetchall()


def _amount(column: str, stored: pa.DataType | None) -> str:
    if stored is not None and not pa.types.is_string(stored) and not pa.types.is_large_string(stored):
        return f'cast("{column}" as decimal(38, 18))'
    return f"""case when regexp_full_match("{column}", '{_AMOUNT}') then try_cast("{column}" as decimal(38, 18)) end"""


def _day(column: str, stored: pa.DataType | None) -> str:
    if stored is not None and pa.types.is_timestamp(stored):
        return f'cast(make_timestamp(epoch_us("{column}")) as date)'
    if stored is not None and pa.types.is_date(stored):
        return f'"{column}"'
    instant = f"""try_cast(regexp_replace("{column}", '{_ZONE}', '') as timestamp)"""
    return f"""case when regexp_full_match("{column}", '{_TIME}') then cast({instant} as date) end"""


def _count_lines(table: Table, path: Path, business_date: date) -> list[tuple]:
    totals: dict[tuple, list] = defaultdict(lambda: [0, None, 0])
    csv.field_size_limit(1 << 30)
    with path.open(newline="", encoding="utf-8-sig", errors="surrogateescape") as stream:
        lines = csv.reader(stream)
        lines = (line for line in lines if line)
        header = next(lines, [])
        for line in lines:
            whole = len(line) == len(header)
            record = dict(zip(header, line, strict=True)) if whole else {}
            amount = _plain_amount(record.get(table.amount) if table.amount else None)
            asset = (record.get(table.asset) or None) if table.asset else None
            total = totals[(_plain_day(record.get(table.event)) or business_date, asset)]
            total[0] += 1
            total[1] = total[1] if amount is None else (total[1] or Decimal(0)) + amount
            total[2] += control_totals.record_hash(":".join(record.get(name) or "" for name in table.key), amount)
    return [(str(path), day, asset, *total) for (day, asset), total in totals.items()]


def _plain_amount(text: str | None) -> Decimal | None:
    return Decimal(text) if text and re.fullmatch(_AMOUNT, text) else None


def _plain_day(text: str | None) -> date | None:
    if not text or not re.fullmatch(_TIME, text):
        return None
    try:
        return datetime.fromisoformat(re.sub(_ZONE, "", text)).date()
    except ValueError:
        return None
