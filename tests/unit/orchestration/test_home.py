"""The data directory, its instance and what child processes inherit."""

import os
import subprocess
import sys

import yaml
from dagster import DagsterInstance

from orchestration import telemetry
from orchestration.home import instance, prepare_home


def test_everything_lies_below_the_data_directory(home):
    assert prepare_home() == home
    for name in ("DAGSTER_HOME", "DBT_TARGET_PATH", "DLT_DATA_DIR"):
        assert os.environ[name].startswith(str(home))


def test_one_writer_at_a_time_beside_one_look_back_and_no_telemetry(home):
    prepare_home()
    settings = yaml.safe_load((home / "dagster" / "dagster.yaml").read_text())
    assert settings["telemetry"] == {"enabled": False}
    with instance() as opened:
        assert isinstance(opened, DagsterInstance)
        assert not opened.telemetry_enabled
        assert not opened.nux_enabled
        queue = opened.get_concurrency_config().run_queue_config
        assert queue.max_concurrent_runs == 2
        assert queue.tag_concurrency_limits == [
            {"key": "plumbline/writer", "limit": 1}, {"key": "plumbline/look_back", "limit": 1}
        ]  # fmt: skip
        assert type(opened.event_log_storage).__name__ == "PooledSqliteEventLogStorage"


def test_preparing_again_changes_nothing(home):
    prepare_home()
    before = (home / "dagster" / "dagster.yaml").stat().st_mtime_ns
    prepare_home()
    assert (home / "dagster" / "dagster.yaml").stat().st_mtime_ns == before


def test_importing_the_package_switches_telemetry_off_for_children_too():
    environment = {**os.environ, "RUNTIME__DLTHUB_TELEMETRY": "true", "DBT_SEND_ANONYMOUS_USAGE_STATS": "1"}
    code = "import orchestration, subprocess; print(subprocess.run(['env'], capture_output=True, text=True).stdout)"
    printed = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True).stdout
    for name, value in telemetry.OFF.items():
        assert f"{name}={value}\n" in printed


def test_the_tools_believe_it():
    code = """
import orchestration
from dlt.common.configuration.specs import RuntimeConfiguration
from dlt.common.configuration import resolve_configuration
assert not resolve_configuration(RuntimeConfiguration()).dlthub_telemetry
from soda_core.common.env_config_helper import EnvConfigHelper
assert not EnvConfigHelper().soda_core_telemetry_enabled
from dbt.cli.main import cli
context = cli.make_context("dbt", ["debug"])
assert context.params["send_anonymous_usage_stats"] is False
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
