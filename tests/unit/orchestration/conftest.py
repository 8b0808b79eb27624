import pytest


@pytest.fixture
def home(tmp_path, monkeypatch):
    """An empty data directory, which is also the one of the code under test."""
    monkeypatch.setenv("PLUMBLINE_HOME", str(tmp_path))
    for name in ("DAGSTER_HOME", "DBT_TARGET_PATH", "DLT_DATA_DIR", "DAGSTER_EVENT_BATCH_SIZE", "PLUMBLINE_TARGET"):
        monkeypatch.setenv(name, "")  # prepare_home sets them; monkeypatch takes them back
    monkeypatch.delenv("DAGSTER_EVENT_BATCH_SIZE")
    return tmp_path
