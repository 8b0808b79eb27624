"""What runs work with: the warehouse file, dbt, dlt and the notification channel.

Belongs here: opening, closing, waiting. Not here: what is done with them (assets/, publication.py, accounting.py).
"""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version as installed_version
from pathlib import Path

import duckdb
from dagster import ConfigurableResource, InitResourceContext, get_dagster_logger
from dagster_dbt import DbtCliResource
from packaging.version import Version
from pydantic import PrivateAttr

from orchestration import accounting, run_lock, spark
from orchestration.home import home, target

WAIT_SECONDS = 600.0
POLL_SECONDS = 0.5


class WarehouseBusyError(Exception):
    """Another process kept the warehouse file open for longer than a run is ready to wait."""


@contextmanager
def open_warehouse(
    path: Path, say: Callable[[str], None] = print, wait_seconds: float = WAIT_SECONDS
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Opens the warehouse read-write, waiting while another process holds it, and always closes it.

    No settings are given, because DuckDB refuses a second open of a file in one process with other settings than
    dlt's. Raises WarehouseBusyError when the wait is over.
    """
    connection = _connect(path, say, wait_seconds)
    try:
        connection.execute("set autoinstall_known_extensions = false")
        yield connection
    finally:
        connection.close()


def _connect(path: Path, say: Callable[[str], None], wait_seconds: float) -> duckdb.DuckDBPyConnection:
    deadline = time.monotonic() + wait_seconds
    waiting = False
    while True:
        try:
            return duckdb.connect(str(path))
        except duckdb.IOException as error:
            if "lock" not in str(error).lower():
                raise
            if time.monotonic() >= deadline:
                raise WarehouseBusyError(
                    f"{path} is still open in another process after {wait_seconds:.0f} s. "
                    f"Close the program that has it open (readers should open published/current). {error}"
                ) from error
            if not waiting:
                waiting = True
                say(f"Waiting: another process has {path} open. {error}")
            time.sleep(POLL_SECONDS)


class Warehouse(ConfigurableResource):
    """The warehouse of the data directory, one writer at a time.

    Every asset and check asks for it, also those that reach the file through dlt or dbt: for the length of the run it
    holds the run lock, and when the run ends, however it ends, it writes the run's accounting.

    It also keeps the file open, because each opening takes a tenth of a second and a run has a hundred of them; only
    another process that has to have the file, which is dbt's, is given way (`released`).
    """

    _kept_open: duckdb.DuckDBPyConnection | None = PrivateAttr(default=None)

    @contextmanager
    def yield_for_execution(self, context: InitResourceContext) -> Iterator["Warehouse"]:
        if context.run is None or context.instance is None:  # used outside a run, by a test or a notebook
            yield self
            return
        say = (context.log or get_dagster_logger()).info
        with run_lock.hold(home(), context.run.run_id, say):
            self._keep_open(say)  # waits: a killed run can leave a dbt process behind that still writes for a moment
            try:
                accounting.begin(context.run)
                try:
                    yield self
                finally:
                    accounting.keep(context.instance, context.run.run_id)
            finally:
                self._let_go()

    @contextmanager
    def released(self) -> Iterator[None]:
        """The file closed in this process for as long as another one works on it."""
        was_open = self._kept_open is not None
        self._let_go()
        try:
            yield
        finally:
            if was_open:
                self._keep_open(get_dagster_logger().info)

    def _keep_open(self, say: Callable[[str], None]) -> None:
        self._kept_open = _connect(home() / "warehouse.duckdb", say, WAIT_SECONDS)

    def _let_go(self) -> None:
        if self._kept_open is not None:
            self._kept_open.close()
            self._kept_open = None

    @contextmanager
    def connect(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """An open connection with an exclusive hold on the file; closed on the way out, also when the caller raises."""
        with open_warehouse(home() / "warehouse.duckdb", get_dagster_logger().info) as connection:
            yield connection

    @contextmanager
    def results(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """What dbt built, under its schemas and names, on whichever engine this run used."""
        with spark.open_results() if target() == "spark" else self.connect() as connection:
            yield connection


class Dbt(DbtCliResource):
    """dbt's command line, in a process of its own.

    Its version is read from the installed package: the stock resource runs `dbt --version`, which takes seconds and
    asks a package index for the newest one.
    """

    @property
    def _cli_version(self) -> Version:
        return Version(installed_version("dbt-core"))

    def _initialize_dbt_core_adapter(self, args: Sequence[str]) -> None:
        """No adapter in this process: it would only be used to look at columns, which lineage.py does, and it leaves
        the warehouse open behind it."""


class Notifier(ConfigurableResource):
    """Sends alarms to PLUMBLINE_NOTIFY_URLS (Apprise URLs, separated by spaces), else appends to home/alerts.log."""

    def send(self, title: str, body: str) -> None:
        urls = os.environ.get("PLUMBLINE_NOTIFY_URLS", "").split()
        stamp = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        if not urls:
            with (home() / "alerts.log").open("a", encoding="utf-8") as log:
                log.write(f"{stamp} {title}\n" + "".join(f"    {line}\n" for line in body.splitlines()))
            return
        from apprise import Apprise

        channel = Apprise()
        for url in urls:
            if not channel.add(url):
                raise ValueError(
                    f"PLUMBLINE_NOTIFY_URLS holds an address Apprise does not know: {url.split(':')[0]}:..."
                )
        if not channel.notify(title=title, body=f"{body}\n{stamp}"):
            raise RuntimeError("The notification channel did not take the message; see the log above.")
