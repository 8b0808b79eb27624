"""Dagster's user interface on the data directory: runs launched from it work, and a second one queues.

Through the real web server, daemon and browser. PLUMBLINE_SCREENSHOTS=<folder> keeps the pictures.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import duckdb
import pytest
from lacking import skip_for_lack_of
from main_job import REPOSITORY, command, environment, fingerprints

pytestmark = pytest.mark.timeout(900)
REPOSITORY_SELECTOR = {"repositoryName": "__repository__", "repositoryLocationName": "orchestration.definitions"}
LAST_DAY = "2026-01-20"
USD_CHECK = "soda_failed_rows_the_us_dollar_is_worth_one_us_dollar"

LAUNCH = """
mutation($parameters: ExecutionParams!) {
  launchPipelineExecution(executionParams: $parameters) {
    __typename
    ... on LaunchRunSuccess { run { runId } }
    ... on PythonError { message stack }
    ... on RunConfigValidationInvalid { errors { message } }
    ... on InvalidSubsetError { message }
  }
}
"""
RUNS = "{ runsOrError { ... on Runs { results { runId status jobName } } } }"
CHECKS = """
query($key: AssetKeyInput!) {
  assetNodeOrError(assetKey: $key) { ... on AssetNode { assetChecksOrError { ... on AssetChecks { checks {
    name executionForLatestMaterialization { runId status evaluation { success } }
  } } } } }
}
"""
AUTOMATION = """
query($repository: RepositorySelector!) {
  schedulesOrError(repositorySelector: $repository) { ... on Schedules { results { name scheduleState { status } } } }
  sensorsOrError(repositorySelector: $repository) { ... on Sensors { results {
    name sensorState { status ticks(limit: 1) { timestamp status } }
  } } }
  instance { daemonHealth { allDaemonStatuses { daemonType required healthy } } }
}
"""


class Ui:
    """A running `plumbline ui` and its GraphQL end-point."""

    def __init__(self, url: str):
        self.url = url

    def ask(self, query: str, **variables) -> dict:
        body = json.dumps({"query": query, "variables": variables}).encode()
        request = urllib.request.Request(f"{self.url}/graphql", body, {"Content-Type": "application/json"})
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=60) as answer:
            found = json.load(answer)
        assert "errors" not in found, found
        return found["data"]

    def launch(self, selector: dict, **tags: str) -> str:
        parameters = {
            "selector": {**REPOSITORY_SELECTOR, **selector},
            "runConfigData": {},
            "executionMetadata": {"tags": [{"key": key, "value": value} for key, value in tags.items()]},
        }
        launched = self.ask(LAUNCH, parameters=parameters)["launchPipelineExecution"]
        assert launched["__typename"] == "LaunchRunSuccess", launched
        return launched["run"]["runId"]

    def automation(self) -> dict:
        return self.ask(AUTOMATION, repository=REPOSITORY_SELECTOR)

    def wait_for_ticks(self, sensors: set[str], after: float, seconds: float = 120) -> None:
        """Waits until the daemon has evaluated each of the sensors once more."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            found = self.automation()["sensorsOrError"]["results"]
            last = {one["name"]: [tick["timestamp"] for tick in one["sensorState"]["ticks"]] for one in found}
            if all(last[name] and last[name][0] > after for name in sensors):
                return
            time.sleep(0.5)
        raise AssertionError(f"waited {seconds} s in vain: {last}")

    def statuses(self) -> dict[str, str]:
        return {run["runId"]: run["status"] for run in self.ask(RUNS)["runsOrError"]["results"]}

    def wait(self, what, seconds: float = 400) -> dict[str, str]:
        """The statuses of all runs, as soon as `what` holds of them."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            found = self.statuses()
            if what(found):
                return found
            time.sleep(0.5)
        raise AssertionError(f"waited {seconds} s in vain: {found}")


@pytest.fixture(scope="module")
def home(finished_home, tmp_path_factory) -> Path:
    return Path(shutil.copytree(finished_home, tmp_path_factory.mktemp("ui") / "home", symlinks=True))


class Mailbox:
    """A notification channel on loopback: keeps what is posted to it."""

    def __init__(self) -> None:
        self.messages: list[dict] = []
        messages = self.messages

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                messages.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"json://127.0.0.1:{self.server.server_port}"

    def about(self, run_id: str) -> list[str]:
        """The texts of the messages about this run."""
        return [f"{one['title']}\n{one['message']}" for one in self.messages if run_id[:8] in one["title"]]


@pytest.fixture(scope="module")
def mailbox():
    box = Mailbox()
    threading.Thread(target=box.server.serve_forever, daemon=True).start()
    yield box
    box.server.shutdown()
    box.server.server_close()


@pytest.fixture(scope="module")
def ui(home, mailbox):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        command("ui", "--port", str(port)),
        env=environment(home, PLUMBLINE_NOTIFY_URLS=mailbox.url),
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        lines = []
        for line in process.stdout:
            lines.append(line)
            if "Dagster is at" in line:
                break
        else:
            pytest.fail("the user interface did not start:\n" + "".join(lines))
        yield Ui(f"http://127.0.0.1:{port}")
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(timeout=120)  # each part of it is given time to end by itself
        finally:
            process.kill()
            process.stdout.close()


@pytest.fixture(scope="module")
def from_shell(ui) -> str:
    (run_id,) = ui.statuses()
    return run_id


@pytest.fixture(scope="module")
def launched(ui, from_shell) -> tuple[str, str]:
    """Two runs, launched together: the whole job for one day, and one asset alone."""
    job = ui.launch({"jobName": "refresh_warehouse"}, **{"dagster/partition": LAST_DAY})
    asset = ui.launch({"jobName": "__ASSET_JOB", "assetSelection": [{"path": ["marts", "fct_kris"]}]})
    return job, asset


@pytest.fixture(scope="module")
def ended(ui, launched) -> dict[str, str]:
    """How both of them ended."""
    alive = {"QUEUED", "NOT_STARTED", "STARTING", "STARTED"}
    return ui.wait(lambda found: not alive & {found[run] for run in launched})


def test_the_run_from_the_shell_is_in_it(ui, from_shell):
    assert ui.statuses()[from_shell] == "SUCCESS"


def test_a_second_launch_queues(ui, launched):
    job, asset = launched
    waiting = ui.wait(lambda found: found[job] == "STARTED")
    assert waiting[asset] == "QUEUED"


def test_both_launches_end_well(launched, ended):
    assert [ended[run] for run in launched] == ["SUCCESS", "SUCCESS"]


def test_the_job_from_the_ui_is_the_same_run_as_one_from_the_shell(launched, ended, status, home):
    found = status(home)
    assert found["run"]["id"] == launched[0]
    assert found["trusted"] is True


def test_the_checks_of_an_asset_are_those_of_its_latest_run(ui, ended):
    found = ui.ask(CHECKS, key={"path": ["marts", "fct_kris"]})["assetNodeOrError"]["assetChecksOrError"]["checks"]
    assert any(check["name"].startswith("soda_") for check in found)
    assert all(check["executionForLatestMaterialization"]["status"] == "SUCCEEDED" for check in found)


def test_what_is_to_happen_by_itself_is_switched_on(ui):
    found = ui.automation()
    (schedule,) = found["schedulesOrError"]["results"]
    assert schedule == {"name": "daily_refresh", "scheduleState": {"status": "RUNNING"}}
    sensors = {one["name"]: one["sensorState"]["status"] for one in found["sensorsOrError"]["results"]}
    assert sensors == dict.fromkeys(("dead_runs", "failed_checks", "failed_runs"), "RUNNING")
    ui.wait_for_ticks(set(sensors), after=0)
    statuses = ui.automation()["instance"]["daemonHealth"]["allDaemonStatuses"]
    daemons = {one["daemonType"]: one["healthy"] for one in statuses}
    assert daemons["SCHEDULER"] and daemons["SENSOR"]


@pytest.mark.nightly
def test_a_run_from_the_shell_waits_for_one_from_the_ui(ui, ended, plumbline, home, mailbox):
    run_id = ui.launch({"jobName": "refresh_warehouse"}, **{"dagster/partition": LAST_DAY})
    ui.wait(lambda found: found[run_id] == "STARTED")
    result = plumbline("run", home=home, PLUMBLINE_NOTIFY_URLS=mailbox.url)
    assert result.returncode == 0, result.stdout + result.stderr
    assert f"Waiting: run {run_id[:8]}" in result.stdout
    assert ui.statuses()[run_id] == "SUCCESS"


def test_running_again_changes_nothing(ui, ended, finished_home, home):
    """The runs above found nothing new: the warehouse is that of the first run."""
    before, after = (fingerprints(folder / "warehouse.duckdb") for folder in (finished_home, home))
    assert {name for name in before if before[name] != after.get(name)} == set()


def test_failed_runs_and_failed_checks_are_told_exactly_once(ui, from_shell, home, mailbox):
    """By the daemon, and by a run from the shell itself while the daemon is up."""
    runs = ui.ask(RUNS)["runsOrError"]["results"]
    whole = [run["runId"] for run in runs if run["jobName"] == "refresh_warehouse" and run["runId"] != from_shell]
    with duckdb.connect(str(home / "warehouse.duckdb")) as connection:
        kept = connection.execute("select rowid, asset_code from raw_prices.rates order by rowid limit 1").fetchall()
        connection.execute("update raw_prices.rates set asset_code = 'USD' where rowid = ?", [kept[0][0]])
    try:
        check = {"assetKey": {"path": ["raw_prices", "rates"]}, "name": USD_CHECK}
        failing = ui.launch({"jobName": "__ASSET_JOB", "assetSelection": [], "assetCheckSelection": [check]})
        ui.wait(lambda found: found[failing] in ("FAILURE", "SUCCESS"))
    finally:
        with duckdb.connect(str(home / "warehouse.duckdb")) as connection:
            connection.execute("update raw_prices.rates set asset_code = ? where rowid = ?", kept[0][::-1])
    assert ui.statuses()[failing] == "FAILURE"
    for _ in range(2):
        ui.wait_for_ticks({"failed_checks", "failed_runs"}, after=time.time())
    (message,) = mailbox.about(failing)
    assert "__ASSET_JOB failed" in message
    assert f"failed: raw_prices/rates {USD_CHECK}" in message
    for run_id in whole:  # made while the daemon was up, from the UI and from the shell
        (message,) = mailbox.about(run_id)
        assert "warning: marts/fct_rate_gaps" in message


@pytest.mark.browser
@pytest.mark.parametrize(
    ("name", "page", "words"),
    [
        ("graph", "asset-groups", ["raw_bank", "intermediate", "published"]),
        ("job", "locations/orchestration.definitions/jobs/refresh_warehouse", ["The main job", "raw_bank"]),
        ("run", "runs/{run}", ["Success", "published__marts", "RUN_SUCCESS"]),
        ("checks", "assets/marts/fct_alerts?view=checks", ["soda_alert_id_duplicate", "blocking", "Passed"]),
        ("asset", "assets/marts/fct_alerts?view=overview", ["alert_id", "fcc-analytics"]),
        ("neighbours", "assets/marts/fct_alerts?view=lineage", ["fct_kris", "int_transfers"]),
    ],
)
def test_the_pages_show_it(ui, from_shell, tmp_path, name, page, words):
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if not chromium:
        skip_for_lack_of("Chromium", "install it to look at the pages")
    from playwright.sync_api import sync_playwright

    folder = Path(os.environ.get("PLUMBLINE_SCREENSHOTS") or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        try:
            tab = browser.new_page(viewport={"width": 1600, "height": 1000})
            outside = []
            tab.on("request", lambda request: outside.append(request.url) if not local(request.url) else None)
            tab.goto(f"{ui.url}/{page.format(run=from_shell)}", wait_until="load")
            missing = wait_for_words(tab, words)
            tab.screenshot(path=folder / f"{name}.png")
            assert not missing
        finally:
            browser.close()
    assert outside == []
    assert (folder / f"{name}.png").stat().st_size > 20_000


def wait_for_words(tab, words: list[str], seconds: int = 60) -> list[str]:
    """The words that the page does not show, after waiting for them."""
    for _ in range(seconds):
        shown = tab.inner_text("body")
        if not [word for word in words if word not in shown]:
            tab.wait_for_timeout(1_000)
            return []
        tab.wait_for_timeout(1_000)
    return [word for word in words if word not in shown]


def local(url: str) -> bool:
    return url.startswith(("http://127.0.0.1", "data:", "blob:", "chrome"))
