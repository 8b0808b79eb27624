"""The steps of a what-if: parameters that scenarios are replayed with instead of those in force.

Belongs here: reading and checking a file of steps, and putting one in force in a copy. Not here: what came of it
(what_if.py). A step is a row of a CSV with scenario_id, parameter_code and value; segment_code, jurisdiction_code and
ccy_code may narrow it down, as in seed scenario_parameters.
"""

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path

import duckdb

from orchestration.dbt import PROJECT

COLUMNS = ("scenario_id", "parameter_code", "value")
CONTEXT = ("segment_code", "jurisdiction_code", "ccy_code")
TABLE = "reference.scenario_parameters"
# What a number of each unit can be at all: lowest, highest (None: no bound), whole. What is sensible is for the owner
# of the scenario to say; shares may be above 1 where one side is measured against another.
_RATIO = (Decimal(0), Decimal(1000), False)
_COUNT = (Decimal(1), Decimal(100_000), True)
RANGES = {
    "flag": (Decimal(0), Decimal(1), True),
    "share": (Decimal(0), Decimal(10), False),
    "score": _RATIO,
    "ratio": _RATIO,
    "deviations": _RATIO,
    "hours": (Decimal(1), Decimal(24 * 366), True),
    "days": (Decimal(0), Decimal(3660), True),
    "years": (Decimal(0), Decimal(130), True),
}
_MONEY = (Decimal(0), None, False)
_MONEY_UNITS = {"USD", "currency", "asset", "ETH"}
# A window that no feature exists for is an error in every leg, so those that exist are read from the model itself.
_WINDOWS = re.compile(r"feature_of_window\(\s*'parameters\.(\w+)',[^\[]*\[([^\]]*)\]")


@dataclass(frozen=True, order=True)
class Step:
    """One parameter of one scenario with another value; `context`: segment, jurisdiction, asset, '' for all rows."""

    scenario_id: str
    parameter_code: str
    value: Decimal
    context: tuple[str, str, str] = ("", "", "")


def read_steps(file: Path, models: Mapping[str, str]) -> tuple[Step, ...]:
    """The steps of a file, sorted. `models`: live scenarios and their models. Raises ValueError or LookupError with
    the line that is wrong."""
    with file.open(newline="", encoding="utf-8-sig") as source:
        reader = csv.DictReader(source)
        if lacking := set(COLUMNS) - set(reader.fieldnames or ()):
            raise ValueError(f"{file} lacks the column {', '.join(sorted(lacking))}.")
        if strange := set(reader.fieldnames or ()) - {*COLUMNS, *CONTEXT}:
            raise ValueError(f"{file} has a column that nobody knows: {', '.join(sorted(strange))}.")
        rows = list(reader)
    if not rows:
        raise ValueError(f"{file} holds no step.")
    in_force = _in_force()
    return tuple(sorted({_step(row, f"{file}, line {line}", models, in_force) for line, row in enumerate(rows, 2)}))


def _step(row: dict[str, str], where: str, models: Mapping[str, str], in_force: list[dict[str, str]]) -> Step:
    scenario, code = row["scenario_id"].strip().upper(), row["parameter_code"].strip()
    if scenario not in models:
        raise LookupError(f"{where}: there is no live scenario {scenario!r}.")
    context = tuple((row.get(name) or "").strip() for name in CONTEXT)
    known = [one for one in in_force if one["scenario_id"] == scenario]
    rows = [one for one in known if one["parameter_code"] == code and _is_in(one, context)]
    if not rows:
        codes = ", ".join(sorted({one["parameter_code"] for one in known}))
        raise LookupError(f"{where}: {scenario} has no parameter {code!r} for {context}. It has: {codes}.")
    try:
        value = Decimal(row["value"].strip())
    except InvalidOperation:
        raise ValueError(f"{where}: {row['value']!r} is no number.") from None
    if reason := problem(value, rows[0]["unit"], windows(models[scenario]).get(code)):
        raise ValueError(f"{where}: {scenario} {code} = {value} {reason}.")
    return Step(scenario, code, value, context)


def problem(value: Decimal, unit: str, allowed: frozenset[int] | None = None) -> str | None:
    """Why a parameter of that unit cannot have the value; None where it can."""
    low, high, is_whole = _MONEY if unit in _MONEY_UNITS else RANGES.get(unit, _COUNT)
    if allowed is not None and value not in allowed:
        return f"is no window that features exist for ({', '.join(map(str, sorted(allowed)))})"
    if not value.is_finite() or value < low or (high is not None and value > high):
        return f"is outside its range: from {low}{f' to {high}' if high is not None else ' up'}, in {unit}"
    if is_whole and value != value.to_integral_value():
        return f"is no whole number, and its unit is {unit}"
    return None


def windows(model: str) -> dict[str, frozenset[int]]:
    """Parameter -> the hours that features exist for, of the model's parameters that choose a window."""
    (path,) = (PROJECT / "models/scenarios").glob(f"{model}.sql")
    found: dict[str, frozenset[int]] = {}
    for code, lengths in _WINDOWS.findall(path.read_text(encoding="utf-8")):
        hours = (int(number) * (24 if letter == "d" else 1) for number, letter in re.findall(r"(\d+)([hd])", lengths))
        found[code] = found.get(code, frozenset(range(24 * 3660))) & frozenset(hours)
    return found


def put_in_force(connection: duckdb.DuckDBPyConnection, step: Step) -> None:
    """Changes the copy's parameters to those of the step. Their ids say so, so that no set of rows has two meanings."""
    connection.execute(
        f"update {TABLE} set parameter_value = ?, parameter_id = parameter_id || '=' || ? "  # noqa: S608 (a constant)
        "where scenario_id = ? and parameter_code = ? "
        "and ? in ('', segment_code) and ? in ('', jurisdiction_code) and ? in ('', ccy_code)",
        [step.value, str(step.value), step.scenario_id, step.parameter_code, *step.context],
    )


def _is_in(row: dict[str, str], context: tuple[str, ...]) -> bool:
    return all(wanted in ("", row[name]) for name, wanted in zip(CONTEXT, context, strict=True))


def _in_force() -> list[dict[str, str]]:
    with (PROJECT / "seeds/scenario_parameters.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
