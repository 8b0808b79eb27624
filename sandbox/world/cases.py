"""The case system's feed: what investigators decided about part of the alerts, as later versions of the same case.

An alert's own id is left out: the sandbox cannot know the ids of alerts that are not raised yet.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from sandbox.world.calendar import Calendar, to_datetime
from sandbox.world.definitions import DAY, DELIVERY_DELAY, HOUR
from sandbox.world.landing import Delivery, Totals, cuts, record_hashes, texts, times
from sandbox.world.people import NONE, People
from sandbox.world.planted.planter import BENIGN, FIRE, Case
from sandbox.world.streams import Streams

INVESTIGATED = 0.75
# Nobody opens a case where no alert was raised about this customer: the exchange has these scenarios on trial, and an
# alert about several customers names the one who came last.
ON_TRIAL = {"TM03", "TM04", "TM05", "TM19", "TM34", "TM41", "TM44"}
OF_SEVERAL = {"scam_collection"}


@dataclass
class _Version:
    at: int
    case_id: str
    scenario: str
    party: int
    first: int
    last: int
    opened: int
    closed: bool
    decided: int
    outcome: str | None
    filed: int
    investigator: str
    quality: str | None


def _versions(cases: list[Case], calendar: Calendar, rng: np.random.Generator) -> list[_Version]:
    made: list[_Version] = []
    number = 0
    for case in cases:
        scenarios = [s for s, expected in case.expect.items() if expected == FIRE and s not in ON_TRIAL]
        if (
            not scenarios
            or case.typology in OF_SEVERAL
            or not case.rows
            or (case.kind != BENIGN and rng.random() > INVESTIGATED)
        ):
            continue
        number += 1
        opened = case.end // DAY * DAY + (2 + int(rng.integers(0, 3))) * DAY + int(rng.integers(7, 16)) * HOUR
        investigator = f"INV-{int(rng.integers(1, 7)):02d}"
        base = dict(
            case_id=f"CASE-{number:06d}",
            scenario=scenarios[0],
            party=case.party,
            first=case.start,
            last=case.end,
            opened=opened,
            investigator=investigator,
        )
        made.append(_Version(at=opened, closed=False, decided=NONE, outcome=None, filed=NONE, quality=None, **base))
        decided = opened + int(rng.integers(1, 15)) * DAY + int(rng.integers(0, 8)) * HOUR
        if rng.random() < 0.1 and case.kind != BENIGN:
            continue  # still open when the world ends
        draw = rng.random()
        outcome = "false_positive" if case.kind == BENIGN else "no_action" if draw < 0.1 else "escalated"
        quality = (None, "pass", "pass", "fail")[int(rng.choice(4, p=[0.6, 0.2, 0.15, 0.05]))]
        made.append(
            _Version(
                at=decided,
                closed=outcome != "escalated",
                decided=decided,
                outcome=outcome,
                filed=NONE,
                quality=quality,
                **base,
            )
        )
        if outcome == "escalated" and draw < 0.75:
            filed = opened + int(rng.integers(5, 46)) * DAY
            filed = max(filed, decided + 3 * HOUR)
            made.append(
                _Version(
                    at=filed, closed=True, decided=decided, outcome="sar_filed", filed=filed, quality=quality, **base
                )
            )
    return sorted((v for v in made if v.at < calendar.end_us), key=lambda v: (v.at, v.case_id))


def write_cases(root: Path, cases: list[Case], people: People, calendar: Calendar, streams: Streams) -> int:
    """One delivery a day, empty on most days of a small world. Returns the number of rows delivered."""
    versions = _versions(cases, calendar, streams("cases"))

    def instants(values: list[int]) -> pa.Array:
        array = np.array(values, dtype=np.int64)
        return times(array, array == NONE)

    def days(values: list[int]) -> pa.Array:
        return pa.array([to_datetime(v).date() for v in values], pa.date32())

    data = pa.table(
        {
            "case_id": texts([v.case_id for v in versions]),
            "alert_id": texts([None] * len(versions)),
            "scenario_id": texts([v.scenario for v in versions]),
            "party_id": texts([people.party_id[v.party] for v in versions]),
            "window_start_date": days([v.first for v in versions]),
            "window_end_date": days([v.last for v in versions]),
            "opened_at": instants([v.opened for v in versions]),
            "status_code": texts(["closed" if v.closed else "open" for v in versions]),
            "decided_at": instants([v.decided for v in versions]),
            "outcome_code": texts([v.outcome for v in versions]),
            "sar_filed_at": instants([v.filed for v in versions]),
            "investigator_id": texts([v.investigator for v in versions]),
            "qa_result_code": texts([v.quality for v in versions]),
        }
    )
    day = np.array([(v.at - calendar.start_us) // DAY for v in versions], dtype=np.int64)
    totals = Totals(None, None, None, record_hashes([v.case_id for v in versions], None), (), len(versions))
    ranges = cuts(day, range(calendar.days))
    for number in range(calendar.days):
        business = calendar.day(number)
        delivery = Delivery(
            root / f"delivery={business}",
            f"cases-{business}",
            business,
            calendar.start_us + number * DAY + DELIVERY_DELAY,
        )
        low, high = ranges[number]
        delivery.csv("outcomes", "outcomes", data.slice(low, high - low), totals.rows(low, high))
        delivery.close()
    return len(versions)
