"""The coverage matrix as a page.

Belongs here: how the matrix looks. Not here: what covers what (dbt_project/models/marts/coverage/).
"""

from itertools import groupby
from pathlib import Path

import duckdb

STATUS = {
    "covered": "covered",
    "in_trial": "in trial",
    "covered_elsewhere": "covered elsewhere",
    "accepted_gap": "accepted gap",
    "open_gap": "**open gap**",
}
PRODUCTS = ("crypto_deposit", "crypto_withdrawal", "fiat_deposit", "fiat_withdrawal", "internal_transfer", "trade")
_RED_FLAGS = """
with red_flags as (
  select publisher_code, red_flag_id, title, coverage_code, covered_by, reason, owner, review_due_date,
    scenario_id
  from marts.fct_red_flag_coverage
  group by all
),
answered as (
  select publisher_code, red_flag_id, title, min(coverage_code) as coverage_code, covered_by, reason, max(owner),
    review_due_date, list(scenario_id order by scenario_id) filter (scenario_id is not null) as scenarios
  from red_flags
  group by publisher_code, red_flag_id, title, covered_by, reason, review_due_date
)
select *
from answered
order by case publisher_code when 'FATF' then 1 when 'SFC' then 2 else 3 end,
  try_cast(regexp_extract(red_flag_id, 'F(\\d+)', 1) as int), red_flag_id
"""
_SCENARIOS = """
select scenario_id, max(scenario_name), max(mode_code), max(golden_tests),
  list(distinct product_code) filter (product_code is not null)
from marts.fct_red_flag_coverage
where scenario_id is not null
group by scenario_id
order by scenario_id
"""


def page(marts: Path) -> str:
    """The matrix as Markdown, from a DuckDB file of published marts."""
    with duckdb.connect(str(marts), read_only=True) as connection:
        red_flags = connection.execute(_RED_FLAGS).fetchall()
        scenarios = connection.execute(_SCENARIOS).fetchall()
    counts = {status: sum(row[3] == status for row in red_flags) for status in STATUS}
    told = ", ".join(f"{counts[status]} {name.strip('*')}" for status, name in STATUS.items() if counts[status])
    head = (
        "# Coverage\n\nWhich scenario answers which published red flag; made by `plumbline coverage` from "
        f"`marts.fct_red_flag_coverage`, do not edit. {len(red_flags)} red flags: {told}. Titles are our words.\n"
    )
    parts = [head]
    for publisher, rows in groupby(red_flags, key=lambda row: row[0]):
        parts.append(f"## {publisher}\n\n| red flag | what it says | status | by | why |\n|---|---|---|---|---|")
        parts += [_line(row) for row in rows]
        parts.append("")
    parts.append("## Scenarios and products\n\nA mark means that legs of the product were evaluated.\n")
    parts.append("| scenario | mode | " + " | ".join(p.replace("_", " ") for p in PRODUCTS) + " | golden tests |")
    parts.append("|---" * (len(PRODUCTS) + 3) + "|")
    for scenario_id, name, mode, tests, products in scenarios:
        marks = " | ".join("x" if product in (products or []) else "" for product in PRODUCTS)
        parts.append(f"| {scenario_id} {name} | {mode} | {marks} | `{tests}` |")
    return "\n".join(parts) + "\n"


def _line(row: tuple) -> str:
    _, red_flag, title, status, covered_by, reason, owner, due, scenarios = row
    by = ", ".join(scenarios) if scenarios else covered_by or ""
    why = "" if status in ("covered", "in_trial") else f"{reason}. Owner {owner}, to be reviewed by {due}"
    return f"| {red_flag} | {title} | {STATUS[status]} | {by} | {why} |"
