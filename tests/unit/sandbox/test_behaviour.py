"""The behaviour files: believable logins, and takeovers where the truth says they are."""

from pathlib import Path

import pandas as pd
import pyarrow.dataset as ds
import pytest


@pytest.fixture(scope="module")
def events(world: Path) -> pd.DataFrame:
    paths = sorted(str(path) for path in (world / "landing" / "behaviour").glob("*/events.parquet"))
    return ds.dataset(paths).to_table().to_pandas().set_index("event_id")


def read(folder: Path, pattern: str) -> pd.DataFrame:
    readers = {".csv": pd.read_csv, ".parquet": pd.read_parquet}
    return pd.concat([readers[path.suffix](path) for path in sorted(folder.glob(pattern))])


def test_people_sleep(events: pd.DataFrame):
    by_hour = events.event_at.dt.hour.value_counts()
    assert by_hour.reindex(range(1, 5), fill_value=0).sum() < by_hour.reindex(range(17, 21), fill_value=0).sum() / 4


def test_nobody_does_anything_before_the_account_is_open(world: Path, events: pd.DataFrame):
    accounts = read(world / "landing" / "kyc", "*/accounts.csv").groupby("account_id").opened_at.min()
    opened = pd.to_datetime(events.account_id.map(accounts))
    assert opened.notna().all() and (events.event_at >= opened).all()


def test_one_record_cannot_be_used(events: pd.DataFrame):
    assert (events.event_type_code == "Login").sum() == 1


def test_takeovers_precede_their_withdrawals_from_a_place_never_seen_before(world: Path, events: pd.DataFrame):
    takeovers = pd.read_csv(world / "truth" / "behaviour.csv")
    assert len(takeovers) > 0
    withdrawals = read(world / "landing" / "exchange", "*/withdrawals*").drop_duplicates("withdrawal_id")
    at = pd.to_datetime(withdrawals.set_index("withdrawal_id").event_at, errors="coerce")
    owner = withdrawals.set_index("withdrawal_id").account_id
    labels = pd.read_csv(world / "truth" / "labels.csv")
    for one in takeovers.itertuples():
        own = events.loc[one.event_ids.split(";")]
        assert set(own.account_id) == {one.account_id} == {owner[one.withdrawal_id]}
        gap = at[one.withdrawal_id] - own.event_at
        assert (gap > pd.Timedelta(0)).all() and (gap < pd.Timedelta(hours=4)).all()
        others = events[(events.account_id == one.account_id) & ~events.index.isin(own.index)]
        assert not set(own.device_id) & set(others.device_id) and not set(own.country_code) & set(others.country_code)
        assert (labels[labels.case_no == one.case_no].kind == "planted").all()
