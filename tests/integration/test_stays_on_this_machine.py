"""No process of the main job sends anything to another machine: watched from outside, at the system calls.

Every process of the run is watched, whatever it is written in, and so are look-ups of names and datagrams that need no
connection. What the tests themselves do is watched less closely, by tests/netguard.
"""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from lacking import skip_for_lack_of
from main_job import command, environment

SENDING = re.compile(r"\b(?:connect|sendto|sendmsg|sendmmsg)\(.*")
ADDRESS = re.compile(r"inet_(?:addr\(|pton\(AF_INET6, )\"([^\"]+)\"")
LOOPBACK = re.compile(r"127\.|::1$|::ffff:127\.")


def addresses(trace: str) -> set[str]:
    return {address for call in SENDING.findall(trace) for address in ADDRESS.findall(call)}


def remote_addresses(trace: str) -> set[str]:
    return {address for address in addresses(trace) if not LOOPBACK.match(address)}


def test_the_trace_reader_sees_what_leaves_the_machine():
    trace = """
    7 connect(4, {sa_family=AF_INET, sin_port=htons(53), sin_addr=inet_addr("10.0.0.53")}, 16) = 0
    7 connect(4, {sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr("127.0.0.1")}, 16) = 0
    7 connect(4, {sa_family=AF_INET6, sin6_port=htons(443), inet_pton(AF_INET6, "2001:db8::1", &sin6_addr)}, 28) = 0
    """
    assert remote_addresses(trace) == {"10.0.0.53", "2001:db8::1"}
    trace = """
    7 sendto(4, "GET / HTTP/1.1", 14, 0, NULL, 0) = 14
    7 sendto(4, "x", 1, 0, {sa_family=AF_INET, sin_port=htons(53), sin_addr=inet_addr("10.0.0.54")}, 16) = 1
    7 sendmsg(4, {msg_name={sa_family=AF_INET6, inet_pton(AF_INET6, "2001:db8::2", &sin6_addr)}, msg_flags=0}, 0) = 1
    7 recvfrom(4, "x", 1, 0, {sa_family=AF_INET, sin_port=htons(53), sin_addr=inet_addr("10.0.0.55")}, [16]) = 1
    """
    assert remote_addresses(trace) == {"10.0.0.54", "2001:db8::2"}


@pytest.mark.nightly
def test_the_main_job_with_every_vendor_sends_to_loopback_only(tmp_path: Path):
    if not shutil.which("strace"):
        skip_for_lack_of("strace", "install it to watch the run's system calls")
    trace = tmp_path / "trace"
    home = tmp_path / "home"
    result = subprocess.run(
        ["strace", "-f", "-qq", "-e", "trace=%network", "-e", "signal=none", "-o", str(trace)]
        + command("run", "--every-feed", "--customers", "40", "--days", "5"),
        env=environment(home, PYTHONPATH=""),  # without the test run's own guard: the job alone must behave
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    sent = trace.read_text()
    assert "127.0.0.1" in addresses(sent), "the vendor sandbox was never called: the trace shows nothing"
    assert remote_addresses(sent) == set()
