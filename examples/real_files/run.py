"""Run the main job on public, independently made files.

Usage: python examples/real_files/run.py     from the checkout, with the files in ../shared/data

Prepares the deliveries, replays the recorded KYT exchanges on loopback, and runs `plumbline run` with the configuration
beside this script. Everything is written below .plumbline-real/ (or PLUMBLINE_HOME). Exit code: plumbline's.
"""

import os
import subprocess
import sys
from pathlib import Path

from prepare import main as prepare

from sandbox import replay

DATA = Path("../shared/data")
HOME = Path(".plumbline-real")


def environment(api_url: str) -> dict[str, str]:
    """What the job needs beside config.toml: where the recorded vendor answers, and the keys."""
    return {
        "PLUMBLINE_HOME": str(HOME.absolute()),
        "PLUMBLINE_PSEUDONYM_KEY": "public-files",  # these files hold nobody's secrets
        "SOURCES__CHAINALYSIS__API_URL": api_url,
        "SOURCES__CHAINALYSIS__API_KEY": "recorded",
        "SOURCES__CHAINALYSIS__NETWORK_IDENTIFICATIONS": "true",
        "SOURCES__CHAINALYSIS__USER_LISTS": "true",
        "SOURCES__CHAINALYSIS__POLL_SECONDS": "2",  # a recording does not change while one waits
        **os.environ,
    }


def main() -> int:
    """Prepares, replays, runs; returns plumbline's exit code."""
    if not DATA.is_dir():
        print(f"{DATA} is not there: this example reads the public files from it.", file=sys.stderr)
        return 2
    prepare(DATA, HOME / "landing")
    with replay.start(DATA / "kyt/chainalysis") as server:
        command = [sys.executable, "-m", "orchestration.cli", "run", "--config", str(Path(__file__).parent)]
        return subprocess.run(command, env=environment(f"{server.url}/api/kyt")).returncode


if __name__ == "__main__":
    sys.exit(main())
