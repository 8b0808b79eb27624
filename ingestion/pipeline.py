"""The one place that makes a dlt pipeline, and the one place of this package that opens the warehouse.

Belongs here: where things lie, how a feed is run, what makes a second run after a crash safe.
Does not: anything about a particular feed.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dlt
import duckdb
from dlt.common.pipeline import LoadInfo
from dlt.extract import DltSource
from dlt.pipeline.exceptions import PipelineStepFailed

from ingestion.deliveries import DeliveryError

_WHERE = (
    *("bucket_url", "base_url", "api_url"),
    *("ethereum_rpc_url", "bitcoin_rpc_url", "esplora_url", "etherscan_url", "blockscout_url"),
)
WAREHOUSE = "warehouse.duckdb"  # dbt's manifest pins the file stem as catalog name: only the directory may vary


def home() -> Path:
    """The data directory: PLUMBLINE_HOME, else `.plumbline` below the working directory; always absolute."""
    return Path(os.environ.get("PLUMBLINE_HOME") or ".plumbline").absolute()


def warehouse_path() -> Path:
    return home() / WAREHOUSE


def dataset(feed: str) -> str:
    return f"raw_{feed}"


def configured(feed: str) -> bool:
    """Whether dlt's configuration says where the feed comes from (a setting of its source named `..._url`, or a
    database's `credentials`)."""
    return any(dlt.config.get(f"sources.{feed}.{key}") for key in _WHERE) or bool(
        dlt.secrets.get(f"sources.{feed}.credentials")
    )


def pipeline(feed: str) -> dlt.Pipeline:
    """The feed's pipeline: named as the feed, into schema `raw_<feed>` of the warehouse."""
    home().mkdir(parents=True, exist_ok=True)
    return dlt.pipeline(
        pipeline_name=feed,
        pipelines_dir=str(home() / "dlt"),
        destination=dlt.destinations.duckdb(str(warehouse_path())),
        dataset_name=dataset(feed),
    )


@contextmanager
def warehouse() -> Iterator[duckdb.DuckDBPyConnection]:
    """The warehouse file, opened with the settings dlt uses (a second open with others would fail) and closed again."""
    connection = duckdb.connect(str(warehouse_path()))
    try:
        yield connection
    finally:
        connection.close()


def run(source: DltSource, feed: str) -> LoadInfo:
    """Loads the source's new extracts as one atomic load package and returns dlt's LoadInfo.

    What an earlier, killed run left behind is removed first. Nothing is loaded, and LoadInfo names no load, when
    every resource says it has nothing new and its table exists with all of its columns. Raises DeliveryError for a
    file that must not be loaded as it is, `dlt.pipeline.exceptions.PipelineStepFailed` when anything else fails, and
    ValueError for a source of which only some resources are selected: the control totals of an extract mark it as
    loaded, whole.
    """
    if left_out := set(source.resources) - set(source.selected_resources):
        raise ValueError(f"{feed} loads as a whole: select {', '.join(sorted(left_out))} too.")
    undo_incomplete_loads(feed)
    made = pipeline(feed)
    if not _missing(source, feed) and not any(resource.has_new for resource in source.resources.values()):
        return _no_load(made)
    try:
        info = made.run(source, loader_file_format="parquet")
    except PipelineStepFailed as failure:
        if said := _delivery_error(failure):
            raise DeliveryError(said) from None  # the chain of dlt's exceptions leads back here and tells nobody more
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
            if _exists(connection, schema, "_dlt_loads")
            else "select null where false"
        )
        connection.execute("begin")
        for table in tables:
            removed += connection.execute(
                f'delete from "{schema}"."{table}" where _dlt_load_id not in ({completed})'  # noqa: S608 (names from the catalogue)
            ).fetchone()[0]
        connection.execute("commit")
    return removed


def completed_extracts(feed: str) -> set[str]:
    """Ids of the extracts that a completed load brought in: those of its control totals."""
    if not warehouse_path().exists():
        return set()
    schema = dataset(feed)
    with warehouse() as connection:
        if not (_exists(connection, schema, "control_totals") and _exists(connection, schema, "_dlt_loads")):
            return set()
        rows = connection.execute(
            f'select distinct extract_id from "{schema}".control_totals '  # noqa: S608 (a feed code, never data)
            f'where _dlt_load_id in (select load_id from "{schema}"._dlt_loads where status = 0)'
        ).fetchall()
    return {extract_id for (extract_id,) in rows}


def _exists(connection: duckdb.DuckDBPyConnection, schema: str, table: str) -> bool:
    return bool(
        connection.execute(
            "select count(*) from information_schema.tables where table_schema = ? and table_name = ?", [schema, table]
        ).fetchone()[0]
    )


def _delivery_error(failure: BaseException) -> str | None:
    """What the sender of a file has to put right, out of dlt's chain of causes."""
    cause: BaseException | None = failure
    while cause is not None and not isinstance(cause, DeliveryError):
        cause = cause.__cause__ or cause.__context__
    return None if cause is None else str(cause)


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
