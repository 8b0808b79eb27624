"""The instance's event log: Dagster's SQLite storage, with its connections kept open.

Belongs here: how events are written. Not here: where the instance lives and its other settings (home.py).

The stock class opens an engine, a connection and a commit with fsync three times for every event, which measured
17 ms an event on two cores. A run of this project writes thousands (assets x delivery days, and one for every check),
so that alone broke the budget of an empty day. Here a shard's connection stays open, a batch is one transaction, and
`synchronous=NORMAL` is used: in WAL mode it survives a killed process, and only a power cut can lose the last events.
"""

import os
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import sqlalchemy as db
from dagster._core.events import ASSET_EVENTS
from dagster._core.events.log import EventLogEntry
from dagster._core.storage.event_log.schema import SqlEventLogStorageTable
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from sqlalchemy.pool import StaticPool

# The index and the run being written; older runs are read rarely and by one query at a time.
OPEN_SHARDS = 4


class PooledSqliteEventLogStorage(SqliteEventLogStorage):
    """Same files and schema as `SqliteEventLogStorage`; safe to swap for it and back."""

    def __init__(self, base_dir: str, inst_data: Any = None):
        self._engines: OrderedDict[str, db.Engine] = OrderedDict()
        self._active: dict[str, db.Connection] = {}
        super().__init__(base_dir, inst_data)
        # Re-entrant, so that a batch can hold one transaction around the parent's own per-event statements.
        self._db_lock = threading.RLock()

    @classmethod
    def from_config_value(cls, inst_data, config_value):
        return cls(inst_data=inst_data, **config_value)

    def _engine(self, shard: str) -> db.Engine:
        path = self.path_for_shard(shard)
        engine = self._engines.pop(shard, None)
        if engine is not None and not os.path.exists(path):  # deleted through the UI
            engine.dispose()
            engine = None
            self._initialized_dbs.discard(shard)
        if engine is None:
            engine = db.create_engine(
                self.conn_string_for_shard(shard),
                poolclass=StaticPool,
                connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS, "check_same_thread": False},
            )
            if shard not in self._initialized_dbs:
                self._initdb(engine)
                self._initialized_dbs.add(shard)
            with engine.connect() as connection:
                connection.execute(db.text("PRAGMA synchronous=NORMAL"))
        self._engines[shard] = engine
        idle = [name for name in self._engines if name not in self._active]
        while len(self._engines) > OPEN_SHARDS and len(idle) > 1:
            self._engines.pop(idle.pop(0)).dispose()
        return engine

    @contextmanager
    def _connect(self, shard: str) -> Iterator[db.Connection]:
        with self._db_lock:
            if shard in self._active:
                yield self._active[shard]
                return
            with self._engine(shard).connect() as connection, connection.begin():
                self._active[shard] = connection
                try:
                    yield connection
                finally:
                    del self._active[shard]
            # The UI follows a run by watching its file; in WAL mode a commit does not touch the file itself.
            os.utime(self.path_for_shard(shard))

    def _has_asset_key_col_on_connection(self, conn: db.Connection, column_name: str) -> bool:
        # The parent inspects the table on every event; the schema is the one this class created or migrated.
        return True

    def has_table(self, table_name: str) -> bool:
        return True  # as above: `_initdb` creates every table

    def store_event_batch(self, events: Sequence[EventLogEntry]) -> None:
        """What the parent does event by event, for a batch of asset events in one statement and one transaction."""
        of_assets, others = [], []
        for event in events:
            (of_assets if event.dagster_event_type in ASSET_EVENTS else others).append(event)
        with self._connect("index") as index, self._connect(events[0].run_id) as run:
            for event in others:
                self.store_event(event)
            if not of_assets:
                return
            rows = [self._event_to_row(event) for event in of_assets]
            insert = SqlEventLogStorageTable.insert()
            run.execute(insert, rows)
            numbered = insert.returning(SqlEventLogStorageTable.c.id, sort_by_parameter_order=True)
            ids = list(index.execute(numbered, rows).scalars())
            self._store_asset_event_tags(index, of_assets, ids)
            # An asset's own row holds its latest event only: of ninety partitions one is written.
            latest = {(event.dagster_event.asset_key, event.dagster_event_type): n for n, event in enumerate(of_assets)}
            for number in latest.values():
                self._store_asset_event(index, of_assets[number], ids[number])

    def dispose(self) -> None:
        for engine in self._engines.values():
            engine.dispose()
        self._engines.clear()
