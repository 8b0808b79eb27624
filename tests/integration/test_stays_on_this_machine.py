"""No process of the main job opens a connection to anything but loopback: watched from outside, at the system calls."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from lacking import skip_for_lack_of
from main_job import command, environment

pytestmark = pytest.mark.slow
CONNECTION = re.compile(r"connect\(\d+, \{sa_family=AF_INET6?, .*?inet_(?:addr\(|pton\(AF_INET6, )\"([^\"]+)\"")


def remote_addresses(trace: str) -> set[str]:
    return {address for address in CONNECTION.findall(trace) if not re.match(r"127\.|::1$|::ffff:127\.", address)}


def test_the_trace_reader_sees_a_remote_connection():
    trace = """
    7 connect(4, {sa_family=AF_INET, sin_port=htons(53), sin_addr=inet_addr("10.0.0.53")}, 16) = 0
    7 connect(4, {sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr("127.0.0.1")}, 16) = 0
    7 connect(4, {sa_family=AF_INET6, sin6_port=htons(443), inet_pton(AF_INET6, "2001:db8::1", &sin6_addr)}, 28) = 0
    """
    assert remote_addresses(trace) == {"10.0.0.53", "2001:db8::1"}


def test_the_main_job_connects_to_loopback_only(tmp_path: Path):
    if not shutil.which("strace"):
        skip_for_lack_of("strace", "install it to watch the run's system calls")
    trace = tmp_path / "trace"
    home = tmp_path / "home"
    result = subprocess.run(
        ["strace", "-f", "-qq", "-e", "trace=connect", "-o", str(trace)]
        + command("run", "--customers", "60", "--days", "8"),
        env=environment(home, PYTHONPATH=""),  # without the test run's own guard: the job alone must behave
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    connections = trace.read_text()
    assert '"127.0.0.1"' in connections, "the vendor sandbox was never called: the trace shows nothing"
    assert remote_addresses(connections) == set()
