"""The case system's side of the sandbox world: each case as it stood on a day, whichever vendor tells of it.

Belongs here: reading `<world>/landing/cases` once. How a vendor words it is in `marble` and `unit21`.
"""

import csv
import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path


@dataclass(frozen=True)
class Case:
    """One state of one case; `changed_at` is when it came to stand so. Times are naive UTC."""

    case_id: str
    scenario_id: str
    party_id: str
    window_start: date
    window_end: date
    opened_at: datetime
    changed_at: datetime
    is_closed: bool
    decided_at: datetime | None
    outcome: str | None
    filed_at: datetime | None
    investigator: str


class CaseWorld:
    """All states of all cases. `until` is the last business day whose changes are told; move it on for later news."""

    def __init__(self, world_dir: Path) -> None:
        """Reads what the world's case deliveries say. A world without them has no cases."""
        self.until: date | None = None
        self._last = date(1970, 1, 1)
        self._states: list[tuple[date, Case]] = []
        for folder in sorted((Path(world_dir) / "landing" / "cases").glob("delivery=*")):
            business = self._last = date.fromisoformat(folder.name.removeprefix("delivery="))
            for name in (entry["name"] for entry in json.loads((folder / "_manifest.json").read_text())["files"]):
                with (folder / name).open(newline="", encoding="utf-8") as stream:
                    self._states += [(business, _case(row)) for row in csv.DictReader(stream)]

    @property
    def now(self) -> datetime:
        """The vendor's clock: the end of the last business day that is told."""
        return datetime.combine((self.until or self._last) + timedelta(days=1), time())

    def cases(self) -> list[Case]:
        """Each case in its newest state, oldest case first."""
        newest: dict[str, Case] = {}
        for business, case in self._states:
            if self.until is None or business <= self.until:
                newest[case.case_id] = case
        return sorted(newest.values(), key=lambda case: (case.opened_at, case.case_id))


def _case(row: dict[str, str]) -> Case:
    opened, decided, filed = (_moment(row[name]) for name in ("opened_at", "decided_at", "sar_filed_at"))
    return Case(
        case_id=row["case_id"],
        scenario_id=row["scenario_id"],
        party_id=row["party_id"],
        window_start=date.fromisoformat(row["window_start_date"]),
        window_end=date.fromisoformat(row["window_end_date"]),
        opened_at=opened,
        changed_at=filed or decided or opened,
        is_closed=row["status_code"] == "closed",
        decided_at=decided,
        outcome=row["outcome_code"] or None,
        filed_at=filed,
        investigator=row["investigator_id"],
    )


def _moment(text: str) -> datetime | None:
    if not text:
        return None
    read = datetime.fromisoformat(text)
    return read.astimezone(UTC).replace(tzinfo=None) if read.tzinfo else read
