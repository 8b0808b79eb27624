"""Switches off everything that would call home, in one place and for child processes too.

Belongs here: environment variables that keep the tools and engines from opening connections by themselves. Not here:
addresses of feeds and of notification channels, which a user sets on purpose.

`orchestration/__init__.py` applies this before any of the tools is imported. Two contacts have no variable and are
closed elsewhere: `dbt --version` asks a package index (resources.py answers it from the installed package), and the
Dagster instance has its own switch (home.py).
"""

import os
from collections.abc import MutableMapping

OFF = {
    "DAGSTER_DISABLE_TELEMETRY": "1",
    "RUNTIME__DLTHUB_TELEMETRY": "false",
    "SODA_CORE_TELEMETRY_ENABLED": "false",
    "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    "DBT_UPLOAD_TO_ARTIFACTS_INGEST_API": "false",
    "DO_NOT_TRACK": "1",
    # Spark binds to the machine's public address and looks it up by name otherwise.
    "SPARK_LOCAL_IP": "127.0.0.1",
    "SPARK_LOCAL_HOSTNAME": "localhost",
}


def switch_off(environment: MutableMapping[str, str] = os.environ) -> None:
    """Sets every switch in `environment`, over whatever was there before."""
    environment.update(OFF)
