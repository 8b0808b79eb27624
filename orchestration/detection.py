"""What monitoring found of what is known to be there, as a page.

Belongs here: comparing a file of labelled cases with the alerts of the warehouse. Not here: the labels themselves (the
sandbox writes its own, examples/real_files those of a public set) and the scenarios.

A case counts as found when an alert rests on one of its transfers: one of the scenario that the label names, where it
names one. Scenarios in trial (shadow) raise nothing; the legs that would have alerted count as their alerts. A label
file is a CSV with the columns typology, expected (fire, no_fire; other rows are left out), scenario_id (may be empty)
and transfer_ids (separated by semicolons, as in the warehouse or as delivered).
"""

import csv
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import duckdb

COLUMNS = {"typology", "expected", "scenario_id", "transfer_ids"}
_ALERTS = "select scenario_id, evidence_transfer_ids from marts.fct_alerts"
_SHADOW = "select model_name from reference.scenarios where mode_code = 'shadow' order by model_name"


@dataclass(frozen=True)
class Case:
    """One labelled case."""

    typology: str
    scenario_id: str
    must_fire: bool
    transfers: frozenset[str]


def page(labels: Path, warehouse: Path) -> str:
    """The comparison as Markdown. Raises LookupError for a file that is not there, ValueError for one of other form."""
    if not warehouse.exists():
        raise LookupError("There is no warehouse yet. Start with: plumbline run")
    cases = read(labels)
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        alerts = _alerts(connection)
        ((customers,),) = connection.execute("select count(*) from marts.dim_parties").fetchall()
    found = [(case, _found(case, alerts)) for case in cases]
    lines = [*_head(cases, alerts, customers), *_typologies(found), *_scenarios(cases, alerts, customers)]
    return "\n".join(lines) + "\n"


def read(labels: Path) -> list[Case]:
    """The cases of a label file that say whether they must be found."""
    if not labels.exists():
        raise LookupError(f"{labels} is not there: say which cases are known with --labels.")
    with labels.open(newline="", encoding="utf-8") as file:
        rows = csv.DictReader(file)
        if lacking := COLUMNS - set(rows.fieldnames or ()):
            raise ValueError(f"{labels} lacks the column {', '.join(sorted(lacking))}.")
        return [
            Case(row["typology"], row["scenario_id"], row["expected"] == "fire", _names(row["transfer_ids"]))
            for row in rows
            if row["expected"] in ("fire", "no_fire")
        ]


def _names(transfer_ids: str) -> frozenset[str]:
    """Transfers by the name that the source gave them."""
    return frozenset(one.rpartition(":")[2] for one in transfer_ids.split(";") if one)


def _alerts(connection: duckdb.DuckDBPyConnection) -> dict[str, list[frozenset[str]]]:
    """Scenario -> the transfers that each of its alerts rests on."""
    rows = connection.execute(_ALERTS).fetchall()
    for (model,) in connection.execute(_SHADOW).fetchall():
        legs = connection.table(f"scenarios.{model}").filter("outcome_code = 'alerted'")
        rows += legs.project("scenario_id, evidence_transfer_ids").fetchall()
    alerts = defaultdict(list)
    for scenario, evidence in rows:
        alerts[scenario].append(_names(evidence))
    return dict(sorted(alerts.items()))


def _found(case: Case, alerts: dict[str, list[frozenset[str]]]) -> bool:
    scenarios = [case.scenario_id] if case.scenario_id else alerts
    return any(case.transfers & evidence for scenario in scenarios for evidence in alerts.get(scenario, ()))


def _head(cases: list[Case], alerts: dict[str, list[frozenset[str]]], customers: int) -> list[str]:
    total = sum(map(len, alerts.values()))
    return [
        f"{len(cases):,} labelled cases, {customers:,} customers, {total:,} alerts: "
        f"{_per_thousand(total, customers)} per 1,000 customers.",
        "",
    ]


def _typologies(found: list[tuple[Case, bool]]) -> list[str]:
    lines = ["| typology | scenario | to be found | found | recall | not to be found | alerted all the same |"]
    lines.append("|---|---|---|---|---|---|---|")
    groups = defaultdict(list)
    for case, is_found in found:
        groups[case.typology, case.scenario_id].append((case.must_fire, is_found))
    for (typology, scenario), group in sorted(groups.items()):
        hits = [is_found for must_fire, is_found in group if must_fire]
        misses = [is_found for must_fire, is_found in group if not must_fire]
        recall = f"{sum(hits) / len(hits):.0%}" if hits else ""
        line = [typology.replace("_", " "), scenario or "any", len(hits), sum(hits), recall, len(misses), sum(misses)]
        lines.append(f"| {' | '.join(map(str, line))} |")
    return [*lines, ""]


def _scenarios(cases: list[Case], alerts: dict[str, list[frozenset[str]]], customers: int) -> list[str]:
    known = frozenset().union(*(case.transfers for case in cases if case.must_fire))
    lines = ["| scenario | alerts | per 1,000 customers | on a labelled case |", "|---|---|---|---|"]
    for scenario, evidence in alerts.items():
        labelled = sum(bool(transfers & known) for transfers in evidence)
        rate = _per_thousand(len(evidence), customers)
        lines.append(f"| {scenario} | {len(evidence):,} | {rate} | {labelled / len(evidence):.0%} |")
    return lines


def _per_thousand(count: int, customers: int) -> str:
    return f"{1000 * count / customers:,.1f}" if customers else "no customers"
