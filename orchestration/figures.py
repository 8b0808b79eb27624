"""The figures of a run as the marts hold them: feeds, scenarios with their alerts, jurisdictions, indicators.

Belongs here: reading them. Not here: how they are computed (dbt_project/models/marts/) and what a run makes of them
(accounting.py).
"""

from collections.abc import Collection
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

from orchestration.home import home, target

FEED_COUNTS = (
    "source_rows", "raw_rows", "rejected_rows", "superseded_rows", "monitored_rows", "out_of_scope_rows",
    "unexplained_rows",
)  # fmt: skip
FEED_USD = tuple(name.replace("_rows", "_usd") for name in FEED_COUNTS)
SCENARIO_COUNTS = ("population", "evaluated", "excluded", "not_evaluable", "errored", "unexplained", "alerts")


def of_run(built: Collection[str], ledger_before: list[dict[str, Any]]) -> dict[str, Any]:
    """Feeds, scenarios, jurisdictions and KRIs from the marts that this run built; `missing` names those it did not.

    `ledger_before`: what `ledger` returned before the run, to tell the alerts it raised from those that were there.
    """
    wanted = ("fct_feed_totals", "fct_scenario_population", "fct_alerts", "fct_kris")
    numbers: dict[str, Any] = {"feeds": [], "scenarios": [], "jurisdictions": [], "kris": []}
    missing = [f"marts.{table}" for table in wanted if f"marts__{table}" not in built]
    if len(missing) < len(wanted):
        with _results() as connection:
            if "marts.fct_feed_totals" not in missing:
                numbers["feeds"] = [_feed(row) for row in _rows(connection, "select * from marts.fct_feed_totals")]
            if not {"marts.fct_scenario_population", "marts.fct_alerts"} & set(missing):
                before = {(row["scenario"], row["version"]): row["alerts"] for row in ledger_before}
                numbers["scenarios"] = [_scenario(row, before) for row in _rows(connection, _SCENARIOS)]
            if "marts.fct_scenario_population" not in missing:
                numbers["jurisdictions"] = _rows(connection, _JURISDICTIONS)
            if "marts.fct_kris" not in missing:
                numbers["kris"] = _rows(connection, _KRIS)
    return {**numbers, "missing": missing}


def ledger() -> list[dict[str, Any]]:
    """How many alerts the ledger holds now, by scenario and version; empty before the first run."""
    if not (home() / "warehouse.duckdb").exists():
        return []
    with _results() as connection:
        look = "select 1 from information_schema.tables where table_schema = 'marts' and table_name = 'fct_alerts'"
        return _rows(connection, _LEDGER) if connection.execute(look).fetchall() else []


@contextmanager
def _results():
    """What dbt built, on whichever engine this process uses."""
    if target() == "spark":
        from orchestration import spark

        with spark.open_results() as connection:
            yield connection
        return
    import duckdb

    connection = duckdb.connect(str(home() / "warehouse.duckdb"))
    try:
        yield connection
    finally:
        connection.close()


_LEDGER = """
select scenario_id as scenario, scenario_version as version, count(*) as alerts
from marts.fct_alerts
group by scenario_id, scenario_version
"""

# A version that is no longer in force has no population, and its alerts stay in the ledger.
_SCENARIOS = f"""
with raised as ({_LEDGER}),

monitored as (
    select
        scenario_id as scenario,
        scenario_version as version,
        sum(population_rows) as population,
        sum(evaluated_rows) as evaluated,
        sum(excluded_rows) as excluded,
        sum(not_evaluable_rows) as not_evaluable,
        sum(errored_rows) as errored,
        sum(unexplained_rows) as unexplained
    from marts.fct_scenario_population
    group by scenario_id, scenario_version
)

select *
from monitored
full outer join raised using (scenario, version)
order by scenario, version
"""  # noqa: S608 (a constant)

# The population is the same for every scenario; what became of it is counted over all of them.
_JURISDICTIONS = """
with by_scenario as (
    select
        jurisdiction_code,
        scenario_id,
        sum(population_rows) as population,
        sum(population_usd) as population_usd,
        sum(alerted_rows) as alerted,
        sum(not_evaluable_rows) as not_evaluable,
        sum(errored_rows) as errored,
        sum(unexplained_rows) as unexplained
    from marts.fct_scenario_population
    group by jurisdiction_code, scenario_id
)

select
    jurisdiction_code as jurisdiction,
    max(population) as population,
    max(population_usd) as population_usd,
    sum(alerted) as alerted,
    sum(not_evaluable) as not_evaluable,
    sum(errored) as errored,
    sum(unexplained) as unexplained
from by_scenario
group by jurisdiction_code
order by jurisdiction_code
"""

_KRIS = """
select kri_code as kri, value, unit, as_of_date as as_of, rag_code as rag
from marts.fct_kris
qualify as_of_date = max(as_of_date) over ()
order by kri_code
"""


def _rows(connection, query: str) -> list[dict[str, Any]]:
    cursor = connection.execute(query)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, map(_plain, row), strict=True)) for row in cursor.fetchall()]


def _plain(value: Any) -> Any:
    """As JSON takes it: exact decimals as text unless they are whole, times as ISO text."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() and value.as_tuple().exponent >= 0 else str(value)
    return value.isoformat() if hasattr(value, "isoformat") else value


def _feed(row: dict[str, Any]) -> dict[str, Any]:
    feed = {"feed": row["feed_code"], **{name: row[name] for name in FEED_COUNTS}, "reconciled": row["is_reconciled"]}
    return feed | {name: row[name] for name in FEED_USD if row.get(name) is not None}


def _scenario(row: dict[str, Any], before: dict[tuple[str, str], int]) -> dict[str, Any]:
    key = (row["scenario"], row["version"])
    counts = {name: row[name] or 0 for name in SCENARIO_COUNTS}
    return {"scenario": key[0], "version": key[1], **counts, "alerts_new": counts["alerts"] - before.get(key, 0)}
