"""The warehouse resource waits and closes; dbt stays in its own process; alarms arrive."""

import subprocess
import sys

import duckdb
import pytest

from orchestration import resources

HOLD = """
import duckdb, sys
connection = duckdb.connect(sys.argv[1])
print("open", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def other_process(tmp_path):
    """Another process that has the warehouse open until `end()`."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path / "warehouse.duckdb")], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout.readline() == b"open\n"
    yield process
    process.stdin.close()
    process.stdout.close()
    process.wait()


def can_be_opened_elsewhere(path) -> bool:
    code = "import duckdb, sys; duckdb.connect(sys.argv[1]).close()"
    return subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True).returncode == 0


def test_the_file_is_closed_after_a_step_raised(home):
    with pytest.raises(ZeroDivisionError), resources.Warehouse().connect() as connection:
        connection.execute("create table t as select 1 as a")
        raise ZeroDivisionError
    assert can_be_opened_elsewhere(home / "warehouse.duckdb")


def test_it_waits_and_says_so_while_another_process_has_the_file_open(tmp_path, other_process, monkeypatch):
    said = []

    def say(message):
        said.append(message)
        other_process.stdin.close()

    monkeypatch.setattr(resources, "POLL_SECONDS", 0.1)
    with resources.open_warehouse(tmp_path / "warehouse.duckdb", say) as connection:
        assert connection.execute("select 1").fetchall() == [(1,)]
    assert len(said) == 1
    assert "another process has" in said[0]


def test_it_gives_up_with_a_sentence_that_says_what_to_do(tmp_path, other_process):
    with (
        pytest.raises(resources.WarehouseBusyError, match="readers should open published/current"),
        resources.open_warehouse(tmp_path / "warehouse.duckdb", lambda _: None, wait_seconds=0),
    ):
        pass


def test_a_file_that_is_no_warehouse_is_not_waited_for(tmp_path):
    (tmp_path / "warehouse.duckdb").write_text("this is a text file, and long enough to have a header of its own" * 9)
    with pytest.raises(duckdb.IOException), resources.open_warehouse(tmp_path / "warehouse.duckdb", pytest.fail):
        pass


def test_dbt_leaves_no_connection_open_in_this_process():
    """Regression: dagster-dbt's adapter stays open read-only after a build, and the next writer fails."""
    assert resources.Dbt.model_construct()._initialize_dbt_core_adapter(["build"]) is None


def test_dbt_is_not_started_to_learn_its_version(monkeypatch):
    monkeypatch.setattr(subprocess, "check_output", lambda *_: pytest.fail("started a process"))
    assert resources.Dbt.model_construct()._cli_version.major == 1


def test_alarms_go_to_the_local_log_by_default(home, monkeypatch):
    monkeypatch.delenv("PLUMBLINE_NOTIFY_URLS", raising=False)
    resources.Notifier().send("Run failed", "one line\nanother")
    resources.Notifier().send("Run failed again", "")
    lines = (home / "alerts.log").read_text().splitlines()
    assert [line.split("UTC ")[-1] for line in lines] == [
        "Run failed",
        "    one line",
        "    another",
        "Run failed again",
    ]


def test_a_channel_that_is_none_is_an_error_that_keeps_its_secret(home, monkeypatch):
    monkeypatch.setenv("PLUMBLINE_NOTIFY_URLS", "nosuch://token@host")
    with pytest.raises(ValueError, match="nosuch") as error:
        resources.Notifier().send("Run failed", "")
    assert "token" not in str(error.value)
