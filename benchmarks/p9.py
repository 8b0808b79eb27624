"""P9: what orchestration costs: `dbt build` against the same SQL as a plain script, and a whole run on an empty day.

Belongs here: taking dbt's own SQL apart into a script, timing both, and reading a run's phases from its event log.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from importlib import import_module
from pathlib import Path
from unittest import mock

import duckdb

from benchmarks.dbt import REPOSITORY, dbt, nodes
from benchmarks.deliveries import write_ledger, write_reference
from benchmarks.equality import assert_equal
from benchmarks.ledger import create_movements
from benchmarks.measure import Comparison, Cost, Limit, Result, interleave, timed

FEEDS = (
    "exchange", "kyc", "bank", "onchain", "chainalysis", "trm", "elliptic", "watchlists",
    "cases", "tagpacks", "prices", "travel_rule", "behaviour",
)  # fmt: skip
DBT, SCRIPT, RUN = "dbt build", "the same SQL as a script", "plumbline run, empty day"
BUILD_GOAL = 1.05
FIXED_GOAL = 10.0
NOTES = (
    "Both sides start from the same loaded raw tables (exchange, KYC and prices through the loaders, the other feeds "
    "empty) and run the same statements: seeds, models, tests. The script runs them one after the other on one "
    "connection; dbt on two threads. dbt's side includes its start and the reading of the parsed project.",
    "The empty day is a later run on one data directory: nothing new arrives, and the run loads, rebuilds, "
    "checks, accounts and publishes as on any day. The world is small, so that what remains is the fixed cost.",
)
WORLD = ("--customers", "60", "--days", "3", "--seed", "7")


def run(rows: int, seed: int, repetitions: int) -> Result:
    """Measures P9 on a ledger of `rows` sides. Raises AssertionError where dbt and the script build different tables,
    and RuntimeError where the run that is timed cannot be trusted."""
    costs, checked, finished = overhead_of_dbt(rows, seed, repetitions)
    costs[RUN], phases_of_run = empty_days(repetitions)
    models = sum(node["resource_type"] == "model" for node in finished)
    tests = sum(node["resource_type"] == "test" for node in finished)
    slowest = sorted(finished, key=lambda node: -node["seconds"])[:12]
    return Result(
        goal="P9",
        title="Overhead of dbt and of orchestration",
        rows=rows,
        costs=costs,
        comparisons=[Comparison(DBT, SCRIPT, BUILD_GOAL, remark=f"{models} models, {tests} tests, equal work")],
        limits=[Limit(RUN, FIXED_GOAL, f"sandbox world of {WORLD[1]} customers and {WORLD[3]} days")],
        checked=checked,
        breakdown={
            "Seconds of the slowest nodes of one dbt build (two run at a time)": {
                node["name"]: node["seconds"] for node in slowest
            },
            "Seconds of an empty day by phase (the run in the middle)": phases_of_run,
        },
        notes=list(NOTES),
    )


def overhead_of_dbt(rows: int, seed: int, repetitions: int) -> tuple[dict[str, list[Cost]], str, list[dict]]:
    """The costs of both sides, what was compared, and the nodes of a build of dbt."""
    with tempfile.TemporaryDirectory(prefix="plumbline_p9_") as folder:
        raw, built, script = (Path(folder) / name for name in ("raw", "dbt", "script"))
        load_raw(raw, rows, seed)
        built.mkdir()
        script.mkdir()
        dbt(built, "parse")  # every run but the first after a change finds that done
        costs, checked = interleave(
            {
                DBT: lambda: build(raw, built),
                SCRIPT: lambda: run_script(raw, script, as_script(built, nodes(built))),
            },
            repetitions,
            lambda: check_equal(built, script, nodes(built)),
        )
        return costs, checked, nodes(built)


def load_raw(home: Path, rows: int, seed: int) -> None:
    """A warehouse below `home` with every feed's raw tables: a ledger of `rows` sides, its customers and prices."""
    landing = home / "landing"
    with duckdb.connect() as connection:
        create_movements(connection, rows, seed)
        write_ledger(connection, landing / "exchange")
        write_reference(connection, landing / "kyc", landing / "prices")
    from ingestion import pipeline

    with mock.patch.dict(os.environ, PLUMBLINE_HOME=str(home)):
        for feed in FEEDS:
            source = getattr(import_module(f"ingestion.{feed}"), f"{feed}_source")
            bucket = landing / feed
            pipeline.run(source(bucket_url=str(bucket)) if bucket.exists() else source(), feed)
    shutil.rmtree(landing)
    shutil.rmtree(home / "dlt")


def build(raw: Path, home: Path) -> Cost:
    """The cost of one `dbt build` on a fresh copy of the raw warehouse."""
    shutil.copy(raw / "warehouse.duckdb", home)
    return timed(lambda: dbt(home, "build"))


def as_script(home: Path, finished: list[dict]) -> list[str]:
    """The statements that make what a dbt build made, in the order in which dbt finished: the compiled SQL of models
    and tests, and seeds read from their files in the types that dbt gave them."""
    schemas = sorted({node["schema"] for node in finished if node["resource_type"] != "test"})
    statements = [f'create schema if not exists "{schema}"' for schema in schemas]
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as connection:
        for node in finished:
            relation = f'"{node["schema"]}"."{node["alias"]}"'
            if node["resource_type"] == "seed":
                columns = connection.execute(f"describe {relation}").fetchall()
                types = ", ".join(f"'{name}': '{kind}'" for name, kind, *_ in columns)
                path = REPOSITORY / "dbt_project" / node["original_file_path"]
                statements.append(
                    f"create table {relation} as from read_csv('{path}', header = true, columns = {{{types}}})"
                )
            elif node["resource_type"] == "model":
                kind = "view" if node["config"]["materialized"] == "view" else "table"
                statements.append(f"create {kind} {relation} as ({node['compiled_code']})")
            elif node["resource_type"] == "test":
                statements.append(f"select count(*) from ({node['compiled_code']})")  # noqa: S608 (dbt's SQL)
    return statements


def run_script(raw: Path, home: Path, statements: list[str]) -> Cost:
    """The cost of running the statements on a fresh copy of the raw warehouse, up to the checkpoint of closing it."""
    shutil.copy(raw / "warehouse.duckdb", home)

    def work():
        with duckdb.connect(str(home / "warehouse.duckdb")) as connection:
            for statement in statements:
                connection.execute(statement).fetchall()

    return timed(work)


def check_equal(built: Path, script: Path, finished: list[dict]) -> str:
    """Compares every table of the two warehouses. Raises AssertionError naming the first that differs."""
    tables = [f'"{n["schema"]}"."{n["alias"]}"' for n in finished if n["resource_type"] in ("seed", "model")]
    with duckdb.connect(str(built / "warehouse.duckdb"), read_only=True) as connection:
        connection.execute(f"attach '{script / 'warehouse.duckdb'}' as script (read_only)").fetchall()
        rows = sum(assert_equal(connection, table, f"script.{table}", table) for table in tables)
    return f"all {len(tables)} seeds and models equal in every column, {rows:,} rows together"


def empty_days(repetitions: int) -> tuple[list[Cost], dict[str, float]]:
    """The costs of runs with nothing new to load, and the phases in seconds of the one in the middle."""
    with tempfile.TemporaryDirectory(prefix="plumbline_p9_day_") as folder:
        home = Path(folder) / "home"
        plumbline(home)
        measured = []
        for _ in range(repetitions):
            started = time.time()
            cost = timed(lambda: plumbline(home))
            measured.append((cost, phases(home, started, time.time())))
    middle = sorted(measured, key=lambda pair: pair[0].wall)[len(measured) // 2]
    return [cost for cost, _ in measured], middle[1]


def plumbline(home: Path) -> None:
    """One `plumbline run` on the small world. Raises RuntimeError unless it can be trusted."""
    result = subprocess.run(
        [sys.executable, "-m", "orchestration.cli", "run", *WORLD],
        env={**os.environ, "PLUMBLINE_HOME": str(home)},
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
    )
    if result.returncode:
        raise RuntimeError(f"plumbline run ended with {result.returncode}:\n{result.stdout}{result.stderr}")


def phases(home: Path, started: float, ended: float) -> dict[str, float]:
    """Seconds of the newest run by phase, from its event log. `started` and `ended`: the process, in epoch seconds."""
    from dagster import DagsterEventType, DagsterInstance

    with mock.patch.dict(os.environ, DAGSTER_HOME=str(home / "dagster")), DagsterInstance.get() as instance:
        run = instance.get_run_records(limit=1)[0]
        events = [
            (event.dagster_event.event_type, event.dagster_event.step_key, event.timestamp)
            for event in instance.all_logs(run.dagster_run.run_id)
            if event.dagster_event
        ]
    begun = {step: at for kind, step, at in events if kind == DagsterEventType.STEP_START}
    done = {
        step: at for kind, step, at in events if kind in (DagsterEventType.STEP_SUCCESS, DagsterEventType.STEP_FAILURE)
    }
    first = min(begun.values())
    found = {"start: Python, definitions, vendor sandbox": first - started}
    for step, at in sorted(begun.items(), key=lambda item: item[1]):
        name = "loading" if step.startswith("raw_") and step in {f"raw_{feed}" for feed in FEEDS} else step
        found[name] = found.get(name, 0.0) + done[step] - at
    found["between the steps, and the end"] = ended - started - sum(found.values())
    return found
