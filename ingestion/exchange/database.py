"""The ledger straight from the exchange's PostgreSQL database: connection, SQL, and what one snapshot holds.

Belongs here: reading. All tables and their control totals are read in one read-only transaction with one snapshot
(repeatable read); amounts and times travel as the text the database writes, so that the rules of canonical files
(`validation`) apply unchanged. What becomes of the rows is in `snapshot`.
"""

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

import psycopg
import pyarrow as pa
import pyarrow.csv as pv
import sqlalchemy
from psycopg import sql
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from ingestion.deliveries import DeliveryError
from ingestion.tabular import Column, Table
from ingestion.vendor import VendorUnavailable

_TIMES = {
    "timestamp with time zone": "({} at time zone 'UTC')",
    "timestamp without time zone": "{}",
    "date": "({}::timestamp)",
}
_NUMBERS = {"numeric", "smallint", "integer", "bigint"}
# A cursor outside these says nothing about when a row was written; a day of grace is for clocks that run ahead.
_MOMENT = sql.SQL("case when {moment} >= timestamp '1970-01-01' and {moment} <= %(clock)s then {moment} end")
_NEW = sql.SQL("""
    (
        {moment} is null or not isfinite({moment}) or {moment} < timestamp '1970-01-01'
        or {moment} > %(clock)s + interval '1 day'
        or (
            {moment} >= %(since)s and {moment} < %(until)s and {moment} <= %(clock)s
            and not exists (
                select from unnest(%(known_keys)s::text[], %(known_moments)s::timestamp[]) as known (key, moment)
                where known.key = {identity} and known.moment = {moment}
            )
        )
    )
""")
_DIGITS = sql.SQL("('x' || left(md5({}), 15))::bit(60)::bigint")


@dataclass(frozen=True)
class Asked:
    """Which row versions are wanted: cursor in [since, until), not those of `known` (identity, cursor); naive UTC."""

    since: datetime
    until: datetime
    known: Sequence[tuple[str, datetime]]

    def parameters(self, clock: datetime) -> dict:
        return {
            "since": self.since,
            "until": self.until,
            "clock": clock,
            "known_keys": [key for key, _ in self.known],
            "known_moments": [moment for _, moment in self.known],
        }


@dataclass(frozen=True)
class Total:
    """What the database itself counts: versions written on one UTC day (None: it does not say when), by event day and
    asset. `versions` tells two sets of versions with the same rows, amount and hash apart."""

    written_on: date | None
    event_date: date | None
    asset_code: str | None
    rows: int
    amount: Decimal | None
    hash: int
    versions: int
    newest: datetime | None


@contextmanager
def snapshot(credentials: str, schema: str, cursor: str) -> Iterator["Snapshot"]:
    """A read-only transaction with one snapshot of the database at `credentials` (a PostgreSQL URL).

    Raises VendorUnavailable where it does not answer, DeliveryError for an address that is none."""
    try:
        url = sqlalchemy.make_url(str(credentials)).set(drivername="postgresql+psycopg")
    except (ArgumentError, ValueError):
        raise DeliveryError(
            "SOURCES__EXCHANGE__CREDENTIALS is no database address: write postgresql://user:password@host:5432/database."
        ) from None
    where = f"{url.host}:{url.port or 5432}/{url.database}"
    engine = sqlalchemy.create_engine(
        url,
        poolclass=sqlalchemy.NullPool,
        isolation_level="REPEATABLE READ",
        execution_options={"postgresql_readonly": True},
        connect_args={"connect_timeout": 10, "application_name": "plumbline"},
    )
    try:
        with engine.connect() as connection:
            connection.execute(sqlalchemy.text("set local timezone = 'UTC'"))
            connection.execute(sqlalchemy.text("set local datestyle = 'ISO'"))
            yield Snapshot(connection.connection.driver_connection, schema, cursor)
    except SQLAlchemyError as error:
        said = str(getattr(error, "orig", None) or error).strip().splitlines()
        raise VendorUnavailable(
            f"The exchange's database at {where} does not answer ({said[0] if said else type(error).__name__}). See "
            "whether it is up and whether SOURCES__EXCHANGE__CREDENTIALS may read it. Nothing of this load was kept."
        ) from None
    finally:
        engine.dispose()


class Snapshot:
    """One snapshot of the ledger's database. `clock` is the database's own time when it was taken (naive UTC)."""

    def __init__(self, connection: psycopg.Connection, schema: str, cursor: str) -> None:
        self._connection, self._schema, self._cursor = connection, schema, cursor
        # Read after the statements before it took the snapshot: nothing in the snapshot is younger.
        (self.clock,) = self._rows(sql.SQL("select clock_timestamp() at time zone 'UTC'"))[0]

    def totals(self, table: Table, identity: Sequence[str], asked: Asked) -> list[Total]:
        """Control totals of the wanted versions, counted by the database."""
        parts = self._parts(table, identity)
        day = sql.SQL(
            "case when {event} between timestamp '0001-01-01' and timestamp '9999-12-31 23:59:59.999999'"
            " then {event}::date else written_on end"
        ).format(event=sql.SQL("event"))
        query = sql.SQL("""
            with versions as (
                select {usable} as moment, {event} as event, {asset} as asset, {amount} as amount, {key} as key
                from {relation} as r
                where {new}
            ),
            read as (
                select moment, moment::date as written_on, event, asset, key,
                    case when abs(amount) < 1e20 and scale(trim_scale(amount)) <= 18 then round(amount, 18) end as amount
                from versions
            )
            select
                written_on, {day} as event_date, asset, count(*), sum(amount),
                sum({record}), sum({version}), max(moment)
            from read
            group by 1, 2, 3
            order by 1, 2, 3
        """).format(  # noqa: E501
            **parts,
            day=day,
            record=_DIGITS.format(sql.SQL("key || '|' || coalesce(amount::text, '')")),
            version=_DIGITS.format(sql.SQL("key || '|' || coalesce(moment::text, '')")),
        )
        return [
            Total(*row[:3], row[3], row[4] if table.amount else None, int(row[5]), int(row[6]), row[7])
            for row in self._rows(query, asked.parameters(self.clock))
        ]

    def versions(
        self, table: Table, identity: Sequence[str], asked: Asked, days: Sequence[date | None]
    ) -> tuple[pa.Table, list[date | None], pa.Array]:
        """The wanted versions written on these days, as (values as text in the shape `tabular.read` gives, day of
        each, cursor of each as naive UTC), ordered by day, cursor and key."""
        parts = self._parts(table, identity)
        columns = sql.SQL(", ").join(
            sql.SQL("{} as {}").format(self._text(table, column), sql.Identifier(column.name))
            for column in table.columns
        )
        query = sql.SQL("""
            copy (
                select {columns}, ({usable})::text as _moment
                from {relation} as r
                where {new} and coalesce(({usable})::date, date '0001-01-01') = any(%(days)s)
                order by {usable} nulls last, {key}
            ) to stdout with (format csv, header true, encoding 'UTF8')
        """).format(**parts, columns=columns)
        parameters = asked.parameters(self.clock) | {"days": [day or date.min for day in days]}
        received = io.BytesIO()
        with _told_apart(), self._connection.cursor() as cursor, cursor.copy(query, parameters) as copy:
            for block in copy:
                received.write(block)
        names = [*(column.name for column in table.columns), "_moment"]
        read = pv.read_csv(
            pa.BufferReader(received.getbuffer()),
            pv.ReadOptions(block_size=16 << 20),
            pv.ParseOptions(newlines_in_values=True),
            pv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.binary()) | {"_moment": pa.timestamp("us")},
                null_values=[""],
                strings_can_be_null=True,
            ),
        ).combine_chunks()
        moments = read.column("_moment")
        moments = moments.combine_chunks() if moments.num_chunks else pa.array([], pa.timestamp("us"))
        if isinstance(moments, pa.ChunkedArray):
            moments = pa.concat_arrays(moments.chunks)
        written = [None if moment is None else moment.date() for moment in moments.to_pylist()]
        return read.drop_columns(["_moment"]), written, moments

    def _parts(self, table: Table, identity: Sequence[str]) -> dict[str, sql.Composable]:
        types = self._types(table)
        moment = self._time(types, table, self._cursor)
        key = self._joined(table.key)
        amount = sql.SQL("null::numeric")
        for column in table.columns:
            if pa.types.is_decimal(column.type):
                self._number(types, table, column.name)
        if table.amount:
            amount = sql.SQL("{}::numeric").format(self._column(table.amount))
        return {
            "usable": _MOMENT.format(moment=moment),
            "new": _NEW.format(moment=moment, identity=self._joined(identity)),
            "event": self._time(types, table, table.event),
            "asset": sql.SQL("nullif({}::text, '')").format(self._column(table.asset))
            if table.asset
            else sql.SQL("null::text"),
            "amount": amount,
            "key": key,
            "relation": sql.Identifier(self._schema, table.name),
        }

    def _text(self, table: Table, column: Column) -> sql.Composable:
        """A column as the text a canonical file would hold."""
        types, name = self._types(table), self._column(column.name)
        if pa.types.is_timestamp(column.type):
            return sql.SQL("({})::text").format(self._time(types, table, column.name))
        if pa.types.is_decimal(column.type):
            return sql.SQL("trim_scale({}::numeric)::text").format(name)
        # Cast to text an address of the internet has its network's width behind it.
        return sql.SQL("host({})" if types[column.name] == "inet" else "{}::text").format(name)

    def _types(self, table: Table) -> dict[str, str]:
        """Column types by name. Raises DeliveryError where a column of the format is missing."""
        found = dict(
            self._rows(
                sql.SQL("select column_name, data_type from information_schema.columns "
                        "where table_schema = %(schema)s and table_name = %(table)s"),
                {"schema": self._schema, "table": table.name},
            )
        )  # fmt: skip
        wanted = [*(column.name for column in table.columns), self._cursor]
        if missing := [name for name in wanted if name not in found]:
            raise DeliveryError(
                f"exchange: {self._schema}.{table.name} of the ledger's database lacks {', '.join(missing)} (or this "
                "user may not read it): make a view with the columns of the file format guide and the cursor column."
            )
        return found

    def _time(self, types: dict[str, str], table: Table, name: str) -> sql.Composable:
        if types[name] not in _TIMES:
            raise DeliveryError(
                f"exchange: {self._schema}.{table.name}.{name} is {types[name]}: a time must be a timestamp."
            )
        return sql.SQL(_TIMES[types[name]]).format(self._column(name))

    def _number(self, types: dict[str, str], table: Table, name: str) -> None:
        if types[name] not in _NUMBERS:
            raise DeliveryError(
                f"exchange: {self._schema}.{table.name}.{name} is {types[name]}, which is not exact: an amount must be "
                "numeric."
            )

    @staticmethod
    def _column(name: str) -> sql.Composable:
        return sql.Identifier("r", name)

    def _joined(self, names: Sequence[str]) -> sql.Composable:
        return sql.SQL(" || ':' || ").join(
            sql.SQL("coalesce({}::text, '')").format(self._column(name)) for name in names
        )

    def _rows(self, query: sql.Composable, parameters: dict | None = None) -> list[tuple]:
        with _told_apart(), self._connection.cursor() as cursor:
            return cursor.execute(query, parameters).fetchall()


@contextmanager
def _told_apart() -> Iterator[None]:
    """What the database says, as ours: it went away, or this user or these tables are not as they must be."""
    try:
        yield
    except psycopg.OperationalError as error:
        raise VendorUnavailable(f"The exchange's database stopped answering ({type(error).__name__}).") from None
    except psycopg.errors.ProgrammingError as error:
        said = str(error).splitlines()[0]
        raise DeliveryError(f"exchange: the ledger's database refused to be read: {said}.") from None
