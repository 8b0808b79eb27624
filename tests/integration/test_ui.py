"""Dagster's user interface on the data directory: runs launched from it work, and a second one queues.

Through the real web server, daemon and browser. PLUMBLINE_SCREENSHOTS=<folder> keeps the pictures.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.request
from pathlib import Path

import pytest
from main_job import REPOSITORY, command, environment

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
REPOSITORY_SELECTOR = {"repositoryName": "__repository__", "repositoryLocationName": "orchestration.definitions"}
LAST_DAY = "2026-01-20"

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


@pytest.fixture(scope="module")
def ui(home):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        command("ui", "--port", str(port)),
        env=environment(home),
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
            process.wait(timeout=60)
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


def test_a_run_from_the_shell_waits_for_one_from_the_ui(ui, ended, plumbline, home):
    run_id = ui.launch({"jobName": "refresh_warehouse"}, **{"dagster/partition": LAST_DAY})
    ui.wait(lambda found: found[run_id] == "STARTED")
    result = plumbline("run", home=home)
    assert result.returncode == 0, result.stdout + result.stderr
    assert f"Waiting: run {run_id[:8]}" in result.stdout
    assert ui.statuses()[run_id] == "SUCCESS"


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
        pytest.skip("SKIPPED FOR LACK OF CHROMIUM: install it to look at the pages")
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
