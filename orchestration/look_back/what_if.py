"""Above and below the line: what each step of a parameter adds to the alerts, and takes from them.

Belongs here: replaying steps and counting. Not here: what a step is (parameters.py).

A band lies between two neighbouring values of a parameter: the alerts that only the one of them raises. Productive is
an alert that investigators escalated or reported, of those that they decided; where nobody decided, below the line
above all, the band says how many to review.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby, pairwise

import duckdb

from orchestration import progress
from orchestration.look_back.compare import OF_SUBJECTS, Selection
from orchestration.look_back.parameters import TABLE, Step, put_in_force
from orchestration.look_back.replay import FINDINGS, Replay
from orchestration.look_back.request import Plan
from orchestration.look_back.sampling import clean_sample_size, clopper_pearson

PRODUCTIVE = ("escalated", "sar_filed")
_EPISODES = f"""
select episode_id, list(leg_id order by event_at, leg_id)
from {FINDINGS}
where scenario_id = $scenario
  and {OF_SUBJECTS}
group by episode_id
having cast(min(event_at) as date) between $first and $last
"""  # noqa: S608 (a constant)
# What investigators decided, by leg: an alert of a step is the ledger's where they share one.
_DECIDED = """
select legs.leg_id, bool_or(list_contains($productive, outcomes.outcome_code))
from marts.fct_alert_legs as legs
inner join marts.fct_case_outcomes as outcomes on outcomes.alert_id = legs.alert_id
where legs.scenario_id = $scenario
  and outcomes.outcome_code in ('no_action', 'false_positive', 'escalated', 'sar_filed')
group by legs.leg_id
"""
Alerts = frozenset[frozenset[str]]


@dataclass(frozen=True)
class Rate:
    """Of `alerts`, how many were decided and productive, and where the productive share of all such lies (95 %)."""

    alerts: int
    decided: int
    productive: int
    low: float
    high: float


@dataclass(frozen=True)
class StepResult:
    """A value of a parameter and its alerts; `gained` and `lost` against those of the value in force."""

    scenario_id: str
    parameter_code: str
    context: str
    value: Decimal | None
    is_in_force: bool
    rate: Rate
    gained: int
    lost: int


@dataclass(frozen=True)
class Band:
    """Alerts that only one of two neighbouring values raises. `side`: above (raised today), below the line, or both."""

    scenario_id: str
    parameter_code: str
    context: str
    from_value: Decimal
    to_value: Decimal
    side: str
    rate: Rate
    sample_size: int


def run(replay: Replay, plan: Plan, whose: Selection) -> tuple[list[StepResult], list[Band]]:
    """Replays every step on the copy, and puts the parameters in force back into it afterwards. The copy must show the
    knowledge of the plan. A parameter whose rows in force differ (by currency, say) has no value in force (None)."""
    steps: list[StepResult] = []
    bands: list[Band] = []
    for (scenario, code, context), of_one in groupby(plan.request.steps, key=_parameter):
        with replay.connect() as connection:
            decided = dict(connection.execute(_DECIDED, {"scenario": scenario, "productive": PRODUCTIVE}).fetchall())
            in_force = _in_force(connection, scenario, code, context)
        base = _alerts(replay, plan, whose, scenario)
        values = {in_force: base}
        for step in of_one:
            if step.value not in values:
                progress.report(f"{scenario} with {code} = {step.value}")
                with _parameters(replay, step):
                    replay.rebuild_with_parameters(scenario)
                    values[step.value] = _alerts(replay, plan, whose, scenario)
        replay.rebuild_with_parameters(scenario)
        where = ", ".join(filter(None, context))
        ordered = sorted(value for value in values if value is not None)
        for value in [None, *ordered] if in_force is None else ordered:
            alerts = values[value]
            gained, lost = len(_only(alerts, base)), len(_only(base, alerts))
            rate = _rate(alerts, decided)
            steps.append(StepResult(scenario, code, where, value, value == in_force, rate, gained, lost))
        for low, high in pairwise(ordered):
            band = _only(values[low], values[high]) | _only(values[high], values[low])
            size = clean_sample_size(len(band))
            bands.append(Band(scenario, code, where, low, high, _side(band, base), _rate(band, decided), size))
    return steps, bands


def _parameter(step: Step) -> tuple[str, str, tuple[str, str, str]]:
    return step.scenario_id, step.parameter_code, step.context


def _in_force(
    connection: duckdb.DuckDBPyConnection, scenario: str, code: str, context: tuple[str, ...]
) -> Decimal | None:
    look = (
        f"select distinct parameter_value from {TABLE} where scenario_id = ? and parameter_code = ? "  # noqa: S608 (a constant)
        "and ? in ('', segment_code) and ? in ('', jurisdiction_code) and ? in ('', ccy_code)"
    )
    values = connection.execute(look, [scenario, code, *context]).fetchall()
    return values[0][0] if len(values) == 1 else None


@contextmanager
def _parameters(replay: Replay, step: Step) -> Iterator[None]:
    """The parameters of the step instead of those in force, for as long as the work lasts."""
    with replay.connect() as connection:
        connection.execute(f"create or replace table look_back.kept_parameters as from {TABLE}")
        put_in_force(connection, step)
    try:
        yield
    finally:
        with replay.connect() as connection:
            connection.execute(f"create or replace table {TABLE} as from look_back.kept_parameters")


def _alerts(replay: Replay, plan: Plan, whose: Selection, scenario: str) -> Alerts:
    """The alerts that stand in the copy now, each as the legs it is about."""
    asked = {
        "scenario": scenario, "first": plan.request.first, "last": plan.request.last,
        "every_subject": not whose.ids, "subjects": list(whose.ids),
    }  # fmt: skip
    with replay.connect() as connection:
        return frozenset(frozenset(legs) for _, legs in connection.execute(_EPISODES, asked).fetchall())


def _only(these: Alerts, others: Alerts) -> Alerts:
    """Those of `these` that share no leg with any of the others."""
    known = frozenset().union(*others)
    return frozenset(alert for alert in these if not alert & known)


def _side(band: Alerts, base: Alerts) -> str:
    known = frozenset().union(*base)
    raised = sum(1 for alert in band if alert & known)
    return "above" if raised == len(band) else "below" if not raised else "both"


def _rate(alerts: Alerts, decided: Mapping[str, bool]) -> Rate:
    verdicts = [{decided[leg] for leg in alert if leg in decided} for alert in alerts]
    known = [any(verdict) for verdict in verdicts if verdict]
    return Rate(len(alerts), len(known), sum(known), *clopper_pearson(sum(known), len(known)))
