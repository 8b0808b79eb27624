"""The look-back as a Dagster job.

Belongs here: its config and its one op. Not here: the work (run.py). The job does not ask for the Warehouse resource:
it holds the lock of look-backs, not that of runs, and works beside the main job on a copy.
"""

from datetime import date
from pathlib import Path

from dagster import Config, Failure, MetadataValue, OpExecutionContext, Out, in_process_executor, job, op
from pydantic import Field

from orchestration.home import LOOK_BACK_TAG, home
from orchestration.look_back import copies, request
from orchestration.look_back.run import run


class LookBackConfig(Config):
    """What `plumbline lookback` takes as options."""

    first_date: str = Field(description="First event date of the period (YYYY-MM-DD, UTC).")
    last_date: str = Field(description="Last event date, included.")
    known_as_of: str = Field(
        "", description="With what was known at this instant (ISO, UTC); empty: today's knowledge."
    )
    scenarios: list[str] = Field([], description="Ids of scenarios; empty: all live ones.")
    parameters: str = Field("", description="CSV of what-if steps: scenario_id, parameter_code, value.")
    subjects: str = Field("", description="File of party or account ids, one a line; empty: all.")
    raised_by: str = Field("", description="Compare with the alerts raised by this instant; empty: see the guide.")
    out: str = Field("", description="Folder of the results; empty: below look_back/ in the data directory.")


@op(description="Replays a past period on a copy of the warehouse.", out=Out(dict))
def replay_period(context: OpExecutionContext, config: LookBackConfig) -> dict:
    """Writes the results, and returns alerts same, new and lost. Fails where the replay does not reconcile."""
    asked = request.make(
        date.fromisoformat(config.first_date),
        date.fromisoformat(config.last_date),
        copies.instant(config.known_as_of) if config.known_as_of else None,
        config.scenarios,
        Path(config.parameters) if config.parameters else None,
        Path(config.subjects) if config.subjects else None,
        copies.instant(config.raised_by) if config.raised_by else None,
    )
    done = run(home(), asked, Path(config.out) if config.out else None, context.log.info)
    counts = {kind: done.summary[kind] for kind in ("same", "new", "lost")}
    report = MetadataValue.path(str(done.folder / "report.html"))
    context.add_output_metadata({**counts, "report": report})
    if not done.reconciles:
        raise Failure("The replay does not reconcile.", metadata={"report": report})
    return counts


@job(
    tags={LOOK_BACK_TAG: "true"},
    executor_def=in_process_executor,
    description=(
        "Replays a past period as it was known then or as it is known now, compares its alerts with those raised then, "
        "and writes tables and a report. Works on a copy of the warehouse, beside the main job."
    ),
)
def look_back():
    replay_period()
