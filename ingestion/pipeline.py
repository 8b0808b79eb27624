"""The one place that makes a dlt pipeline, and the one place of this package that opens the warehouse.

Belongs here: where things lie, how a feed is run, what makes a second run after a crash safe.
Does not: anything about a particular feed.
"""

import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from importlib import import_module
from inspect import signature
from pathlib import Path

import dlt
import duckdb
from dlt.common.pipeline import LoadInfo
from dlt.extract import DltSource
from dlt.pipeline.exceptions import PipelineStepFailed

from ingestion.deliveries import DeliveryError
from ingestion.vendor import VendorError

WAREHOUSE = "warehouse.duckdb"  # dbt's manifest pins the file stem as catalog name: only the directory may vary


def home() -> Path:
    """The data directory: PLUMBLINE_HOME, else `.plumbline` below the working directory; always absolute."""
    return Path(os.environ.get("PLUMBLINE_HOME") or ".plumbline").absolute()


def warehouse_path() -> Path:
    return home() / WAREHOUSE


def dataset(feed: str) -> str:
    return f"raw_{feed}"


def source_of(feed: str) -> Callable[..., DltSource]:
    """The feed's own source function, `ingestion.<feed>.<feed>_source`."""
    return getattr(import_module(f"ingestion.{feed}"), f"{feed}_source")


def addresses(feed: str) -> list[str]:
    """The settings of the feed's source that say where it comes from: by name an address, servers, or a database."""
    names = signature(source_of(feed)).parameters
    return [name for name in names if name.endswith(("_url", "_servers")) or name == "credentials"]


def configured(feed: str) -> bool:
    """Whether dlt's configuration says where the feed comes from."""
    return any(dlt.secrets.get(f"sources.{feed}.{name}") or dlt.config.get(f"sources.{feed}.{name}")
               for name in addresses(feed))  # fmt: skip


def has_folder(feed: str) -> bool:
    """Whether one of the feed's configured addresses is a folder of files."""
    given = [str(dlt.config.get(f"sources.{feed}.{name}") or "") for name in addresses(feed) if name.endswith("_url")]
    return any(url and ("://" not in url or url.startswith("file:")) for url in given)


def pipeline(feed: str) -> dlt.Pipeline:
    """The feed's pipeline: named as the feed, into schema `raw_<feed>` of the warehouse."""
    return dlt.pipeline(
        pipeline_name=feed,
        pipelines_dir=str(home() / "dlt"),
        destination=dlt.destinations.duckdb(str(warehouse_path())),
        dataset_name=dataset(feed),
    )


@contextmanager
def warehouse() -> Iterator[duckdb.DuckDBPyConnection]:
    """The warehouse file, opened with the settings dlt uses (a second open with others would fail) and closed again.

    Opening the file and closing it take a tenth of a second, unless this process has it open already: a load, which dlt
    and this package open a dozen times, keeps it open from its first to its last.
    """
    home().mkdir(parents=True, exist_ok=True)
    connection = duckdb.connect(str(warehouse_path()))
    try:
        yield connection
    finally:
        connection.close()


def run(source: DltSource, feed: str) -> LoadInfo:
    """Loads the source's new extracts as one atomic load package and returns dlt's LoadInfo.

    What an earlier, killed run left behind is removed first. Nothing is loaded, and LoadInfo names no load, when
    every resource says it has nothing new and its table exists with all of its columns. Raises DeliveryError for a
    file that must not be loaded as it is, VendorError for a vendor that cannot be used (VendorUnavailable: not now),
    `dlt.pipeline.exceptions.PipelineStepFailed` when anything else fails, and ValueError for a source of which only
    some resources are selected: the control totals of an extract mark it as loaded, whole.
    """
    if left_out := set(source.resources) - set(source.selected_resources):
        raise ValueError(f"{feed} loads as a whole: select {', '.join(sorted(left_out))} too.")
    with warehouse():
        undo_incomplete_loads(feed)
        made = pipeline(feed)
        if not _missing(source, feed) and not any(resource.has_new for resource in source.resources.values()):
            return _no_load(made)
        try:
            info = made.run(source, loader_file_format="parquet")
        except PipelineStepFailed as failure:
            if known := _known_error(failure):
                raise known from None  # the chain of dlt's exceptions leads back here and tells nobody more
            raise
        info.raise_on_failed_jobs()
        return info


def undo_incomplete_loads(feed: str) -> int:
    """Removes rows of loads that did not complete and dlt's local working files; returns the number of rows removed.

    A killed process leaves rows in some tables and a pending package on disk. dlt would finish the package instead of
    reading the source again, and finish it on top of the rows that are there already. The local files are only a cache
    of what the warehouse knows, so they go, and dlt restores its state from `_dlt_pipeline_state`.
    """
    shutil.rmtree(home() / "dlt" / feed, ignore_errors=True)
    if not warehouse_path().exists():
        return 0
    removed = 0
    with warehouse() as connection:
        schema = dataset(feed)
        tables = [
            name
            for (name,) in connection.execute(
                "select table_name from information_schema.columns "
                "where table_schema = ? and column_name = '_dlt_load_id' order by table_name",
                [schema],
            ).fetchall()
        ]
        if not tables:
            return 0
        completed = (
            f'select load_id from "{schema}"._dlt_loads where status = 0'  # noqa: S608 (a feed code, never data)
            if has_table(connection, schema, "_dlt_loads")
            else "select null where false"
        )
        connection.execute("begin")
        for table in tables:
            removed += connection.execute(
                f'delete from "{schema}"."{table}" where _dlt_load_id not in ({completed})'  # noqa: S608 (names from the catalogue)
            ).fetchone()[0]
        connection.execute("commit")
    return removed


_read_again: ContextVar[frozenset[str]] = ContextVar("read_again", default=frozenset())


@contextmanager
def reading_again(extracts: Iterable[str]) -> Iterator[None]:
    """While it lasts, sources made see these extracts as not loaded yet. Only replay.py has use for that."""
    token = _read_again.set(frozenset(extracts))
    try:
        yield
    finally:
        _read_again.reset(token)


def extracts_read_again() -> frozenset[str]:
    """The extracts that a replay wants to see again; none in a run."""
    return _read_again.get()


_asked_again: ContextVar[frozenset[str]] = ContextVar("asked_again", default=frozenset())


@contextmanager
def asking_again(reject_ids: Iterable[str]) -> Iterator[None]:
    """While it lasts, vendors' loaders ask about what these rejects were about. Only replay.py has use for that."""
    token = _asked_again.set(frozenset(reject_ids))
    try:
        yield
    finally:
        _asked_again.reset(token)


def rejects_asked_again() -> frozenset[str]:
    """Ids of the rejects whose vendor a replay asks again; none in a run."""
    return _asked_again.get()


def stands(feed: str) -> str:
    """SQL, true of a row of the feed's rejects that keeps its loader from asking about the same again: no replay
    brought it in, and none is asking just now."""
    ids = ", ".join(f"'{reject_id}'" for reject_id in sorted(_asked_again.get())) or "null"
    replayed = f'select reject_id from "{dataset(feed)}".rejects where replayed_at is not null'  # noqa: S608 (a feed code)
    return f"reject_id not in ({replayed}) and coalesce(reject_id not in ({ids}), true)"


def completed_extracts(feed: str) -> set[str]:
    """Ids of the extracts that a completed load brought in, those of its control totals; in a replay without those that
    are to be read again."""
    return _landed_extracts(feed) - _read_again.get()


def has_loaded(feed: str) -> bool:
    """Whether a completed load brought in anything."""
    return bool(_landed_extracts(feed))


def _landed_extracts(feed: str) -> set[str]:
    if not warehouse_path().exists():
        return set()
    schema = dataset(feed)
    with warehouse() as connection:
        if not (has_table(connection, schema, "control_totals") and has_table(connection, schema, "_dlt_loads")):
            return set()
        rows = connection.execute(
            f'select distinct extract_id from "{schema}".control_totals '  # noqa: S608 (a feed code, never data)
            f'where _dlt_load_id in (select load_id from "{schema}"._dlt_loads where status = 0)'
        ).fetchall()
    return {extract_id for (extract_id,) in rows}


def has_table(connection: duckdb.DuckDBPyConnection, schema: str, table: str) -> bool:
    """Whether the warehouse has this table."""
    look = "select 1 from information_schema.tables where table_schema = ? and table_name = ?"
    return bool(connection.execute(look, [schema, table]).fetchall())


def _known_error(failure: BaseException) -> DeliveryError | VendorError | None:
    """What the sender of a file or a vendor has to put right, out of dlt's chain of causes."""
    cause: BaseException | None = failure
    seen: set[int] = set()  # an error that was raised again while it was handled is its own cause
    while cause is not None and id(cause) not in seen:
        if isinstance(cause, DeliveryError | VendorError):
            return cause
        seen.add(id(cause))
        cause = cause.__cause__ or cause.__context__
    return None


def _missing(source: DltSource, feed: str) -> bool:
    """Whether the warehouse lacks a table or column of the source.

    dlt looks at the schema version it noted in the warehouse and not at the tables, so a version noted beside a table
    that somebody dropped is forgotten here; dlt then makes what is missing."""
    if not warehouse_path().exists():
        return True
    schema = dataset(feed)
    with warehouse() as connection:
        present = set(
            connection.execute(
                "select table_name, column_name from information_schema.columns where table_schema = ?", [schema]
            ).fetchall()
        )
        wanted = {(resource.name, column) for resource in source.resources.values() for column in resource.column_names}
        if wanted | {("_dlt_loads", "load_id")} <= present:
            return False
        if ("_dlt_version", "version") in present:
            connection.execute(f'delete from "{schema}"._dlt_version')  # noqa: S608 (a feed code, never data)
    return True


def _no_load(made: dlt.Pipeline) -> LoadInfo:
    return LoadInfo(
        pipeline=made,
        metrics={},
        destination_type=made.destination.destination_type,
        destination_displayable_credentials=str(warehouse_path()),
        destination_name=made.destination.destination_name,
        environment=None,
        staging_type=None,
        staging_name=None,
        staging_displayable_credentials=None,
        destination_fingerprint="",
        dataset_name=made.dataset_name,
        loads_ids=[],
        load_packages=[],
        first_run=False,
    )
