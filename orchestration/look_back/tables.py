"""The tables of a look-back: what is written to Parquet, and read by the report.

Belongs here: their SQL, sorted so that the same copy gives the same bytes. Not here: how they look (report.py).
"""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from orchestration.look_back.compare import OF_KEYS, OF_SUBJECTS, Selection
from orchestration.look_back.request import Plan
from orchestration.look_back.sampling import clean_sample_size
from orchestration.look_back.what_if import Band, StepResult

# Before the causes are known, because the copy may be rebuilt to find them.
EARLY = {
    "alerts": f"""
        select * from marts.fct_alerts
        where list_contains($scenarios, scenario_id) and cast(triggered_at as date) between $first and $last
          and {OF_KEYS}
        order by scenario_id, triggered_at, alert_id
    """,  # noqa: S608 (a constant)
    "population": """
        select * exclude (scenario_population_id) from marts.fct_scenario_population
        where list_contains($scenarios, scenario_id) and event_date between $first and $last
        order by scenario_id, scenario_version, jurisdiction_code, event_date
    """,
    "feeds": "select * from marts.fct_feed_totals order by feed_code",
    "parameters": """
        select * from reference.scenario_parameters where list_contains($scenarios, scenario_id)
        order by parameter_id
    """,
    "hindsight_exposures": """
        select
          transfers.event_date, exposures.transfer_id, exposures.vendor_code, exposures.exposure_type_code,
          exposures.category_code, exposures.severity_code, exposures.entity_name, exposures.exposure_usd,
          exposures.known_at
        from intermediate.int_exposures as exposures
        inner join intermediate.int_transfers as transfers on transfers.transfer_id = exposures.transfer_id
        where exposures.known_at > $then and transfers.event_date between $first and $last
          and ($every_subject or transfers.account_id in (
            select account_id from intermediate.int_accounts
            where list_contains($subjects, account_id) or list_contains($subjects, party_id)))
        order by all
    """,
}
_MD5_LENGTH = 32
LATE = {
    "differences": """
        select
          differences.scenario_id, differences.difference_code, differences.alert_id, differences.scenario_version,
          differences.subject_type_code, differences.subject_key, differences.party_key, differences.triggered_at,
          differences.raised_as_of_at, differences.legs_then, differences.legs_now,
          differences.parameter_set_id_then, differences.parameter_set_id_now,
          causes.cause_code, causes.cause_text, outcomes.outcome_code, differences.evidence_known_at,
          differences.reason_text,
          array_to_string(list_sort(list_distinct(string_split(differences.evidence_transfer_ids, ';'))), ';')
            as evidence_transfer_ids
        from look_back.differences as differences
        left join look_back.causes as causes
          on causes.alert_id = differences.alert_id
          and causes.difference_code = differences.difference_code
        left join (
          select alert_id, min(outcome_code) as outcome_code from look_back.outcomes group by alert_id
        ) as outcomes on outcomes.alert_id = differences.alert_id
        order by differences.scenario_id, differences.difference_code, differences.triggered_at, differences.alert_id
    """,
}
# Reviewed are alerts by kind of difference, and transfers that a scenario looked at and let pass. The order of a sample
# comes from a hash of the id: nobody chooses, and anybody can draw it again.
_STRATA = """
with strata as (
  select scenario_id, difference_code || ' alerts' as stratum, alert_id as item_id from look_back.differences
  union all
  select scenario_id, 'transfers let pass' as stratum, transfer_id as item_id
  from ({let_pass})
)

select scenario_id, stratum, count(*) as population, min(md5(item_id) || item_id, $most) as drawn
from strata
group by scenario_id, stratum
order by scenario_id, stratum
"""
_LET_PASS = """
select distinct scenario_id, transfer_id from scenarios.{model}
where outcome_code = 'below_threshold' and event_date between $first and $last
  and {of_subjects}
"""


def asked(plan: Plan, whose: Selection) -> dict[str, Any]:
    """The parameters of the SQL of this module."""
    return {
        "scenarios": list(plan.request.scenarios), "first": plan.request.first, "last": plan.request.last,
        "then": plan.then, "every_subject": not whose.ids, "subjects": list(whose.ids), "keys": list(whose.keys),
    }  # fmt: skip


def read(connection: duckdb.DuckDBPyConnection, query: str, values: dict[str, Any]) -> pa.Table:
    """The rows of a query that may use any of the values by name."""
    used = {name: value for name, value in values.items() if f"${name}" in query}
    return connection.sql(query, params=used).to_arrow_table()


def sampling(
    connection: duckdb.DuckDBPyConnection, plan: Plan, whose: Selection, models: dict[str, str]
) -> dict[str, pa.Table]:
    """`sampling_plan`, a row for each scenario and stratum, and `sample`, what to review of each."""
    passed = (_LET_PASS.format(model=models[one], of_subjects=OF_SUBJECTS) for one in plan.request.scenarios)
    query = _STRATA.format(let_pass=" union all ".join(passed))
    strata = read(connection, query, asked(plan, whose) | {"most": clean_sample_size()}).to_pylist()
    plans = [
        (one["scenario_id"], one["stratum"], one["population"], clean_sample_size(one["population"])) for one in strata
    ]
    items = [
        (scenario, stratum, drawn[_MD5_LENGTH:])
        for (scenario, stratum, _, size), one in zip(plans, strata, strict=True)
        for drawn in one["drawn"][:size]
    ]
    text, number = pa.string(), pa.int64()
    return {
        "sampling_plan": _table(
            plans, {"scenario_id": text, "stratum": text, "population": number, "sample_size": number}
        ),
        "sample": _table(items, {"scenario_id": text, "stratum": text, "item_id": text}),
    }


def _table(rows: list[tuple], columns: dict[str, pa.DataType]) -> pa.Table:
    arrays = [pa.array([row[at] for row in rows], kind) for at, kind in enumerate(columns.values())]
    return pa.table(arrays, names=list(columns))


def what_if(steps: list[StepResult], bands: list[Band]) -> dict[str, pa.Table]:
    """`what_if_steps`, and `what_if_bands` where there is one; values as text, so that they are exact."""
    return {"what_if_steps": _flat(steps)} | ({"what_if_bands": _flat(bands)} if bands else {})


def write(table: pa.Table, file: Path) -> None:
    """One Parquet file: the same rows, the same bytes."""
    with duckdb.connect() as connection:
        connection.execute("set threads = 1")
        connection.from_arrow(table).write_parquet(str(file), compression="zstd")


def _flat(results: list[StepResult] | list[Band]) -> pa.Table:
    rows = []
    for result in results:
        row = asdict(result)
        rate = row.pop("rate")
        for name in ("value", "from_value", "to_value"):
            if name in row:
                row[name] = None if row[name] is None else format(row[name].normalize(), "f")
        rows.append(row | rate)
    return pa.Table.from_pylist(rows)
