"""Refuses every connection that leaves the machine, in each Python process of the test run, and writes it down.

Python imports a module of this name at start when its folder is on PYTHONPATH; `tests/conftest.py` puts it there, so
that child processes (dbt, the Dagster code server, the vendor sandbox) are watched as well.

It covers what goes through Python's socket module: connections and look-ups of names. It does not see libraries that
open sockets by themselves (DuckDB, librdkafka, the JVM, Chromium) nor datagrams sent without a connection; for the main
job, tests/integration/test_stays_on_this_machine.py watches those at the system calls.
"""

import ipaddress
import os
import socket
import sys

LOG = os.environ.get("PLUMBLINE_NETGUARD_LOG")


def is_local(host: object) -> bool:
    """True for this machine: loopback addresses, its own name, and the wildcard address that a server binds to."""
    name = host.decode() if isinstance(host, bytes) else str(host or "")
    if name in ("", "localhost", "None", socket.gethostname()):
        return True
    try:
        address = ipaddress.ip_address(name.split("%")[0])
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def refuse_remote(event: str, arguments: tuple) -> None:
    if event == "socket.connect" and isinstance(arguments[1], tuple):
        host = arguments[1][0]
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        host = arguments[0]
    else:
        return
    if not is_local(host):
        with open(LOG, "a") as log:
            log.write(f"{event} {host} from {' '.join(sys.orig_argv)[:200]}\n")
        raise PermissionError(f"a test tried to reach {host}: nothing here may leave this machine")


if LOG:
    sys.addaudithook(refuse_remote)
