"""Rejects whose record came in later by itself: delivered anew, or said anew by its vendor.

Belongs here: which open rejects those are, and their closing. What a replay brings in closes its rejects itself
(`replay`). A reject is closed by a second row, so that its history stays; it stays counted in its own extract, where
the record never was.
"""

import duckdb

from ingestion import asking_again, pipeline, rejects, replay
from ingestion.control_totals import RECORD_HASH_SQL

_CANONICAL = {
    "exchange": {
        "deposits": ("deposit_id",),
        "withdrawals": ("withdrawal_id",),
        "internal_transfers": ("internal_transfer_id",),
        "trades": ("trade_id",),
        "addresses": ("address", "chain_code", "assigned_at"),
    },
    "kyc": {"parties": ("party_id", "valid_from_at"), "accounts": ("account_id", "valid_from_at")},
    "prices": {"rates": ("asset_code", "rate_date"), "hourly_rates": ("asset_code", "rate_at")},
    "cases": {"outcomes": ("case_id",)},
    "behaviour": {"events": ("event_id",)},
}
"""By feed and table the columns of a canonical file that name a record; a later row with the same is that record."""
_BY_HASH = {"watchlists": {"entries": "entry_id"}}
"""Tables whose rejects hold the record as published: what names it is in its share of the hash alone."""

Named = tuple[tuple[str, str], ...]
"""What names a record: path in the rejected record, and column of the table."""


def close_arrived(feed: str) -> int:
    """Closes the feed's open rejects whose record a later extract brought in, as known when that extract was; returns
    how many there were. Closing again finds nothing: a run that was killed in between is made up for by the next."""
    still_open = {row["reject_id"]: row for row in replay.open_rejects(feed).to_pylist()}
    if not still_open:
        return 0
    with pipeline.warehouse() as connection:
        arrived: dict[str, tuple] = {}
        for table in sorted({row["table_name"] for row in still_open.values()}):
            if pipeline.has_table(connection, pipeline.dataset(feed), table):
                for names in _named(feed, table):
                    arrived = {one[0]: one for one in _arrived(connection, feed, table, names)} | arrived
    closing = [
        {**still_open[reject_id], "replayed_at": known_at, "replayed_into": extract_id, "closed_as_code": "arrived"}
        for reject_id, known_at, extract_id in sorted(arrived.values())
    ]
    if closing:
        replay.land(feed, {"rejects": rejects.to_table(closing)})
    return len(closing)


def _named(feed: str, table: str) -> list[Named | str]:
    if column := _BY_HASH.get(feed, {}).get(table):
        return [column]
    canonical = _CANONICAL.get(feed, {}).get(table)
    return [*([tuple((name, name) for name in canonical)] if canonical else []), *asking_again.named_by(feed, table)]


def _arrived(connection: duckdb.DuckDBPyConnection, feed: str, table: str, names: Named | str) -> list[tuple]:
    """Reject id, and known-at time and extract of the first later row of its record."""
    schema, by_hash = pipeline.dataset(feed), isinstance(names, str)
    if by_hash:
        share = RECORD_HASH_SQL.format(f"r.{names} || '|'")
        same = f"refused.record_hash = {share}"
    else:
        kinds = dict(
            connection.execute(
                "select column_name, data_type from information_schema.columns "
                "where table_schema = ? and table_name = ?",
                [schema, table],
            ).fetchall()
        )
        same = " and ".join(
            f"r.\"{column}\" = try_cast(json_extract_string(refused.raw_record, '$.{path}') as {kinds[column]})"
            for path, column in names
        )
    # A record that is no JSON names nothing, so it stays open.
    readable = "true" if by_hash else "json_valid(raw_record)"
    return connection.execute(
        f"with completed as (select load_id from {schema}._dlt_loads where status = 0), "  # noqa: S608 (our names)
        f"closed as (select reject_id from {schema}.rejects where replayed_at is not null), "
        f"refused as (select * from {schema}.rejects where table_name = ? and {readable} "
        "and _dlt_load_id in (from completed) and reject_id not in (from closed)) "
        "select refused.reject_id, min(r._known_at), arg_min(r._extract_id, (r._known_at, r._extract_id)) "
        f"from refused join {schema}.{table} as r on {same} "
        "where r._known_at > refused.first_seen_at and r._dlt_load_id in (from completed) group by all",
        [table],
    ).fetchall()
