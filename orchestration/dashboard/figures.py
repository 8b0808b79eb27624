"""The figures of the dashboard, read from a published version of the marts.

Belongs here: the queries. Not here: how they look (page.py, page.html). Every number is a column of a mart or a sum of
one: what is a rate or has a limit is an indicator of `fct_kris` and is computed there, once, for every reader.
"""

from pathlib import Path
from typing import Any

import duckdb

SHOWN_DAYS = 90
SHOWN_REJECTS = 20
QUERIES = {
    "kris": "select * from marts.fct_kris order by kri_code",
    "alerts_by_day": f"""
        select days.day as day, count(alerts.alert_id) as alerts
        from (
          select unnest(generate_series(last_day - interval {SHOWN_DAYS - 1} day, last_day, interval 1 day)) as day
          from (select max(cast(triggered_at as date)) as last_day from marts.fct_alerts)
        ) as days
        left join marts.fct_alerts as alerts on cast(alerts.triggered_at as date) = days.day
        group by days.day order by days.day
    """,  # noqa: S608 (a constant)
    "alerts_by_scenario": """
        with cases as (
          select
            alert_id,
            count(*) filter (where status_code = 'closed') as closed,
            count(*) filter (where status_code = 'closed' and outcome_code in ('escalated', 'sar_filed')) as productive
          from marts.fct_case_outcomes where alert_id is not null group by alert_id
        )
        select
          scenario_id,
          count(*) as alerts,
          count(*) filter (where coalesce(closed, 0) = 0) as open,
          count(*) filter (where closed > 0) as decided,
          count(*) filter (where productive > 0) as productive,
          count(*) filter (where is_late) as late
        from marts.fct_alerts left join cases using (alert_id)
        group by scenario_id order by alerts desc, scenario_id
    """,
    "backlog_by_age": """
        with decided as (select distinct alert_id from marts.fct_case_outcomes where status_code = 'closed')
        select
          case
            when age_days <= 7 then 'up to 7 days' when age_days <= 30 then '8 to 30 days'
            when age_days <= 60 then '31 to 60 days' else 'more than 60 days'
          end as age,
          min(age_days) as youngest,
          count(*) as alerts
        from (
          select date_diff('day', evidence_known_at, max(raised_as_of_at) over ()) as age_days
          from marts.fct_alerts anti join decided using (alert_id)
        )
        group by age order by youngest
    """,
    "scenarios": """
        select
          scenario_id, scenario_version,
          sum(population_rows) as population, sum(alerted_rows) as alerted,
          sum(below_threshold_rows) as below_threshold, sum(excluded_rows) as excluded,
          sum(not_evaluable_rows) as not_evaluable, sum(errored_rows) as errored,
          sum(abs(unexplained_rows)) as unexplained
        from marts.fct_scenario_population
        group by all order by scenario_id, scenario_version
    """,
    "names": """
        select distinct scenario_id, scenario_name from marts.fct_red_flag_coverage where scenario_id is not null
    """,
    "exposures": """
        select category_code, severity_code, count(distinct transfer_id) as transfers, sum(exposure_usd) as usd,
          sum(exposure_usd) filter (where exposure_type_code = 'DIRECT') as direct_usd,
          case severity_code when 'severe' then 0 when 'high' then 1 else 2 end as rank
        from marts.fct_exposures
        where severity_code in ('severe', 'high', 'medium')
        group by all order by rank, usd desc, category_code
    """,
    "list_changes": """
        select list_code, published_at,
          count(*) filter (where change_code = 'added') as added,
          count(*) filter (where change_code = 'changed') as changed,
          count(*) filter (where change_code = 'removed') as removed
        from marts.fct_watchlist_changes group by all order by published_at desc, list_code limit 12
    """,
    "customers": """
        select risk_rating_code, count(*) as customers, count(*) filter (where is_pep) as peps,
          count(*) filter (where next_review_date < (select max(as_of_date) from marts.fct_kris)) as overdue
        from marts.dim_parties group by all order by customers desc, risk_rating_code
    """,
    "feeds": "select * from marts.fct_feed_totals order by feed_code",
    "rejects": f"""
        select feed_code, table_name, reason_code, count(*) as records, max(age_days) as oldest_days
        from marts.fct_rejects group by all order by records desc, feed_code, table_name, reason_code
        limit {SHOWN_REJECTS}
    """,  # noqa: S608 (a constant)
    "breaks": "select * from marts.fct_reconciliation_breaks where status_code = 'open' order by break_entry_id",
    "rate_gaps": "select * from marts.fct_rate_gaps order by gap_from_at, asset_code",
    "coverage": """
        select coverage_code, count(distinct red_flag_id) as red_flags
        from marts.fct_red_flag_coverage group by all order by red_flags desc, coverage_code
    """,
}  # fmt: skip


def read(version: Path) -> dict[str, list[dict[str, Any]]]:
    """By name of the query its rows, as dicts; money is Decimal. `version`: a folder that publication.py made."""
    with duckdb.connect(str(version / "plumbline.duckdb"), read_only=True) as marts:
        return {name: marts.sql(query).to_arrow_table().to_pylist() for name, query in QUERIES.items()}
