"""What earlier runs brought in of the vendor's alerts: where its list was read up to, and what is accounted for.

Only completed loads are read. Without a warehouse, or before the first load, there is nothing earlier.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

import duckdb
import pyarrow as pa

from ingestion import pipeline
from ingestion.chainalysis.movements import Key, Movement, exists

State = tuple[str, str | None, datetime | None]
"""One state of a listed alert: its identifier, its status and when it got that status (naive UTC)."""


@dataclass(frozen=True)
class Account:
    """What earlier runs landed on one key of the vendor's alert list: our external id of the transfer and the ids of
    its alerts."""

    external_id: str
    alerts: frozenset[str]


class Earlier:
    """The answers, from the given connection, else from the warehouse as it is at the time of asking."""

    def __init__(self, connection: duckdb.DuckDBPyConnection | None = None) -> None:
        self._connection = connection

    def cursors(self) -> tuple[datetime | None, datetime | None]:
        """The newest createdAt and alertStatusCreatedAt that landed, naive UTC; none where a replay asks about alerts
        again, which may be of any age."""
        if self._ask(_AGAIN, "rejects"):
            return None, None
        found = self._ask(_CURSORS, "alert_states")
        return found[0] if found else (None, None)

    def states(self, identifiers: Collection[str]) -> set[State]:
        """Landed states of these alerts; those that were rejected count as landed."""
        wanted = pa.table({"alert_id": pa.array(sorted(identifiers), pa.string())})
        return set(self._ask(_STATES, "alert_states", wanted))

    def keys_again(self) -> set[Key]:
        """The keys of transfers whose rejected alerts, or states of alerts, a replay asks about again."""
        return {
            (user_id, reference, direction and direction.lower())
            for user_id, reference, direction in self._ask(_AGAIN, "rejects")
        }

    def details_again(self, table: str) -> list[tuple[Movement, str, datetime]]:
        """The landed transfers whose rejects of `table` (exposures, network_identifications) a replay asks for again,
        each with its external id and when the vendor last changed it (naive UTC)."""
        if not pipeline.rejects_asked_again():
            return []
        found = self._ask(_DETAILS_AGAIN.replace("$table", f"'{table}'"), "transfers")
        return [(Movement(*about, external_id), external_id, at) for *about, external_id, at in found]

    def users(self) -> dict[str, str]:
        """User id -> the row of the vendor's list of users that was landed, or rejected, last; without the users that a
        replay asks about again."""
        again = {user_id for (user_id,) in self._ask(_USERS_AGAIN, "rejects")}
        return {user_id: listed for user_id, listed in self._ask(_USERS, "users") if user_id not in again}

    def listed_transfers(self, user_ids: Collection[str]) -> dict[tuple[str, str, str, str], str]:
        """User id, direction, reference and asset -> what the vendor's list said when it last landed."""
        wanted = pa.table({"user_id": pa.array(sorted(user_ids), pa.string())})
        return {tuple(key): answer for *key, answer in self._ask(_LISTED_TRANSFERS, "listed_transfers", wanted)}

    def ledger_known_at(self) -> datetime | None:
        """When the newest crypto movement of the ledger became known (naive UTC)."""
        found = self._ask(_LEDGER_KNOWN_AT, "withdrawals", schema="raw_exchange")
        return found[0][0] if found else None

    def accounts(self, keys: Iterable[Key]) -> dict[Key, Account]:
        """The account of each key that is a landed transfer's."""
        columns = zip(*sorted(keys, key=str), strict=True)
        names = ("user_id", "transfer_reference", "direction_code")
        wanted = pa.table({name: pa.array(column, pa.string()) for name, column in zip(names, columns, strict=False)})
        found = self._ask(_ACCOUNTS, "alerts", wanted)
        return {(user, ref, direction): Account(ext, frozenset(ids or ())) for user, ref, direction, ext, ids in found}

    def _ask(
        self, query: str, table: str, wanted: pa.Table | None = None, schema: str = "raw_chainalysis"
    ) -> list[tuple]:
        if wanted is not None and not wanted.num_rows:
            return []
        if self._connection is not None:
            return _rows(self._connection, query, table, wanted, schema)
        if not pipeline.warehouse_path().exists():
            return []
        with pipeline.warehouse() as connection:
            return _rows(connection, query, table, wanted, schema)


def _rows(
    connection: duckdb.DuckDBPyConnection, query: str, table: str, wanted: pa.Table | None, schema: str
) -> list[tuple]:
    """The query's rows, none where the table has not been made yet; it sees `wanted` under that name."""
    if not exists(connection, schema, table):
        return []
    connection.register("wanted", wanted if wanted is not None else pa.table({"nothing": pa.array([], pa.string())}))
    again = ", ".join(f"'{one}'" for one in sorted(pipeline.rejects_asked_again())) or "''"
    query = query.replace("$stands", pipeline.stands("chainalysis")).replace("$again", again)
    try:
        return connection.execute(_COMPLETED.replace("$schema", schema) + query).fetchall()
    finally:
        connection.unregister("wanted")


_COMPLETED = "with completed as (select load_id from $schema._dlt_loads where status = 0) "

_CURSORS = """
select max(created_at), max(alert_status_at) from raw_chainalysis.alert_states
where _dlt_load_id in (from completed)
having count(*) > 0
"""

_STATES = """
select alert_id, alert_status_code, alert_status_at
from raw_chainalysis.alert_states join wanted using (alert_id)
where _dlt_load_id in (from completed)
union
select alert_id, raw_record ->> '$.alertStatus', try_cast(raw_record ->> '$.alert_status_at' as timestamp)
from (
    select raw_record ->> '$.alertIdentifier' as alert_id, raw_record from raw_chainalysis.rejects
    where table_name = 'alert_states' and _dlt_load_id in (from completed) and $stands
) join wanted using (alert_id)
"""

_AGAIN = """
select distinct raw_record ->> '$.userId', raw_record ->> '$.transferReference',
    raw_record ->> '$.direction'
from raw_chainalysis.rejects
where table_name in ('alerts', 'alert_states') and reject_id in ($again) and _dlt_load_id in (from completed)
"""

_DETAILS_AGAIN = """
select distinct on (ledger_transfer_id) ledger_transfer_id, transfers.user_id, raw_record ->> '$.network',
    raw_record ->> '$.asset', transfers.transfer_reference, transfers.direction_code,
    cast(raw_record ->> '$.transfer_at' as timestamp), cast(raw_record ->> '$.asset_amount' as decimal(38, 18)),
    transfers.external_id, transfers.updated_at
from (
    select raw_record ->> '$.ledger_transfer_id' as ledger_transfer_id, raw_record from raw_chainalysis.rejects
    where table_name = $table and reject_id in ($again) and _dlt_load_id in (from completed)
)
join raw_chainalysis.transfers as transfers using (ledger_transfer_id)
where transfers.updated_at is not null and transfers._dlt_load_id in (from completed)
order by ledger_transfer_id, transfers.updated_at desc
"""

_ACCOUNTS = """
select wanted.user_id, wanted.transfer_reference, wanted.direction_code, max(transfers.external_id),
    list(distinct alerts.alert_external_id) filter (where alerts.alert_external_id is not null)
from wanted
join raw_chainalysis.transfers as transfers
    on transfers.user_id = wanted.user_id and transfers.transfer_reference = wanted.transfer_reference
    and transfers.direction_code = wanted.direction_code and transfers._dlt_load_id in (from completed)
left join raw_chainalysis.alerts as alerts
    on alerts.external_id = transfers.external_id and alerts._dlt_load_id in (from completed)
group by all
"""

_USERS = """
select user_id, listed_json
from (
    select user_id, listed_json, _known_at, _extract_id from raw_chainalysis.users
    where _dlt_load_id in (from completed)
    union all
    select raw_record ->> '$.userId', raw_record ->> '$.listed', _known_at, _extract_id from raw_chainalysis.rejects
    where table_name = 'users' and _dlt_load_id in (from completed) and $stands
)
where user_id is not null
qualify row_number() over (partition by user_id order by _known_at desc, _extract_id desc) = 1
"""

_USERS_AGAIN = """
select distinct raw_record ->> '$.userId' from raw_chainalysis.rejects
where table_name in ('users', 'user_exposures', 'listed_transfers', 'registered_addresses')
    and reject_id in ($again) and _dlt_load_id in (from completed)
"""

_LISTED_TRANSFERS = """
select user_id, direction_code, transfer_reference, asset_code, answer_json
from raw_chainalysis.listed_transfers join wanted using (user_id)
where _dlt_load_id in (from completed)
qualify row_number() over (
    partition by user_id, direction_code, transfer_reference, asset_code order by _known_at desc, _extract_id desc
) = 1
"""

_LEDGER_KNOWN_AT = """
select max(_known_at)
from (
    select _known_at, rail_code, _dlt_load_id from raw_exchange.deposits
    union all
    select _known_at, rail_code, _dlt_load_id from raw_exchange.withdrawals
)
where rail_code = 'crypto' and _dlt_load_id in (from completed)
"""
