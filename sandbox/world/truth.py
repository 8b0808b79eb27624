"""The labels: what should and what must not happen. Written to the truth folder, which no loader reads."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pacsv

from sandbox.world.calendar import to_datetime
from sandbox.world.definitions import DEFAULTS
from sandbox.world.landing import texts
from sandbox.world.people import People
from sandbox.world.planted.planter import Case, Unplanted

COLUMNS = (
    "case_no",
    "kind",
    "typology",
    "scenario_id",
    "expected",
    "parameter",
    "party_id",
    "account_id",
    "transfer_ids",
    "window_start_at",
    "window_end_at",
    "note",
)


@dataclass
class Label:
    """What one planted case must lead to, for one scenario."""

    case_no: int
    kind: str
    typology: str
    scenario_id: str | None
    expected: str
    parameter: str
    party_id: str | None
    account_id: str | None
    transfer_ids: str
    window_start_at: str | None
    window_end_at: str | None
    note: str


def _moment(us: int) -> str | None:
    return to_datetime(us).isoformat(sep=" ") if us else None


def labels_of(cases: list[Case], transfer_ids: dict[int, str], people: People) -> list[Label]:
    """One label a case and scenario."""
    made = []
    for case in cases:
        ids = ";".join(sorted({transfer_ids[number] for _, number in case.rows}))
        for scenario, expected in case.expect.items():
            made.append(
                Label(
                    case.number,
                    case.kind,
                    case.typology,
                    scenario,
                    expected,
                    case.parameter,
                    people.party_id[case.party],
                    people.account_id[case.account],
                    ids,
                    _moment(case.start),
                    _moment(case.end),
                    case.note,
                )
            )
    return made


def write_truth(root: Path, labels: list[Label], unplanted: list[Unplanted], summary: dict) -> None:
    """labels.csv, unplanted.csv (kinds that did not fit and why), parameters.json, summary.json."""
    root.mkdir(parents=True, exist_ok=True)
    columns = {name: [getattr(label, name) for label in labels] for name in COLUMNS}
    table = pa.table({n: pa.array(v, pa.int64()) if n == "case_no" else texts(v) for n, v in columns.items()})
    pacsv.write_csv(table, root / "labels.csv")
    skipped = sorted({(u.typology, u.kind, u.parameter, u.reason) for u in unplanted})
    names = ("typology", "kind", "parameter", "reason")
    pacsv.write_csv(
        pa.table({n: texts([row[i] for row in skipped]) for i, n in enumerate(names)}), root / "unplanted.csv"
    )
    (root / "parameters.json").write_text(json.dumps(DEFAULTS.as_json(), indent=1) + "\n", encoding="utf-8")
    (root / "summary.json").write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")
