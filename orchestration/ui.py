"""Dagster's user interface and daemon on the data directory's instance.

Belongs here: starting both, waiting until they answer, ending them together. Not here: what they show.
"""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from orchestration import run_lock
from orchestration.home import REPOSITORY, home, instance

HOST = "127.0.0.1"
START_SECONDS = 180.0


def serve(port: int, say: Callable[[str], None]) -> int:
    """Serves until interrupted; returns the exit code. Raises RuntimeError where it does not start."""
    from orchestration import alarms

    say("Starting Dagster ...")
    with instance() as opened:  # the daemon tells of what happens from its start on
        for run_id in run_lock.mark_dead_runs(opened, home()):
            say(f"Run {run_id[:8]} was killed earlier; it is marked as failed now.")
            alarms.announce_or_say(opened, run_id, say)
    for sign in (signal.SIGINT, signal.SIGTERM):
        # Also where SIGINT is ignored, as a shell has it for what runs in its background: server and daemon must end.
        signal.signal(sign, signal.default_int_handler)
    with running(port) as (url, process):
        say(f"Dagster is at {url} (job refresh_warehouse, the asset graph, the runs made so far). Ctrl-C ends it.")
        try:
            return process.wait()
        except KeyboardInterrupt:
            return 0


@contextmanager
def running(port: int) -> Iterator[tuple[str, subprocess.Popen]]:
    """The web server and the daemon as one child process group, ready to answer; yields its URL and ends them after."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise RuntimeError(f"Port {port} is in use; choose another: plumbline ui --port {port + 1}") from error
    log = home() / "dagster" / "ui.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            [
                sys.executable, "-m", "dagster", "dev", "--workspace", str(REPOSITORY / "workspace.yaml"),
                "--host", HOST, "--port", str(port),
            ],
            cwd=REPOSITORY,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )  # fmt: skip
    url = f"http://{HOST}:{port}"
    try:
        _wait(process, url, log)
        yield url, process
    finally:
        _end(process)


def _wait(process: subprocess.Popen, url: str, log) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            # No proxy: this never leaves the machine.
            urllib.request.build_opener(urllib.request.ProxyHandler({})).open(f"{url}/server_info", timeout=2).close()
            return
        except (urllib.error.URLError, OSError):
            time.sleep(0.3)
    raise RuntimeError(f"Dagster did not start; its log is {log}")


def _end(process: subprocess.Popen) -> None:
    """Ends the whole group: `dagster dev` starts the server, the daemon and a code server of its own."""
    for sign, seconds in ((signal.SIGINT, 20), (signal.SIGTERM, 5), (signal.SIGKILL, 5)):
        if process.poll() is not None:
            break
        os.killpg(process.pid, sign)
        try:
            process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            continue
