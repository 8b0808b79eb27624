"""The project's dbt in a data directory of a benchmark: one invocation, its artifacts, the SQL it made."""

import json
import os
import subprocess
import sys
from pathlib import Path

from orchestration.telemetry import switch_off

REPOSITORY = Path(__file__).resolve().parents[1]


def dbt(home: Path, *arguments: str) -> None:
    """Runs dbt on `home`/warehouse.duckdb; artifacts go to `home`/target. Raises RuntimeError with dbt's own words."""
    project = REPOSITORY / "dbt_project"
    environment = {
        **os.environ,
        "PLUMBLINE_HOME": str(home),
        "PLUMBLINE_TARGET": "duckdb",
        "PLUMBLINE_PSEUDONYM_KEY": "benchmark",
        "DBT_TARGET_PATH": str(home / "target"),
        "DBT_LOG_PATH": str(home / "logs"),
    }
    switch_off(environment)
    executable = Path(sys.executable).with_name("dbt")
    result = subprocess.run(
        [executable, "--quiet", *arguments, "--project-dir", project, "--profiles-dir", project],
        env=environment,
        cwd=project,
        capture_output=True,
        text=True,
    )
    if result.returncode:
        raise RuntimeError(f"dbt {' '.join(arguments)}:\n{result.stdout}{result.stderr}")


def nodes(home: Path) -> list[dict]:
    """The nodes of the last invocation in the order in which dbt finished them: manifest entries, with `seconds`, and
    `compiled_code` as it ran."""
    manifest = json.loads((home / "target" / "manifest.json").read_text())["nodes"]
    results = json.loads((home / "target" / "run_results.json").read_text())["results"]
    return [
        {**manifest[result["unique_id"]], "compiled_code": result["compiled_code"], "seconds": result["execution_time"]}
        for result in results
        if result["unique_id"] in manifest
    ]
