"""What monitoring found of what is known to be there, as a page.

Belongs here: comparing a file of labelled cases with the alerts of the warehouse. Not here: the labels themselves (the
sandbox writes its own, examples/real_files those of a public set) and the scenarios.

A case counts as found when an alert rests on one of its transfers: one of the scenario that the label names, where it
names one. Scenarios in trial (shadow) raise nothing: the legs that would have alerted find cases too, and are counted
apart. A label file is a CSV with the columns typology, expected (fire, no_fire; other rows are left out), scenario_id
(may be empty) and transfer_ids (separated by semicolons, as in the warehouse or as delivered).
"""

import csv
import hashlib
import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import duckdb

COLUMNS = {"typology", "expected", "scenario_id", "transfer_ids"}
_ALERTS = "select scenario_id, evidence_transfer_ids from marts.fct_alerts"
# What was judged and by which rules, without a date of ours: equal deliveries and rules give an equal identity.
_INPUT = """
select feed_code, table_name, sum(source_rows), sum(source_hash)
from staging.stg_control__totals
group by all
order by all
"""
_RULES = """
select scenario_id, scenario_version, mode_code from reference.scenarios
union all
select parameter_id, cast(parameter_value as text), parameter_code from reference.scenario_parameters
order by all
"""
_SHADOW = "select model_name from reference.scenarios where mode_code = 'shadow' order by model_name"


@dataclass(frozen=True)
class Case:
    """One labelled case."""

    typology: str
    scenario_id: str
    must_fire: bool
    transfers: frozenset[str]


@dataclass(frozen=True)
class Findings:
    """The transfers that each finding rests on, by scenario: alerts of live ones, legs of those in trial."""

    live: dict[str, list[frozenset[str]]]
    trial: dict[str, list[frozenset[str]]]

    def find(self, case: Case, *, in_trial: bool = True) -> bool:
        """Whether one of the case's transfers is in a finding of its scenario, or of any where it names none."""
        found = {**self.trial, **self.live} if in_trial else self.live
        scenarios = [case.scenario_id] if case.scenario_id else found
        return any(case.transfers & evidence for scenario in scenarios for evidence in found.get(scenario, ()))


def page(labels: Path, warehouse: Path) -> str:
    """The comparison as Markdown. Raises LookupError for a file that is not there, ValueError for one of other form."""
    if not warehouse.exists():
        raise LookupError("There is no warehouse yet. Start with: plumbline run")
    cases = read(labels)
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        findings = _findings(connection)
        ((customers,),) = connection.execute("select count(*) from marts.dim_parties").fetchall()
        identity = _identity(connection)
    known = frozenset().union(*(case.transfers for case in cases if case.must_fire))
    lines = [
        *_head(cases, findings, customers, identity),
        *_typologies(cases, findings),
        *_live(findings.live, known, customers),
        *_trial(findings.trial, known),
    ]
    return "\n".join(lines) + "\n"


def write(page: str, file: Path, section: str) -> None:
    """Puts the page into a Markdown file, between `<!-- detection: section -->` and `<!-- end -->`.

    Raises LookupError where the file has no such place.
    """
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    place = re.compile(rf"(<!-- detection: {re.escape(section)} -->\n).*?(<!-- end -->)", re.DOTALL)
    filled, places = place.subn(lambda found: f"{found[1]}\n{page}\n{found[2]}", text)
    if not places:
        raise LookupError(f"{file} has no place for it: <!-- detection: {section} --> and below it <!-- end -->.")
    file.write_text(filled, encoding="utf-8")


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


def _findings(connection: duckdb.DuckDBPyConnection) -> Findings:
    shadow = []
    for (model,) in connection.execute(_SHADOW).fetchall():
        legs = connection.table(f"scenarios.{model}").filter("outcome_code = 'alerted'")
        shadow += legs.project("scenario_id, evidence_transfer_ids").fetchall()
    return Findings(_by_scenario(connection.execute(_ALERTS).fetchall()), _by_scenario(shadow))


def _by_scenario(rows: list[tuple[str, str]]) -> dict[str, list[frozenset[str]]]:
    found = defaultdict(list)
    for scenario, evidence in rows:
        found[scenario].append(_names(evidence))
    return dict(sorted(found.items()))


def _identity(connection: duckdb.DuckDBPyConnection) -> tuple[str, str]:
    """Of the input and of the rules: twelve hexadecimal digits each."""
    found = (connection.execute(query).fetchall() for query in (_INPUT, _RULES))
    digests = [hashlib.sha256("\n".join(map(str, rows)).encode()).hexdigest()[:12] for rows in found]
    return digests[0], digests[1]


def _head(cases: list[Case], findings: Findings, customers: int, identity: tuple[str, str]) -> list[str]:
    alerts, legs = (sum(map(len, found.values())) for found in (findings.live, findings.trial))
    return [
        f"{len(cases):,} labelled cases, {customers:,} customers, {alerts:,} alerts of live scenarios: "
        f"{_per_thousand(alerts, customers)} per 1,000 customers.",
        "",
        f"Scenarios in trial raise none; {legs:,} legs would have alerted. "
        f"Input `{identity[0]}`, rules `{identity[1]}`.",
        "",
    ]


def _typologies(cases: list[Case], findings: Findings) -> list[str]:
    columns = (
        "typology", "scenario", "to be found", "found", "recall", "only in trial", "not to be found",
        "alerted all the same",
    )  # fmt: skip
    lines = [f"| {' | '.join(columns)} |", "|---" * len(columns) + "|"]
    groups = defaultdict(list)
    for case in cases:
        groups[case.typology, case.scenario_id].append(case)
    for (typology, scenario), group in sorted(groups.items()):
        wanted = [case for case in group if case.must_fire]
        others = [case for case in group if not case.must_fire]
        found = sum(findings.find(case, in_trial=False) for case in wanted)
        in_trial = sum(map(findings.find, wanted)) - found
        recall = f"{found / len(wanted):.0%}" if wanted else ""
        alarms = sum(map(findings.find, others))
        counts = [len(wanted), found, recall, in_trial, len(others), alarms]
        lines.append(f"| {' | '.join(map(str, [typology.replace('_', ' '), scenario or 'any', *counts]))} |")
    return [*lines, ""]


def _live(alerts: dict[str, list[frozenset[str]]], known: frozenset[str], customers: int) -> list[str]:
    lines = ["| scenario | alerts | per 1,000 customers | on a labelled case |", "|---|---|---|---|"]
    for scenario, evidence in alerts.items():
        rate = _per_thousand(len(evidence), customers)
        lines.append(f"| {scenario} | {len(evidence):,} | {rate} | {_share(evidence, known)} |")
    return [*lines, ""]


def _trial(legs: dict[str, list[frozenset[str]]], known: frozenset[str]) -> list[str]:
    lines = ["| scenario in trial | legs that would alert | on a labelled case |", "|---|---|---|"]
    lines += [f"| {scenario} | {len(found):,} | {_share(found, known)} |" for scenario, found in legs.items()]
    return lines


def _share(evidence: list[frozenset[str]], known: frozenset[str]) -> str:
    return f"{sum(bool(transfers & known) for transfers in evidence) / len(evidence):.0%}"


def _per_thousand(count: int, customers: int) -> str:
    return f"{1000 * count / customers:,.1f}" if customers else "no customers"
