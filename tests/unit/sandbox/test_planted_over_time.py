"""What is planted of behaviour over time meets a plain reading of the delivered files; its near misses do not."""

from __future__ import annotations

import statistics
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from unit.sandbox.definitions_check import DAY, Leg, World, csv_rows, labels, load

from sandbox.world import generate

NEAR_MISSES = {
    "TM11": {"count"},
    "TM12": {"amount", "ratio"},
    "TM13": {"turnover"},
    "TM15": {"ratio", "inflow", "window"},
    "TM16": {"silence", "regularity", "count"},
    "TM40": {"age", "outflow", "tenure"},
}


class Planted:
    """A world long and large enough for all of them, as delivered."""

    def __init__(self, root: Path) -> None:
        generate(root, customers=400, days=80, seed=5)
        self.world: World = load(root)
        self.labels = [row for row in labels(root) if row["scenario_id"] in NEAR_MISSES]
        kyc = root / "landing" / "kyc"
        self.opened: dict[str, datetime] = {}
        for row in csv_rows(kyc, "accounts.csv"):
            at = datetime.fromisoformat(row["opened_at"])
            self.opened[row["party_id"]] = min(at, self.opened.get(row["party_id"], at))
        self.born = {row["party_id"]: row["birth_date"] for row in csv_rows(kyc, "parties.csv")}
        self.end = max(leg.at for legs in self.world.legs.values() for leg in legs)


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Planted:
    return Planted(tmp_path_factory.mktemp("over_time"))


def _until(legs: list[Leg], leg: Leg, days: int) -> list[Leg]:
    return [one for one in legs if leg.at - days * DAY <= one.at <= leg.at and one.usd is not None]


def _sums(legs: list[Leg]) -> tuple[Decimal, Decimal]:
    return sum((x.usd for x in legs if x.inward), Decimal(0)), sum((x.usd for x in legs if not x.inward), Decimal(0))


def _burst(legs: list[Leg], **_: object) -> bool:
    return any(len(_until(legs, leg, 1)) >= 15 and leg.at - legs[0].at >= 32 * DAY for leg in legs)


def _large(legs: list[Leg], **_: object) -> bool:
    def fires(leg: Leg) -> bool:
        past = [one.usd for one in _until(legs, leg, 90) if one.at < leg.at]
        if leg.usd is None or leg.usd < 25_000 or len(past) < 10:
            return False
        far = float(leg.usd) - statistics.mean(map(float, past)) >= 3 * statistics.stdev(map(float, past))
        return far or leg.usd >= Decimal("1.5") * max(past)

    return any(map(fires, legs))


def _beyond_peers(legs: list[Leg], **_: object) -> bool:
    return any(sum(_sums(_until(legs, leg, 30))) >= 100_000 for leg in legs)


def _surge(legs: list[Leg], opened: datetime, **_: object) -> bool:
    first = min(leg.at for leg in legs if leg.inward)

    def fires(leg: Leg) -> bool:
        came, went = _sums(_until(legs, leg, 30))
        soon = not leg.inward and leg.at - first <= 2 * DAY
        return came + went >= 25_000 or (soon and came >= 5_000 and went >= Decimal("0.8") * came)

    return any(leg.at - opened < 30 * DAY and fires(leg) for leg in legs)


def _beat(legs: list[Leg], end: datetime, **_: object) -> bool:
    def fires(leg: Leg) -> bool:
        beats = sorted({x.at for x in _until(legs, leg, 30) if not x.inward and x.usd >= 10_000})
        gaps = [(b - a).total_seconds() for a, b in zip(beats, beats[1:], strict=False)]
        after = min((x.at for x in legs if x.at > leg.at), default=end)
        return len(beats) >= 3 and statistics.stdev(gaps) < 0.2 * statistics.mean(gaps) and after - leg.at >= 60 * DAY

    return any(fires(leg) for leg in legs if not leg.inward and leg.usd is not None and leg.usd >= 10_000)


def _elder(legs: list[Leg], opened: datetime, born: str, **_: object) -> bool:
    birth = date.fromisoformat(born)

    def fires(leg: Leg) -> bool:
        day = leg.at.date()
        age = day.year - birth.year - ((day.month, day.day) < (birth.month, birth.day))
        _, went = _sums(_until(legs, leg, 30))
        return age >= 65 and went >= 10_000 and leg.at - opened < 30 * DAY

    return any(fires(leg) for leg in legs if not leg.inward)


READINGS = {"TM11": _burst, "TM12": _large, "TM13": _beyond_peers, "TM15": _surge, "TM16": _beat, "TM40": _elder}


@pytest.mark.parametrize("scenario_id", NEAR_MISSES)
def test_cases_fire_and_near_misses_do_not(scenario_id: str, planted: Planted) -> None:
    mine = [label for label in planted.labels if label["scenario_id"] == scenario_id]
    assert {label["parameter"] for label in mine if label["expected"] == "no_fire"} == NEAR_MISSES[scenario_id]
    assert any(label["expected"] == "fire" for label in mine)
    for label in mine:
        party = label["party_id"]
        facts = {"opened": planted.opened[party], "born": planted.born[party], "end": planted.end + timedelta(days=1)}
        found = READINGS[scenario_id](planted.world.legs[party], **facts)
        assert found == (label["expected"] == "fire"), label


def test_what_is_large_by_ratio_only_has_no_other_past(planted: Planted) -> None:
    """Small movements of the months before would make 25,000.00 lie three deviations above them."""
    misses = [row for row in planted.labels if (row["scenario_id"], row["parameter"]) == ("TM12", "ratio")]
    assert misses
    for label in misses:
        case = set(label["transfer_ids"].split(";"))
        legs = planted.world.legs[label["party_id"]]
        last = max(leg.at for leg in legs if leg.transfer in case)
        assert {leg.transfer for leg in legs if leg.at <= last} == case
