"""The vendor sandbox as a child process that cannot outlive its parent."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from sandbox.vendor.kyt import KYT_PATH, TOKEN
from sandbox.vendor.publications import OFAC_PATH
from sandbox.vendor.server import READY

ROOT = Path(__file__).resolve().parents[2]


class ServerProcess:
    """A running server child. `url` is its root ("http://127.0.0.1:<port>"), `kyt_url` and `ofac_url` are the base
    URLs to configure loaders with, `token` the API key that it accepts. Use it as a context manager."""

    def __init__(self, process: subprocess.Popen, url: str, token: str) -> None:
        self.process, self.url, self.token = process, url, token
        self.kyt_url, self.ofac_url = url + KYT_PATH, url + OFAC_PATH

    @property
    def port(self) -> int:
        return int(self.url.rsplit(":", 1)[1])

    def stop(self) -> None:
        """Ends the server; safe to call twice."""
        self.process.stdin.close()
        self.process.terminate()
        try:
            self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc_info: object) -> None:
        self.stop()


def start(
    world_dir: str | Path,
    *,
    port: int = 0,
    token: str = TOKEN,
    arguments: Sequence[str] = (),
    module: str | None = None,
) -> ServerProcess:
    """Starts `python -m sandbox.vendor` on loopback and returns once it answers.

    The child holds the reading end of a pipe whose writing end only this process has: when this process ends, however
    it ends, the pipe closes and the child exits. Raises RuntimeError with the child's own words if it did not start.
    """
    command = [sys.executable, "-m", module or "sandbox.vendor", str(Path(world_dir).absolute()), "--port", str(port)]
    if module is None:
        command += ["--token", token]
    process = subprocess.Popen(
        [*command, *arguments, "--exit-with-stdin"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    line = process.stdout.readline()
    if not line.startswith(READY):
        process.kill()
        process.communicate()
        raise RuntimeError(f"the vendor sandbox did not start on {world_dir}: {line.strip() or 'see its error above'}")
    return ServerProcess(process, line.removeprefix(READY).strip(), token)
