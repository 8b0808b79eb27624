"""The data directory and the Dagster instance in it.

Belongs here: folders, the instance's settings, the environment that hands both to child processes. Not here: what a
run does with them (runs.py).
"""

import os
from contextlib import contextmanager
from pathlib import Path

import yaml

FOLDERS = ("accounting", "dagster", "dbt", "dlt", "published", "sandbox")
REPOSITORY = Path(__file__).parent.parent
WRITER_TAG = "plumbline/writer"
"""The tag of queued Dagster runs that write to the warehouse."""
LOOK_BACK_TAG = "plumbline/look_back"
"""The tag of Dagster runs that work on a copy of it."""


def home() -> Path:
    """PLUMBLINE_HOME, else `.plumbline` below the working directory; always absolute.

    The same rule as `ingestion.pipeline.home`, repeated because that module imports dlt and `plumbline status` must
    answer at once.
    """
    return Path(os.environ.get("PLUMBLINE_HOME") or ".plumbline").absolute()


def target() -> str:
    """The dbt target of this process: duckdb (default) or spark."""
    return os.environ.get("PLUMBLINE_TARGET") or "duckdb"


def prepare_home() -> Path:
    """Creates the data directory and its instance, and sets the environment that child processes inherit.

    Safe to repeat and to run from several processes at once.
    """
    root = home()
    for folder in FOLDERS:
        (root / folder).mkdir(parents=True, exist_ok=True)
    os.environ["PLUMBLINE_HOME"] = str(root)
    os.environ["PLUMBLINE_TARGET"] = target()
    os.environ["DAGSTER_HOME"] = str(root / "dagster")
    os.environ["DLT_DATA_DIR"] = str(root / "dlt")
    os.environ["DBT_TARGET_PATH"] = str(root / "dbt" / target())
    # dbt writes what it says twice, to a file as well, for a tenth of its cost; Dagster keeps what it says.
    os.environ["DBT_LOG_LEVEL_FILE"] = "none"
    # Ninety delivery days of one asset are one write, not ninety (event_log.py).
    os.environ.setdefault("DAGSTER_EVENT_BATCH_SIZE", "1000")
    settings = yaml.safe_dump(instance_settings(root), sort_keys=False)
    path = root / "dagster" / "dagster.yaml"
    if not path.exists() or path.read_text() != settings:
        temporary = path.with_suffix(f".{os.getpid()}")
        temporary.write_text(settings)
        temporary.replace(path)
    return root


def instance_settings(root: Path) -> dict:
    """The content of dagster.yaml."""
    return {
        "telemetry": {"enabled": False},
        "nux": {"enabled": False},
        # One writer: the warehouse is a DuckDB file. A second run waits in the queue instead of failing on the lock. A
        # look-back works beside it, on a copy (look_back/job.py).
        "run_coordinator": {
            "module": "orchestration.queue",
            "class": "OneWriterQueue",
            "config": {"dequeue_interval_seconds": 2},
        },
        "concurrency": {
            "runs": {
                "max_concurrent_runs": 2,
                "tag_concurrency_limits": [{"key": WRITER_TAG, "limit": 1}, {"key": LOOK_BACK_TAG, "limit": 1}],
            }
        },
        "event_log_storage": {
            "module": "orchestration.event_log",
            "class": "PooledSqliteEventLogStorage",
            "config": {"base_dir": str(root / "dagster" / "history" / "runs")},
        },
    }


@contextmanager
def instance():
    """The persistent Dagster instance of the data directory, closed (and its connections with it) on the way out."""
    prepare_home()
    from dagster import DagsterInstance

    with DagsterInstance.get() as opened:
        yield opened
