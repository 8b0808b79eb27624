"""Copies of the warehouse: for a while, or as a data directory as it was known at a past instant.

Belongs here: making them. Not here: what a model makes of the instant (dbt_project/macros/as_known.sql).

The copy is a data directory like any other, with a warehouse, a run, an accounting and published marts of its own, so
that a look into the past leaves the ledger of alerts, the publication and the last run's accounting as they are
(docs/adr/0016). It reads no feed: what was known then is in raw already.
"""

import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from duckdb import DuckDBPyConnection

from ingestion.pipeline import has_table
from orchestration import origin, run_lock
from orchestration.resources import open_warehouse

LEDGER = "marts.fct_alerts"
Found = TypeVar("Found")
LEDGERS = ("fct_alerts", "fct_alert_features")  # of schema marts: what was raised when, and what it rests on


def instant(text: str) -> datetime:
    """An ISO date or time, taken for UTC where it names no zone, as UTC without a zone. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    return (moment.astimezone(UTC) if moment.tzinfo else moment).replace(tzinfo=None)


def folder_of(root: Path, moment: datetime) -> Path:
    """Where the look-back of `root` to that instant lies, whether it was made or not."""
    return root / "as_of" / f"{moment.isoformat().replace(':', '-')}Z"


def of_sound_warehouse(root: Path) -> origin.Origin:
    """Where the data of `root` comes from. Raises LookupError where there is no warehouse, and OriginError where `root`
    is the copy of another one itself."""
    there = origin.read(root)
    if there is None or not (root / "warehouse.duckdb").exists():
        raise LookupError("There is no warehouse yet to look back in. Start with: plumbline run")
    if there.kind == origin.LOOK_BACK:
        raise origin.OriginError(f"{root} is a look-back itself. Set PLUMBLINE_HOME to {there.copy_of}.")
    return there


def copy_warehouse(
    root: Path, folder: Path, say: Callable[[str], None], look: Callable[[DuckDBPyConnection], Found] = lambda _: None
) -> Found:
    """Copies the warehouse of `root` into `folder`, which is made anew, in a moment in which no run writes.

    Waits first while a run is alive, and keeps the next one waiting only for as long as the file takes to copy.
    Returns what `look` found in the warehouse before; where it raises, nothing is copied.
    """
    with run_lock.hold(root, "look-back", say):
        with open_warehouse(root / "warehouse.duckdb", say) as connection:
            connection.execute("checkpoint")  # nothing is left beside the file, also after a killed run
            found = look(connection)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        shutil.copyfile(root / "warehouse.duckdb", folder / "warehouse.duckdb")
    return found


def prepare(root: Path, moment: datetime, say: Callable[[str], None]) -> Path:
    """Copies the warehouse of `root` to root/as_of/<moment>, without alerts raised later; returns that directory.

    An earlier copy of the same instant is replaced. Raises what `of_sound_warehouse` raises.
    """
    there = of_sound_warehouse(root)
    folder = folder_of(root, moment)
    copy_warehouse(root, folder, say)
    with open_warehouse(folder / "warehouse.duckdb", say) as connection:
        forget_alerts(connection, ">", moment)
    origin.write(folder, origin.Origin(origin.LOOK_BACK, config=there.config, as_of=str(moment), copy_of=str(root)))
    return folder


def forget_alerts(connection: DuckDBPyConnection, where: str, moment: datetime) -> None:
    """Takes alerts, and what they rest on, out of a copy's ledgers: those raised `where` (>, >=) of the instant."""
    for table in LEDGERS:
        if has_table(connection, "marts", table):
            connection.execute(f"delete from marts.{table} where raised_as_of_at {where} ?", [moment])  # noqa: S608 (our names)
