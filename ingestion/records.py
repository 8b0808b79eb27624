"""The columns every raw row carries, and how an Arrow table becomes a dlt resource.

Belongs here: stamping, empty tables, column hints, the resource factory. Parsing belongs in `<feed>/parse.py`.
"""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime

import dlt
import pyarrow as pa
import pyarrow.compute as pc
from dlt.extract import DltResource

TIMESTAMP = pa.timestamp("us")
AMOUNT = pa.decimal128(38, 18)
MONEY = pa.decimal128(18, 2)
HASH = pa.decimal128(38, 0)

COMMON = (
    pa.field("_known_at", TIMESTAMP, nullable=False),
    pa.field("_extract_id", pa.string(), nullable=False),
    pa.field("_record_no", pa.int64(), nullable=False),
)

OWNED = {"tables": "evolve", "columns": "freeze", "data_type": "freeze"}
VENDOR = {"tables": "evolve", "columns": "evolve", "data_type": "freeze"}


def utc(moment: datetime) -> datetime:
    """The instant as a naive UTC datetime; a naive value is taken to be UTC already."""
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment


def raw_schema(schema: pa.Schema) -> pa.Schema:
    """The schema with the common columns behind its own (those it already has stay where they are)."""
    return pa.schema([*schema, *(field for field in COMMON if field.name not in schema.names)])


def empty(schema: pa.Schema) -> pa.Table:
    """A table without rows in the raw shape of `schema`, so that a feed with nothing to say still has its tables."""
    return raw_schema(schema).empty_table()


def stamp(table: pa.Table, known_at: datetime, extract_id: str, first_record_no: int = 1) -> pa.Table:
    """The table with the common columns: one `_known_at` (UTC) and `_extract_id` for all of its rows, and
    `_record_no` counted from `first_record_no` in row order. `_dlt_load_id` is added by dlt while it extracts."""
    rows = table.num_rows
    columns = (
        pa.repeat(pa.scalar(utc(known_at), TIMESTAMP), rows),
        pa.repeat(pa.scalar(extract_id, pa.string()), rows),
        pa.array(range(first_record_no, first_record_no + rows), pa.int64()),
    )
    for field, column in zip(COMMON, columns, strict=True):
        table = table.append_column(field, column)
    return table


def hints(schema: pa.Schema) -> dict[str, dict]:
    """dlt column hints: without them dlt makes every timestamp a TIMESTAMP WITH TIME ZONE."""
    return {
        field.name: {"name": field.name, "data_type": "timestamp", "timezone": False, "nullable": field.nullable}
        for field in schema
        if pa.types.is_timestamp(field.type)
    }


def resource(
    name: str,
    schema: pa.Schema,
    tables: Callable[[], Iterable[pa.Table]],
    *,
    has_new: bool = True,
    contract: dict[str, str] = OWNED,
    added_fields: set[str] | None = None,
    unread: dict[str, str] | None = None,
) -> DltResource:
    """An append-only dlt resource named as its table.

    `tables` is called when dlt extracts and yields Arrow tables that already carry the common columns; each is
    brought to `raw_schema(schema)` (a missing column, an unknown one under the OWNED contract or a wrong type raises
    ValueError). One empty table always comes first, so that the table exists after every run. `has_new=False` says
    that nothing will come: a run whose resources all say so is skipped once the tables exist. `added_fields`: where the
    loader puts the names of fields a vendor sends beyond its contract, if it keeps them elsewhere than in columns; a
    run reports them as a warning. `unread`: where the loader puts the parts of a feed (a list) that could not be read
    although the others were, each with why; the feed then counts as stale.
    """
    target, added = raw_schema(schema), set() if added_fields is None else added_fields

    def rows():
        yield target.empty_table()
        for table in tables():
            if table.num_rows:
                conforming = _conform(table, target, name, extra_allowed=contract["columns"] == "evolve")
                added.update(f"{name}.{column}" for column in conforming.column_names[len(target.names) :])
                yield conforming

    made = dlt.resource(rows, name=name, write_disposition="append", columns=hints(target), schema_contract=contract)
    made.has_new = has_new
    made.column_names = tuple(target.names)
    made.added_fields = added
    made.unread = {} if unread is None else unread
    return made


def _conform(table: pa.Table, target: pa.Schema, name: str, extra_allowed: bool) -> pa.Table:
    missing = [column for column in target.names if column not in table.column_names]
    extra = [column for column in table.column_names if column not in target.names]
    if missing or (extra and not extra_allowed):
        raise ValueError(f"{name}: missing columns {missing}, unknown columns {extra}")
    fields = [*target, *(table.schema.field(column) for column in extra)]
    columns = []
    for field in fields:
        column = table.column(field.name)
        if not field.nullable and column.null_count:
            raise ValueError(f"{name}: column {field.name} is required and has {column.null_count} empty values")
        columns.append(column if column.type == field.type else pc.cast(column, field.type))
    return pa.table(columns, schema=pa.schema(fields))
