"""A PostgreSQL server of this test run: Debian's binaries, a temporary folder, a free port, an unprivileged user.

initdb refuses root, so a root that runs tests hands the server to `postgres` or `nobody`.
"""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lacking import skip_for_lack_of

USER, PASSWORD = "ledger_reader", "a test password/@1"
ADMIN = "admin"


def binaries() -> Path | None:
    """The folder of the newest installed server's programs."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: float(path.parts[4]))
    if found:
        return found[-1].parent
    on_path = shutil.which("postgres")
    return Path(on_path).resolve().parent if on_path else None


@contextmanager
def server() -> Iterator[int]:
    """Runs a server on loopback while the context lasts; gives its port. Skips loudly where there is none."""
    programs = binaries()
    if programs is None:
        skip_for_lack_of("PostgreSQL", "install the Debian package postgresql")
    with tempfile.TemporaryDirectory(prefix="pg") as folder, socket.socket() as probe:
        as_user: list[str] = []
        if os.geteuid() == 0:
            user = next(name for name in ("postgres", "nobody") if name in {entry.pw_name for entry in pwd.getpwall()})
            os.chown(folder, pwd.getpwnam(user).pw_uid, -1)
            as_user = ["runuser", "-u", user, "--"]
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        data = f"{folder}/data"
        quiet = {"check": True, "capture_output": True, "cwd": folder, "text": True}
        options = ["-U", ADMIN, "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"]
        subprocess.run([*as_user, str(programs / "initdb"), "-D", data, *options], **quiet)
        with open(f"{data}/pg_hba.conf", "w") as rules:
            rules.write(f"host all {ADMIN} 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n")
        flags = f"-p {port} -c listen_addresses=127.0.0.1 -k {folder} -c fsync=off -c autovacuum=off"
        control = [*as_user, str(programs / "pg_ctl"), "-D", data]
        log = ["-l", f"{folder}/log", "-o", flags]
        subprocess.run([*control, "-w", "start", *log], **quiet | {"capture_output": False}, stdout=subprocess.DEVNULL)
        try:
            yield port
        finally:
            subprocess.run([*control, "-m", "immediate", "stop"], **quiet)
