"""Which record of an extract lies where: then, in the warehouse, and now that it was read again.

Belongs here: record numbers of extracts, and whether they still mean the same. Not here: what a replay does about it.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

import pyarrow as pa

from ingestion import pipeline, rejects

ACCOUNTS = ("control_totals", "rejects")
"""Tables of a feed that hold no records of its source."""
_KEEPS_ITS_NUMBERS = "kafka:"
"""Begins the ids of extracts whose records keep their numbers though others are gone from the source."""

Numbers = dict[tuple[str, str], set[int]]
"""Record numbers by extract and table."""


@dataclass
class Held:
    """What the warehouse holds of extracts: the numbers of their records and rejects, and which have any record."""

    numbers: Numbers = field(default_factory=lambda: defaultdict(set))
    with_rows: set[str] = field(default_factory=set)


def held(feed: str, extracts: Collection[str]) -> Held:
    """What completed loads of the feed brought of these extracts."""
    schema, found = pipeline.dataset(feed), Held()
    completed = f'_dlt_load_id in (select load_id from "{schema}"._dlt_loads where status = 0)'  # noqa: S608 (a feed code)
    with pipeline.warehouse() as connection:
        tables = connection.execute(
            "select table_name from information_schema.columns where table_schema = ? and column_name = '_extract_id' "
            "and table_name <> 'control_totals' order by 1",
            [schema],
        ).fetchall()
        for (table,) in tables:
            is_record = table != "rejects"
            columns = f"_extract_id, '{table}', _record_no" if is_record else "extract_id, table_name, record_no"
            rows = connection.execute(
                f'select {columns} from "{schema}"."{table}" '  # noqa: S608 (names from the catalogue)
                f"where {columns.partition(',')[0]} in (select unnest(?)) and {completed}",
                [sorted(extracts)],
            ).fetchall()
            for extract_id, name, number in rows:
                found.numbers[extract_id, name].add(number)
            found.with_rows.update(extract_id for extract_id, *_ in rows if is_record)
    return found


def other_than_then(extracts: Collection[str], then: Held, read: Mapping[str, pa.Table]) -> tuple[set[str], set[str]]:
    """Of extracts that were read again, those that hold other records now than were counted in them. First those of
    which nothing landed so far, and which hold any now: they can land anew. Then the others: nobody can tell which of
    their records is which."""
    now: Numbers = defaultdict(set)
    with_rows: set[str] = set()
    for name, table in read.items():
        if name in ACCOUNTS:
            continue
        for extract_id, number in of(table):
            now[extract_id, name].add(number)
            with_rows.add(extract_id)
    for extract_id, name, number in _rejected(read["rejects"]):
        now[extract_id, name].add(number)
    anew, moved = set(), set()
    for extract in extracts:
        if _agree(extract, then.numbers, now):
            continue
        if extract in then.with_rows:
            moved.add(extract)
        elif extract in with_rows:
            anew.add(extract)
    return anew, moved


def _agree(extract: str, then: Numbers, now: Numbers) -> bool:
    tables = {table for one, table in (*then, *now) if one == extract}
    pairs = [(then.get((extract, table), set()), now.get((extract, table), set())) for table in tables]
    if extract.startswith(_KEEPS_ITS_NUMBERS):
        return all(after <= before for before, after in pairs)
    return all(before == after for before, after in pairs)


def of(table: pa.Table) -> Iterator[tuple[str, int]]:
    """Extract and number of each record of a table."""
    return zip(table["_extract_id"].to_pylist(), table["_record_no"].to_pylist(), strict=True)


def _rejected(table: pa.Table) -> Iterator[tuple[str, str, int]]:
    return zip(*(table[name].to_pylist() for name in ("extract_id", "table_name", "record_no")), strict=True)


def renamed(read: dict[str, pa.Table], names: Mapping[str, str]) -> dict[str, pa.Table]:
    """The tables with other ids for these extracts."""
    return {name: _with_ids(table, names) for name, table in read.items()} if names else read


def _with_ids(table: pa.Table, names: Mapping[str, str]) -> pa.Table:
    for column in ("_extract_id", "extract_id"):
        if column in table.column_names:
            ids = pa.array([names.get(one, one) for one in table[column].to_pylist()], pa.string())
            place = table.schema.get_field_index(column)
            table = table.set_column(place, table.schema.field(place), ids)
    if "reject_id" in table.column_names:
        named = (table[name].to_pylist() for name in ("feed_code", "table_name", "extract_id", "record_no"))
        ids = pa.array([rejects.identity(*one) for one in zip(*named, strict=True)], pa.string())
        place = table.schema.get_field_index("reject_id")
        table = table.set_column(place, table.schema.field(place), ids)
    return table
