"""What every test shares: no network beyond this machine, and the folder of independently made files."""

import importlib.util
import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from lacking import skip_for_lack_of

REPOSITORY = Path(__file__).resolve().parents[1]
NETGUARD = REPOSITORY / "tests/netguard"

# No test is timed: how long an example takes says something of the machine, not of the code.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


def pytest_configure(config: pytest.Config) -> None:
    """Guards this process and all its Python children against connections that leave the machine."""
    if "PLUMBLINE_NETGUARD_LOG" not in os.environ:
        os.environ["PLUMBLINE_NETGUARD_LOG"] = str(Path(tempfile.mkdtemp(prefix="netguard")) / "attempts.log")
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(NETGUARD), os.environ.get("PYTHONPATH")]))
    spec = importlib.util.spec_from_file_location("netguard", NETGUARD / "sitecustomize.py")
    spec.loader.exec_module(importlib.util.module_from_spec(spec))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A refused attempt fails the run, also where the code that made it swallowed the error."""
    log = Path(os.environ["PLUMBLINE_NETGUARD_LOG"])
    if log.exists() and not hasattr(session.config, "workerinput"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        print(f"\nconnections that would have left this machine:\n{log.read_text()}")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real and independently made files; tests that need it skip loudly where it is absent."""
    folder = Path(os.environ.get("PLUMBLINE_SHARED_DATA", REPOSITORY.parent / "shared/data"))
    if not folder.is_dir():
        skip_for_lack_of("real files", f"{folder} is not there (set PLUMBLINE_SHARED_DATA)")
    return folder


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty PLUMBLINE_HOME."""
    folder = tmp_path / "home"
    monkeypatch.setenv("PLUMBLINE_HOME", str(folder))
    return folder
