"""The report of a look-back: one HTML page that needs nothing else, and prints.

Belongs here: what stands on the page, and the short form for the screen. Not here: its looks (report.html).
"""

from collections import Counter, defaultdict
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa

from orchestration import pages
from orchestration.look_back.compare import CAUSES
from orchestration.look_back.request import Plan

MOST_ROWS = 200
COUNTS = ("population", "evaluated", "excluded", "not_evaluable", "errored", "unexplained")
KINDS = ("same", "new", "lost")


def summarise(tables: dict[str, pa.Table]) -> dict[str, Any]:
    """Alerts by kind of difference and by cause, the population of each scenario, and what is unexplained."""
    by_scenario: dict[str, Counter] = defaultdict(Counter)
    for row in tables["population"].to_pylist():
        by_scenario[row["scenario_id"]] += Counter({name: row[f"{name}_rows"] for name in COUNTS})
        by_scenario[row["scenario_id"]]["usd"] += row["population_usd"]
    differences = tables["differences"].to_pylist()
    for row in differences:
        by_scenario[row["scenario_id"]][row["difference_code"]] += 1
    causes = Counter((row["difference_code"], row["cause_code"]) for row in differences if row["cause_code"])
    kinds = Counter(row["difference_code"] for row in differences)
    names = (*COUNTS, "usd", *KINDS)
    return {
        **{kind: kinds[kind] for kind in KINDS},
        "causes": [
            {"kind": kind, "cause": cause, "text": text, "alerts": causes[kind, cause]}
            for kind in ("new", "lost") for cause, text in CAUSES.items() if causes[kind, cause]
        ],
        "scenarios": [
            {"scenario": scenario, **{name: counts[name] for name in names}}
            for scenario, counts in sorted(by_scenario.items())
        ],
        "unexplained": sum(counts["unexplained"] for counts in by_scenario.values()),
        "errored": sum(counts["errored"] for counts in by_scenario.values()),
    }  # fmt: skip


def page(plan: Plan, tables: dict[str, pa.Table], summary: dict[str, Any], manifest: dict[str, Any]) -> str:
    """The page. The same results give the same text."""
    differences = [row for row in tables["differences"].to_pylist() if row["difference_code"] != "same"]
    steps = tables["what_if_steps"].to_pylist() if "what_if_steps" in tables else []
    bands = tables["what_if_bands"].to_pylist() if "what_if_bands" in tables else []
    return pages.template(Path(__file__).parent, "report.html").render(
        plan=plan,
        request=plan.request,
        summary=summary,
        manifest=manifest,
        causes=CAUSES,
        differences=differences[:MOST_ROWS],
        difference_count=len(differences),
        exposures=_by_category(tables["hindsight_exposures"].to_pylist()),
        feeds=[row for row in tables["feeds"].to_pylist() if row["source_rows"]],
        samples=tables["sampling_plan"].to_pylist(),
        charts=_charts(steps, bands),
    )


def _by_category(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    groups: dict[tuple, dict[str, Any]] = {}
    for row in rows:
        key = (row["severity_code"], row["category_code"], row["vendor_code"], row["exposure_type_code"])
        group = groups.setdefault(key, {"transfers": set(), "usd": Decimal(0)})
        group["transfers"].add(row["transfer_id"])
        group["usd"] += row["exposure_usd"] or 0
    order = {"severe": 0, "high": 1, "medium": 2, "low": 3}
    return [
        {"severity": severity, "category": category, "vendor": vendor, "type": kind,
         "transfers": len(group["transfers"]), "usd": group["usd"]}
        for (severity, category, vendor, kind), group in sorted(
            groups.items(), key=lambda item: (order.get(item[0][0], 4), tuple(map(str, item[0])))
        )
    ]  # fmt: skip


def _charts(steps: list[dict[str, Any]], bands: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """For each parameter its steps and bands; widths of bars in hundredths of the longest."""
    charts: dict[tuple, dict[str, Any]] = {}
    for step in steps:
        key = (step["scenario_id"], step["parameter_code"], step["context"])
        charts.setdefault(key, {"key": key, "steps": [], "bands": []})["steps"].append(step)
    for band in bands:
        charts[band["scenario_id"], band["parameter_code"], band["context"]]["bands"].append(band)
    for chart in charts.values():
        longest = max(1, *(step["alerts"] for step in chart["steps"]))
        for step in chart["steps"]:
            parts = (step["productive"], step["decided"] - step["productive"], step["alerts"] - step["decided"])
            step["widths"] = [round(100 * part / longest, 2) for part in parts]
    return list(charts.values())
