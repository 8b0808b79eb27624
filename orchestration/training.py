"""The feature store as one frame to train models on, without leaks.

Belongs here: which columns of which feature tables go into the frame, and what is said of a leg afterwards. Not here:
the features themselves (dbt_project/models/features/) and the rebuilding of the past (look_back/copies.py).

A leak is what the moment could not know. Three things keep it out: columns that look ahead say so in their name
(`_next_`; tests/integration/test_scenarios_against_oracles.py proves that no other one does) and stay out; features
are read from what was known at `as_of`; and what was decided later stands in columns of its own, `label_*`, with the
instant at which it became known.
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb
import pyarrow as pa

from orchestration.look_back.copies import folder_of

KEYS = ("leg_id", "transfer_id", "direction_code", "event_at", "event_date")
PREFIX = "feat_transfer__"
# Numbers, flags, instants and codes: what identifies a person, a device or an address is nothing to learn from.
_LEARNABLE = "data_type <> 'VARCHAR' or column_name like '%\\_code' escape '\\'"
_LOOKS_AHEAD = "column_name like '%\\_next%' escape '\\' or column_name like 'next\\_%' escape '\\'"
# The gravest decision on any alert that the leg is part of; a case that is open, or ended in a word nobody mapped, says
# nothing.
_LABELS = """
select
  legs.leg_id,
  outcomes.outcome_code as label_outcome_code,
  outcomes.outcome_code in ('escalated', 'sar_filed') as label_is_productive,
  outcomes.decided_at as label_decided_at,
  outcomes.known_at as label_known_at
from marts.fct_alert_legs as legs
inner join marts.fct_case_outcomes as outcomes
  on outcomes.alert_id = legs.alert_id
where outcomes.outcome_code in ('no_action', 'false_positive', 'escalated', 'sar_filed')
  and outcomes.decided_at is not null
qualify row_number() over (
  partition by legs.leg_id
  order by
    case outcomes.outcome_code when 'sar_filed' then 1 when 'escalated' then 2 when 'false_positive' then 3 else 4 end,
    outcomes.decided_at,
    outcomes.case_id
) = 1
"""


@dataclass(frozen=True)
class Exported:
    """What was written: rows (one a leg), feature columns, and rows with a label."""

    rows: int
    features: int
    labelled: int


def export(root: Path, file: Path, as_of: datetime | None, labels: bool) -> Exported:
    """Writes the frame to `file`: Parquet, sorted by event_at and leg_id; instants in UTC, money in USD as DECIMAL.

    One row a monitored leg: its keys, and every column of the transfer-grain feature tables that does not look ahead
    and is no identifier, named <family>__<column>. `as_of` (UTC): from the look-back to that instant instead of the
    present; with `labels` the decisions known at present are added. Raises LookupError where the warehouse, or the
    look-back, was not built.
    """
    source = (folder_of(root, as_of) if as_of else root) / "warehouse.duckdb"
    if not source.exists():
        first = f"plumbline run --as-of {as_of.isoformat()}Z" if as_of else "plumbline run"
        raise LookupError(f"There is no warehouse to read features from. Build it first: {first}")
    decided = _decided(root / "warehouse.duckdb") if labels else None
    with duckdb.connect(str(source), read_only=True) as warehouse:
        families = _families(warehouse)
        if not families:
            raise LookupError(f"{source} holds no features: its run did not finish. Run it again.")
        frame = warehouse.sql(_frame(families))
        if decided is not None:
            warehouse.register("decided", decided)
            frame = warehouse.sql(
                "select frame.*, decided.* exclude (leg_id) from frame left join decided using (leg_id) "
                "order by event_at, leg_id"
            )
        partial = file.with_name(f"{file.name}.partial")
        frame.write_parquet(str(partial))
        partial.replace(file)
    with duckdb.connect() as reader:
        counted = "label_outcome_code" if labels else "null"
        written = reader.read_parquet(str(file)).aggregate(f"count(*), count({counted})")
        ((rows, labelled),) = written.fetchall()
    return Exported(rows, sum(map(len, families.values())), labelled)


def _families(warehouse: duckdb.DuckDBPyConnection) -> dict[str, list[str]]:
    """Family -> its columns that go into the frame, both sorted."""
    rows = warehouse.execute(
        "select table_name, column_name from information_schema.columns "  # noqa: S608 (constants of this module)
        "where table_schema = 'features' and starts_with(table_name, ?) and not list_contains(?, column_name) "
        f"and ({_LEARNABLE}) and not ({_LOOKS_AHEAD}) order by table_name, column_name",
        [PREFIX, list(KEYS)],
    ).fetchall()
    families: dict[str, list[str]] = {}
    for table, column in rows:
        families.setdefault(table.removeprefix(PREFIX), []).append(column)
    return families


def _frame(families: dict[str, list[str]]) -> str:
    """All families beside each other; each lacks the legs that it is not about, so the legs are those of any."""
    columns = ", ".join(f'{family}."{name}" as {family}__{name}' for family in families for name in families[family])
    keys = ", ".join(KEYS)
    each = (f"select {keys} from features.{PREFIX}{family}" for family in families)  # noqa: S608 (names of the catalogue)
    legs = " union ".join(each)
    joins = " ".join(f"left join features.{PREFIX}{family} as {family} using (leg_id)" for family in families)
    spine = ", ".join(f"legs.{key}" for key in KEYS)
    return f"select {spine}, {columns} from ({legs}) as legs {joins} order by legs.event_at, legs.leg_id"  # noqa: S608 (catalogue names)


def _decided(path: Path) -> pa.Table:
    with duckdb.connect(str(path), read_only=True) as warehouse:
        return warehouse.sql(_LABELS).to_arrow_table()
