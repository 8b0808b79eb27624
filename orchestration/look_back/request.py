"""What a look-back is asked, and whether the warehouse can answer it.

Belongs here: reading the options and refusing, in a sentence, what cannot be done; all of it before any work starts.
Not here: the work (run.py) and the parameters of a what-if (parameters.py).
"""

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path

import duckdb
import yaml

from ingestion.pipeline import has_table
from orchestration import built
from orchestration.dbt import PROJECT
from orchestration.look_back.copies import LEDGER
from orchestration.look_back.parameters import Step, read_steps

AS_OF = "staging.stg_control__as_of"
_ONE_A_PERSON = """
with ids as (
  select party_id as id from intermediate.int_parties
  union
  select account_id from intermediate.int_accounts
)

select count(*) from ids where id = ?
"""


@dataclass(frozen=True)
class Request:
    """Event dates `first` to `last` (both included), and whose knowledge: `known_as_of` (UTC), None for today's.

    `raised_by`: alerts raised later do not count as raised then; None for `known_as_of`, or the first run that saw the
    whole period. `scenarios`: ids, sorted. `steps`: of a what-if, may be empty. `subjects`: party or account ids, empty
    for all.
    """

    first: date
    last: date
    known_as_of: datetime | None
    scenarios: tuple[str, ...]
    steps: tuple[Step, ...] = ()
    subjects: tuple[str, ...] = ()
    raised_by: datetime | None = None


@dataclass(frozen=True)
class Plan:
    """A request that the warehouse can answer: `knowledge`, the instant that is rebuilt; `then`, the instant up to
    which alerts count as raised then; `is_built`, whether the tables are those of `knowledge` already."""

    request: Request
    knowledge: datetime
    then: datetime
    is_built: bool


def make(
    first: date,
    last: date,
    known_as_of: datetime | None = None,
    scenarios: Iterable[str] = (),
    parameters: Path | None = None,
    subjects: Path | None = None,
    raised_by: datetime | None = None,
) -> Request:
    """The request that these options ask for, with no look at the warehouse. Raises ValueError or LookupError."""
    if first > last:
        raise ValueError(f"The period ends ({last}) before it begins ({first}).")
    live = live_scenarios()
    for scenario in (chosen := tuple(sorted({one.strip().upper() for one in scenarios}))):
        if scenario not in live:
            raise LookupError(f"There is no live scenario {scenario!r}. There are: {', '.join(live)}.")
    steps = read_steps(parameters, live) if parameters else ()
    changed = {step.scenario_id for step in steps}
    if chosen and (others := changed - set(chosen)):
        raise ValueError(f"{parameters} changes {', '.join(sorted(others))}, which --scenarios leaves out.")
    wanted = chosen or tuple(sorted(changed)) or tuple(live)
    named = _read_subjects(subjects) if subjects else ()
    return Request(first, last, known_as_of, wanted, steps, named, raised_by)


def live_scenarios() -> dict[str, str]:
    """Id -> model of every scenario that raises alerts, as the project states them."""
    models = yaml.safe_load((PROJECT / "dbt_project.yml").read_text(encoding="utf-8"))["vars"]["scenario_models"]
    with (PROJECT / "seeds/scenarios.csv").open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["mode_code"] == "live" and row["model_name"] in models]
    return {row["scenario_id"]: row["model_name"] for row in sorted(rows, key=lambda row: row["scenario_id"])}


def plan(request: Request, connection: duckdb.DuckDBPyConnection) -> Plan:
    """The plan of a request on an open warehouse. Raises LookupError with the reason where it has no answer."""
    if not all(has_table(connection, *table.split(".")) for table in (LEDGER, AS_OF)):
        raise LookupError("The warehouse was never built to its end: plumbline run")
    ((newest,),) = connection.execute(f"select as_of_at from {AS_OF}").fetchall()  # noqa: S608 (a constant)
    ((oldest,),) = connection.execute("select min(known_at) from staging.stg_control__totals").fetchall()
    knowledge = request.known_as_of or newest
    if oldest is None or knowledge < oldest:
        raise LookupError(f"Nothing was known at {knowledge} UTC: the first delivery became known at {oldest} UTC.")
    if knowledge > newest:
        raise LookupError(f"{knowledge} UTC is later than what is loaded, which ends with {newest} UTC: --known-now.")
    _refuse_empty_period(request, connection, knowledge)
    for subject in request.subjects:
        if connection.execute(_ONE_A_PERSON, [subject]).fetchall() == [(0,)]:
            raise LookupError(f"There is no party and no account {subject!r}.")
    then = request.raised_by or request.known_as_of or _first_look_at(request, connection) or newest
    if then > knowledge:
        raise LookupError(f"Alerts raised by {then} UTC cannot be compared with what was known at {knowledge} UTC.")
    return Plan(request, knowledge, then, knowledge == newest and built.is_current(connection))


def _refuse_empty_period(request: Request, connection: duckdb.DuckDBPyConnection, knowledge: datetime) -> None:
    counted = (
        "select min(event_date), max(event_date), "
        "coalesce(sum(source_rows) filter (where event_date between ? and ?), 0) "
        "from staging.stg_control__totals where known_at <= ? and feed_code in ('exchange', 'bank', 'onchain')"
    )
    ((begin, end, rows),) = connection.execute(counted, [request.first, request.last, knowledge]).fetchall()
    if not rows:
        raise LookupError(
            f"No transfer between {request.first} and {request.last} was known at {knowledge} UTC. "
            f"Those that were happened from {begin} to {end}."
        )


def _first_look_at(request: Request, connection: duckdb.DuckDBPyConnection) -> datetime | None:
    """The as-of instant of the first run that saw the whole period and raised an alert, else of the last such run."""
    whole = datetime.combine(request.last + timedelta(days=1), time())
    look = (
        "select coalesce(min(raised_as_of_at) filter (where raised_as_of_at >= ?), max(raised_as_of_at)) "  # noqa: S608 (a constant)
        f"from {LEDGER}"
    )
    ((instant,),) = connection.execute(look, [whole]).fetchall()
    return instant


def _read_subjects(file: Path) -> tuple[str, ...]:
    """Ids, one a line; a first line `subject_id` is a heading. Raises ValueError where there is none."""
    lines = [line.strip() for line in file.read_text(encoding="utf-8-sig").splitlines()]
    found = tuple(sorted({line for line in lines if line and line != "subject_id"}))
    if not found:
        raise ValueError(f"{file} names no subject: one party or account id a line.")
    return found
