"""A data directory as it was known at a past instant, in a directory of its own.

Belongs here: making that directory. Not here: what a model makes of the instant (dbt_project/macros/as_known.sql).

The copy is a data directory like any other, with a warehouse, a run, an accounting and published marts of its own, so
that a look into the past leaves the ledger of alerts, the publication and the last run's accounting as they are
(docs/adr/0016). It reads no feed: what was known then is in raw already.
"""

import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from orchestration import origin, run_lock
from orchestration.resources import open_warehouse

LEDGERS = ("fct_alerts", "fct_alert_features")  # of schema marts: what was raised when, and what it rests on


def instant(text: str) -> datetime:
    """An ISO date or time, taken for UTC where it names no zone, as UTC without a zone. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    return (moment.astimezone(UTC) if moment.tzinfo else moment).replace(tzinfo=None, microsecond=0)


def folder_of(root: Path, moment: datetime) -> Path:
    """Where the look-back of `root` to that instant lies, whether it was made or not."""
    return root / "as_of" / f"{moment:%Y-%m-%dT%H-%M-%SZ}"


def prepare(root: Path, moment: datetime, say: Callable[[str], None]) -> Path:
    """Copies the warehouse of `root` to root/as_of/<moment>, without alerts raised later; returns that directory.

    Waits first while a run is alive. An earlier copy of the same instant is replaced. Raises LookupError where there
    is no warehouse, and OriginError where `root` is such a copy itself.
    """
    there = origin.read(root)
    if there is None or not (root / "warehouse.duckdb").exists():
        raise LookupError("There is no warehouse yet to look back in. Start with: plumbline run")
    if there.kind == origin.LOOK_BACK:
        raise origin.OriginError(f"{root} is a look-back itself. Set PLUMBLINE_HOME to {there.copy_of}.")
    folder = folder_of(root, moment)
    with run_lock.hold(root, "look-back", say):
        with open_warehouse(root / "warehouse.duckdb", say) as connection:
            connection.execute("checkpoint")  # nothing is left beside the file, also after a killed run
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        shutil.copyfile(root / "warehouse.duckdb", folder / "warehouse.duckdb")
    with open_warehouse(folder / "warehouse.duckdb", say) as connection:
        _forget_later_alerts(connection, moment)
    as_of = f"{moment:%Y-%m-%d %H:%M:%S}"
    origin.write(folder, origin.Origin(origin.LOOK_BACK, config=there.config, as_of=as_of, copy_of=str(root)))
    return folder


def _forget_later_alerts(connection, moment: datetime) -> None:
    look = "select table_name from information_schema.tables where table_schema = 'marts'"
    there = {table for (table,) in connection.execute(look).fetchall()}
    for table in there.intersection(LEDGERS):
        connection.execute(f"delete from marts.{table} where raised_as_of_at > ?", [moment])  # noqa: S608 (our names)
