"""Publishing replaces the marts at once, and leaves readers of the version before alone."""

import json
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from lacking import skip_for_lack_of

from orchestration import publication


@pytest.fixture
def warehouse(tmp_path):
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as connection:
        connection.execute("create schema marts; create schema restricted")
        connection.execute(
            "create table marts.fct_alerts as select 'a' as alert_id, 1.25::decimal(18, 2) as amount_usd"
        )
        connection.execute("create table restricted.dim_names as select 'secret' as name")
        yield connection


def read(path, query="select * from marts.fct_alerts order by all"):
    with duckdb.connect(str(path / "plumbline.duckdb"), read_only=True) as reader:
        return reader.execute(query).fetchall()


def test_both_forms_hold_the_marts_and_nothing_else(warehouse, tmp_path):
    rows = publication.publish(warehouse, tmp_path / "published", "v1")
    current = tmp_path / "published" / "current"
    assert rows == {"fct_alerts": 1}
    assert str(read(current)) == "[('a', Decimal('1.25'))]"
    assert read(current, "select distinct schema_name from duckdb_tables()") == [("marts",)]
    assert [path.name for path in (current / "parquet").iterdir()] == ["fct_alerts.parquet"]
    parquet = str(current / "parquet" / "fct_alerts.parquet")
    assert str(duckdb.read_parquet(parquet).fetchall()) == "[('a', Decimal('1.25'))]"


def test_the_file_is_of_the_format_that_older_drivers_open(warehouse, tmp_path):
    publication.publish(warehouse, tmp_path / "published", "v1")
    header = (tmp_path / "published" / "current" / "plumbline.duckdb").read_bytes()[:20]
    assert header[8:12] == b"DUCK"
    assert int.from_bytes(header[12:20], "little") == 65  # storage version v1.2.0; DuckDB 1.4 reads 64 to 67


READ_WITH_ANOTHER_DRIVER = """
import json, sys
import duckdb
with duckdb.connect(sys.argv[1], read_only=True) as reader:
    tables = [name for (name,) in reader.execute("select table_name from duckdb_tables()").fetchall()]
    rows = {table: len(reader.execute(f"select * from marts.{table}").fetchall()) for table in tables}
    print(json.dumps([duckdb.__version__, rows]))
"""


def test_a_driver_of_the_generation_before_reads_every_mart(finished_home):
    other = Path(sys.prefix) / "duckdb1/bin/python"
    if not other.exists():
        skip_for_lack_of("DuckDB 1", "make test installs it, from requirements/duckdb1.lock")
    current = finished_home / "published/current"
    read = subprocess.run(
        [other, "-c", READ_WITH_ANOTHER_DRIVER, current / "plumbline.duckdb"], capture_output=True, text=True
    )
    assert read.returncode == 0, read.stderr
    version, rows = json.loads(read.stdout)
    assert version.startswith("1.4.")
    assert rows == json.loads((current / "version.json").read_text())["rows"]


def test_descriptions_travel_along(warehouse, tmp_path):
    comments = {("fct_alerts", None): "One row an alert's id", ("fct_alerts", "amount_usd"): "What moved, in USD"}
    publication.publish(warehouse, tmp_path / "published", "v1", comments)
    current = tmp_path / "published" / "current"
    assert read(current, "select comment from duckdb_tables()") == [("One row an alert's id",)]
    assert read(
        current, "select column_name, comment from duckdb_columns() where comment is not null and not internal"
    ) == [("amount_usd", "What moved, in USD")]


def test_a_reader_keeps_its_version_while_the_next_is_published(warehouse, tmp_path):
    folder = tmp_path / "published"
    publication.publish(warehouse, folder, "v1")
    with duckdb.connect(str(folder / "current" / "plumbline.duckdb"), read_only=True) as reader:
        for version in ("v2", "v3", "v4"):  # v1 is deleted on the way, under the reader's hands
            warehouse.execute("insert into marts.fct_alerts values (?, 0)", [version])
            publication.publish(warehouse, folder, version)
            assert reader.execute("select alert_id from marts.fct_alerts").fetchall() == [("a",)]
    assert [row[0] for row in read(folder / "current")] == ["a", "v2", "v3", "v4"]


def test_the_two_newest_versions_stay(warehouse, tmp_path):
    folder = tmp_path / "published"
    for version in ("v1", "v2", "v3"):
        publication.publish(warehouse, folder, version)
    assert sorted(path.name for path in folder.iterdir()) == ["current", "v2", "v3"]
    assert publication.current(folder) == (folder / "v3").resolve()


def test_a_version_that_cannot_be_written_changes_nothing(warehouse, tmp_path, monkeypatch):
    folder = tmp_path / "published"
    publication.publish(warehouse, folder, "v1")
    monkeypatch.setattr(publication, "_columns", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        publication.publish(warehouse, folder, "v2")
    assert sorted(path.name for path in folder.iterdir()) == ["current", "v1"]
    assert publication.current(folder).name == "v1"
    warehouse.execute("attach ':memory:' as published; detach published")  # nothing is left attached


def test_there_is_nothing_to_publish_before_the_first_build(tmp_path):
    with duckdb.connect() as empty, pytest.raises(ValueError, match="nothing to publish"):
        publication.publish(empty, tmp_path / "published", "v1")
    assert not (tmp_path / "published" / "current").exists()
