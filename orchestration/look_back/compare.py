"""What a replay finds against what was raised then, and why the two differ.

Belongs here: matching findings with the ledger, and the cause of each difference. Not here: building (replay.py).

Two findings are one when scenario, subject, episode key and leg are: the version of a scenario is part of the id of a
finding, and is taken out again here. The cause of a difference is not guessed. With the knowledge of then and today's
code, a second replay says whether it was knowledge or code; the instants at which its evidence became known say which
knowledge.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import duckdb

from orchestration.look_back.replay import FINDINGS, Replay
from orchestration.look_back.request import Plan

LATE_DATA, LIST_CHANGE, ATTRIBUTION_CHANGE = "late_data", "list_change", "attribution_change"
PARAMETER_CHANGE, LOGIC_CHANGE, NO_RUN = "parameter_change", "logic_change", "no_run"
CAUSES = {
    LATE_DATA: "Data came late or was corrected",
    LIST_CHANGE: "A list changed",
    ATTRIBUTION_CHANGE: "An attribution changed",
    PARAMETER_CHANGE: "Parameters changed",
    LOGIC_CHANGE: "The logic changed",
    NO_RUN: "No run had looked yet",
}

# Rows of the subjects that were asked for, by their ids and, in marts, by their pseudonyms.
OF_SUBJECTS = """
($every_subject or list_contains($subjects, subject_id) or list_contains($subjects, party_id)
  or list_contains($subjects, account_id))
"""
OF_KEYS = """
($every_subject or list_contains($keys, subject_key) or list_contains($keys, party_key)
  or list_contains($keys, account_key))
"""
_RAISED = """
create or replace table look_back.raised as
select * from marts.fct_alerts where raised_as_of_at <= $then and list_contains($scenarios, scenario_id)
"""
_LAST_RUN = """
create or replace table look_back.last_run as
select max(raised_as_of_at) as as_of_at from marts.fct_alerts where raised_as_of_at <= $then
"""
_OUTCOMES = """
create or replace table look_back.outcomes as
select alert_id, outcome_code from marts.fct_case_outcomes
where alert_id is not null and outcome_code in ('no_action', 'false_positive', 'escalated', 'sar_filed')
"""
_FOUND = f"""
create or replace table look_back.found as
select
  *,
  substr(sha256($key || ':' || subject_id), 1, 32) as subject_key,
  substr(sha256($key || ':' || party_id), 1, 32) as party_key
from {FINDINGS}
where list_contains($scenarios, scenario_id)
"""  # noqa: S608 (a constant)
# The id that each finding has under every version that the ledger knows of its scenario.
_MATCHES = """
create or replace table look_back.matches as
with versions as (select distinct scenario_id, scenario_version from look_back.raised),

raised_findings as (
  select alert_id, scenario_id, unnest(string_split(finding_ids, ';')) as finding_id from look_back.raised
)

select found.finding_id, found.episode_id, found.scenario_id, raised_findings.alert_id
from look_back.found as found
inner join versions on versions.scenario_id = found.scenario_id
inner join raised_findings
  on raised_findings.scenario_id = found.scenario_id
  and raised_findings.finding_id = md5(concat_ws('|',
    found.scenario_id, versions.scenario_version, coalesce(found.subject_id, '~null~'),
    coalesce(found.episode_key, '~null~'), found.leg_id
  ))
"""
_DIFFERENCES = f"""
create or replace table look_back.differences as
with new_episodes as (
  select
    'new' as difference_code,
    first(finding_id order by event_at, leg_id) as alert_id,
    scenario_id,
    max(scenario_version) as scenario_version,
    first(subject_type_code order by event_at, leg_id) as subject_type_code,
    first(subject_key order by event_at, leg_id) as subject_key,
    first(party_key order by event_at, leg_id) as party_key,
    min(event_at) as triggered_at,
    cast(null as timestamp) as raised_as_of_at,
    cast(null as varchar) as parameter_set_id_then,
    first(parameter_set_id order by event_at, leg_id) as parameter_set_id_now,
    cast(0 as bigint) as legs_then,
    count(*) as legs_now,
    string_agg(evidence_transfer_ids, ';' order by event_at, leg_id) as evidence_transfer_ids,
    max(evidence_known_at) as evidence_known_at,
    first(reason_text order by event_at, leg_id) as reason_text
  from look_back.found
  where episode_id not in (select episode_id from look_back.matches)
    and {OF_SUBJECTS}
  group by scenario_id, episode_id
),

still as (
  select
    matches.alert_id,
    count(*) as legs_now,
    first(found.parameter_set_id order by found.event_at, found.leg_id) as parameter_set_id
  from look_back.matches as matches
  inner join look_back.found as found on found.finding_id = matches.finding_id
  group by matches.alert_id
),

present_sets as (
  select
    raised.alert_id,
    first(parameters.parameter_set_id order by parameters.valid_from_date, parameters.parameter_set_id)
      as parameter_set_id
  from look_back.raised as raised
  inner join intermediate.int_transfer_legs as legs
    on legs.transfer_id = raised.trigger_transfer_id
    and substr(sha256($key || ':' || legs.account_id), 1, 32) is not distinct from raised.account_key
  inner join intermediate.int_scenario_parameters as parameters
    on parameters.scenario_id = raised.scenario_id
    and parameters.segment_key = coalesce(legs.segment_code, '')
    and parameters.jurisdiction_key = coalesce(legs.jurisdiction_code, '')
    and parameters.ccy_key = coalesce(legs.asset_code, '')
    and legs.event_date >= parameters.valid_from_date
    and legs.event_date < parameters.valid_to_date
  group by raised.alert_id
),

raised_ones as (
  select
    case when still.alert_id is null then 'lost' else 'same' end as difference_code,
    raised.alert_id,
    raised.scenario_id,
    raised.scenario_version,
    raised.subject_type_code,
    raised.subject_key,
    raised.party_key,
    raised.triggered_at,
    raised.raised_as_of_at,
    raised.parameter_set_id as parameter_set_id_then,
    coalesce(still.parameter_set_id, present_sets.parameter_set_id) as parameter_set_id_now,
    raised.leg_count as legs_then,
    coalesce(still.legs_now, 0) as legs_now,
    raised.evidence_transfer_ids,
    raised.evidence_known_at,
    raised.reason_text
  from look_back.raised as raised
  left join still on still.alert_id = raised.alert_id
  left join present_sets on present_sets.alert_id = raised.alert_id
  where {OF_KEYS}
)

select * from (select * from new_episodes union all by name select * from raised_ones)
where cast(triggered_at as date) between $first and $last
"""  # noqa: S608 (constants)
# Which of the evidence of a difference became known after the alerts were raised.
_EVIDENCE = """
with evidence as (
  select distinct alert_id, difference_code, unnest(string_split(evidence_transfer_ids, ';')) as transfer_id
  from look_back.differences where difference_code <> 'same'
),

listings as (
  select addresses.transfer_id
  from intermediate.int_transfer_addresses as addresses
  inner join intermediate.int_sanctioned_addresses as listed on listed.address = addresses.address
  left join intermediate.int_watchlist_publications as ended
    on ended.list_code = listed.list_code and ended.published_at = listed.delisted_at
  where addresses.role_code = 'counterparty' and (listed.known_at > $then or ended.known_at > $then)
)

select
  evidence.alert_id,
  evidence.difference_code,
  count(*) filter (where transfers.transfer_id is null or transfers.known_at > $then) as late_transfers,
  count(*) filter (where evidence.transfer_id in (select transfer_id from listings)) as listed_transfers,
  count(*) filter (
    where evidence.transfer_id in (select transfer_id from intermediate.int_exposures where known_at > $then)
  ) as attributed_transfers
from evidence
left join intermediate.int_transfers as transfers on transfers.transfer_id = evidence.transfer_id
group by evidence.alert_id, evidence.difference_code
"""
_EPISODES = """
select first_value(finding_id) over (partition by scenario_id, episode_id order by event_at, leg_id), finding_id
from look_back.found
"""


@dataclass(frozen=True)
class Selection:
    """Whose alerts are compared: `ids` as in the feeds, `keys` their pseudonyms; all where there are none."""

    ids: tuple[str, ...]
    keys: tuple[str, ...]
    pseudonym_key: str


def keep_raised(replay: Replay, plan: Plan) -> None:
    """Puts aside what was raised then, before the ledger of the copy changes."""
    with replay.connect() as connection:
        connection.execute("create schema if not exists look_back")
        connection.execute(_RAISED, {"then": plan.then, "scenarios": list(plan.request.scenarios)})
        connection.execute(_LAST_RUN, {"then": plan.then})
        connection.execute(_OUTCOMES)


def compare(replay: Replay, plan: Plan, whose: Selection) -> list[tuple]:
    """Writes look_back.differences and returns what is known of each difference but `same` ones, see `_facts`."""
    with replay.connect() as connection:
        _match(connection, plan, whose)
        connection.execute(
            _DIFFERENCES,
            {
                "first": plan.request.first, "last": plan.request.last, "every_subject": not whose.ids,
                "subjects": list(whose.ids), "keys": list(whose.keys), "key": whose.pseudonym_key,
            },
        )  # fmt: skip
        return _facts(connection, plan.then)


def explain(replay: Replay, plan: Plan, whose: Selection, facts: list[tuple]) -> None:
    """Writes look_back.causes: a cause and a sentence for each difference. Rebuilds the copy as known then where that
    was less than is known now, so everything else is to be read from it before."""
    alike = _found_with_knowledge_of_then(replay, plan, whose, facts)
    with replay.connect() as connection:
        versions = _pairs(connection, "scenario_version")
        sets = _pairs(connection, "parameter_set_id")
        ((last_run,),) = connection.execute("select as_of_at from look_back.last_run").fetchall()
        rows = [(*fact[:2], *_cause(fact, alike, versions, sets, last_run, replay)) for fact in facts]
        connection.execute(
            "create or replace table look_back.causes "
            "(alert_id text, difference_code text, cause_code text, cause_text text)"
        )
        if rows:
            connection.executemany("insert into look_back.causes values (?, ?, ?, ?)", rows)


def _match(connection: duckdb.DuckDBPyConnection, plan: Plan, whose: Selection) -> None:
    connection.execute(_FOUND, {"key": whose.pseudonym_key, "scenarios": list(plan.request.scenarios)})
    connection.execute(_MATCHES)


def _facts(connection: duckdb.DuckDBPyConnection, then: datetime) -> list[tuple]:
    """(alert_id, difference, scenario, version now, set then, set now, evidence known at, late, listed, attributed
    transfers), sorted."""
    return connection.execute(
        f"with evidence as ({_EVIDENCE}) "  # noqa: S608 (a constant)
        "select d.alert_id, d.difference_code, d.scenario_id, s.scenario_version, d.parameter_set_id_then, "
        "d.parameter_set_id_now, d.evidence_known_at, e.late_transfers, e.listed_transfers, e.attributed_transfers "
        "from look_back.differences as d inner join evidence as e using (alert_id, difference_code) "
        "inner join reference.scenarios as s on s.scenario_id = d.scenario_id order by d.alert_id, d.difference_code",
        {"then": then},
    ).fetchall()


def _found_with_knowledge_of_then(
    replay: Replay, plan: Plan, whose: Selection, facts: Iterable[tuple]
) -> frozenset[tuple[str, str]]:
    """The differences (alert, new or lost) that today's code makes of the knowledge of then, too: so knowledge is not
    their cause."""
    if plan.then == plan.knowledge:
        return frozenset(fact[:2] for fact in facts)
    scenarios = sorted({fact[2] for fact in facts})
    if not scenarios:
        return frozenset()
    with replay.connect() as connection:
        legs: dict[str, set[str]] = {}  # of every episode, by the id that a new alert about it has
        for alert, finding in connection.execute(_EPISODES).fetchall():
            legs.setdefault(alert, set()).add(finding)
    replay.show(plan.then)
    replay.build_findings(scenarios)
    with replay.connect() as connection:
        _match(connection, plan, whose)
        found = {one for (one,) in connection.execute("select finding_id from look_back.found").fetchall()}
        matched = {one for (one,) in connection.execute("select alert_id from look_back.matches").fetchall()}
    return frozenset(
        (alert, difference)
        for alert, difference, *_ in facts
        if (legs[alert] & found if difference == "new" else alert not in matched)
    )


def _pairs(connection: duckdb.DuckDBPyConnection, column: str) -> dict[str, set[str]]:
    rows = connection.execute(f"select distinct scenario_id, {column} from look_back.raised").fetchall()  # noqa: S608 (a constant)
    pairs: dict[str, set[str]] = {}
    for scenario, value in rows:
        pairs.setdefault(scenario, set()).add(value)
    return pairs


def _cause(fact: tuple, alike, versions, sets, last_run: datetime | None, replay: Replay) -> tuple[str, str]:
    alert, difference, scenario, version, set_then, set_now, known_at, late, listed, attributed = fact
    if (alert, difference) in alike:
        if difference == "new" and (last_run is None or (known_at is not None and known_at > last_run)):
            return NO_RUN, f"Its evidence was known at {known_at} UTC, and no run raised anything after that."
        if scenario not in versions:
            return LOGIC_CHANGE, "No version of the scenario had raised anything then."
        if version not in versions[scenario]:
            return LOGIC_CHANGE, f"Version {', '.join(sorted(versions[scenario]))} ran then, {version} is in force now."
        if set_now not in (sets[scenario] if difference == "new" else {set_then}):
            return PARAMETER_CHANGE, "The same knowledge and version, but other rows of parameters decide."
        return LOGIC_CHANGE, f"The same knowledge, version ({version}) and parameters: the model or its maps changed."
    if late:
        return LATE_DATA, f"{late:,} of its transfers became known, or were corrected, after that."
    if listed and replay.reads(scenario, "int_sanctioned_addresses"):
        return (
            LIST_CHANGE,
            f"The listing of an address of {listed:,} of its transfers became known, or ended, after that.",
        )
    if attributed and replay.reads(scenario, "int_exposures"):
        return ATTRIBUTION_CHANGE, f"A vendor's or a tag's word on {attributed:,} of its transfers came after that."
    return LATE_DATA, "None of its own evidence is new: what it is measured against (history, peers, KYC) came later."
