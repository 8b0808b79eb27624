"""dbt over a copy of the warehouse.

Belongs here: what is built for which scenarios, and running dbt on the copy in this process. Not here: what is made of
the tables (compare.py, what_if.py).

The instant is written into the copy's stg_control__as_of instead of being a variable of the project, and scenarios that
nobody asked for have their rows taken out instead of being left out of the project: either would make dbt read the
whole project again, which takes longer than the replay of a scenario.
"""

import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import duckdb

from orchestration import dbt as dbt_project
from orchestration import progress
from orchestration.home import home
from orchestration.look_back.copies import forget_alerts
from orchestration.look_back.request import AS_OF
from orchestration.resources import open_warehouse

FINDINGS = "intermediate.int_alert_episodes"
# What the findings are compared and explained with, and the accounting of the replay itself.
EXPLANATIONS = ("int_exposures", "int_sanctioned_addresses", "int_watchlist_publications")
ACCOUNTING = ("int_population_rows", "int_rates", "fct_feed_totals")
MONITORING = ("int_suppressed_legs", "int_alert_episodes")
RESULTS = ("fct_alerts", "fct_scenario_outcomes", "fct_scenario_population")


class Replay:
    """The warehouse in `folder`, rebuilt as it was known at an instant, for `models` (scenario -> its model)."""

    def __init__(self, folder: Path, models: Mapping[str, str]):
        self.folder = folder
        self.models = models
        self._manifest = None

    @contextmanager
    def connect(self) -> Iterator[duckdb.DuckDBPyConnection]:
        with open_warehouse(self.folder / "warehouse.duckdb", progress.report) as connection:
            yield connection

    def show(self, moment: datetime) -> None:
        """Sets the instant of which the next build shows the knowledge."""
        with self.connect() as connection:
            connection.execute(
                f"update {AS_OF} set as_of_at = ?, as_of_date = cast(? as date)",  # noqa: S608 (a constant)
                [moment, moment],
            )
            self._leave_out_others(connection)

    def forget_alerts_from(self, moment: datetime) -> None:
        """Takes the alerts out of the copy's ledger that were raised from the instant on: the replay raises them."""
        with self.connect() as connection:
            forget_alerts(connection, ">=", moment)

    def build_whole(self) -> None:
        """Everything the scenarios read, the scenarios, their accounting, and the alerts they raise."""
        ancestors = (f"+{name}" for name in (*self.models.values(), *EXPLANATIONS, *ACCOUNTING))
        self.build(*ancestors, *MONITORING, *RESULTS)

    def raise_alerts(self) -> None:
        """Only the alerts, where everything before them is built."""
        self.build("fct_alerts")

    def build_findings(self, scenarios: Iterable[str]) -> None:
        """What those scenarios read, and what they find."""
        self.build(*(f"+{self.models[one]}" for one in scenarios), *MONITORING)

    def rebuild_with_parameters(self, scenario: str) -> None:
        """What of a scenario depends on parameters, and what it finds, where the parameters have changed."""
        self.build(f"int_scenario_parameters+,+{self.models[scenario]}", *MONITORING)

    def reads(self, scenario: str, model: str) -> bool:
        """Whether the scenario's model reads the other model, directly or through others."""
        manifest, wanted = self._project(), f"model.plumbline.{model}"
        waiting, seen = [f"model.plumbline.{self.models[scenario]}"], set()
        while waiting:
            node = waiting.pop()
            if node == wanted:
                return True
            if node not in seen:
                seen.add(node)
                waiting += manifest.nodes[node].depends_on_nodes if node in manifest.nodes else []
        return False

    def _leave_out_others(self, connection: duckdb.DuckDBPyConnection) -> None:
        look = "select table_name from information_schema.tables where table_schema = 'scenarios'"
        for (table,) in connection.execute(look).fetchall():
            if table not in self.models.values():
                connection.execute(f'delete from scenarios."{table}"')  # noqa: S608 (from the catalogue)

    def build(self, *select: str) -> None:
        """One `dbt build` of what is selected, without tests. Raises DbtModelError where a model could not be built."""
        outcome = dbt_project.here(
            self.folder, self._target,
            "build", "--exclude-resource-type", "test", "--exclude-resource-type", "unit_test",
            "--exclude", "stg_control__as_of", "--select", *select,
            manifest=self._project(), callbacks=[_report],
        )  # fmt: skip
        broken = [one for one in getattr(outcome.result, "results", ()) if one.status in ("error", "fail")]
        if broken or not outcome.success:
            said = [f"{one.node.name}: {' '.join((one.message or '').split())}" for one in broken]
            raise dbt_project.DbtModelError("\n".join(said) or str(outcome.exception or "dbt stopped"))

    def _project(self):
        """The project as dbt reads it. What the data directory has parsed already is taken over, not written to."""
        if self._manifest is None:
            dbt_project.prepared_project()
            self._target.mkdir(exist_ok=True)
            shutil.copyfile(dbt_project.artifacts() / "partial_parse.msgpack", self._target / "partial_parse.msgpack")
            progress.report("dbt: reading the project")
            # Of the data directory: the copy would be another profile, and the whole project read again.
            outcome = dbt_project.here(home(), self._target, "parse")
            if not outcome.success:
                raise RuntimeError(f"dbt cannot read the project: {outcome.exception}")
            self._manifest = outcome.result
        return self._manifest

    @property
    def _target(self) -> Path:
        return self.folder / "dbt"


def _report(event) -> None:
    if event.info.name == "LogModelResult":
        progress.report(f"dbt: {event.data.index}/{event.data.total} {event.data.node_info.node_name}")
