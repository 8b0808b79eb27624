"""Real dated versions of OFAC's list, loaded in their order: each date is answered with the file of that date, and an
address that was taken off stops hitting while the hits on it stay.

Those of 2019 and 2021 are OFAC's own files. Those of 2022 and 2023 are addresses alone, by asset, taken daily from the
SDN list by others; each is written here as the remarks of a publication in OFAC's CSV.
"""

import re
import shutil
from collections import defaultdict
from datetime import date, datetime
from pathlib import Path

import duckdb
import hand_made_raw as raw
import pytest

from ingestion import pipeline
from ingestion.watchlists import watchlists_source
from orchestration.look_back.replay import Replay

pytestmark = pytest.mark.nightly
OFAC = {"2019-01": date(2019, 1, 1), "2021-07": date(2021, 7, 1)}
DELISTED, TAKEN_OFF = "0x905b63Fff465B9fFBF41DeA908CEb12478ec7601", "2022-11-09"
_MENTION = re.compile(r"Digital Currency Address - (\w+) (\w+)")
NULL = "-0- "
WITHDRAWALS = {"before": "2022-10-01 12:00:00", "after": "2022-12-01 12:00:00"}


def listed_in_files(folder: Path) -> set[tuple[str, str]]:
    """(asset, address) of one version of the lists of addresses."""
    return {
        (file.stem.rpartition("_")[2], line.strip())
        for file in folder.glob("sanctioned_addresses_*.txt")
        for line in file.read_text().splitlines()
        if line.strip()
    }


def listed_in_ofac(folder: Path) -> set[tuple[str, str]]:
    """(asset, address) of a publication of OFAC's; remarks go on in the file of comments, also in the middle of a word,
    so both are joined by the number of the entry."""
    texts: dict[str, str] = defaultdict(str)
    for name in ("sdn.csv", "sdn_comments.csv"):
        for line in (folder / name).read_text(encoding="utf-8", errors="replace").splitlines():
            number, _, rest = line.partition(",")
            texts[number] = texts[number].rstrip().removesuffix('"') + rest.strip().removeprefix('"')
    return {found for text in texts.values() for found in _MENTION.findall(text)}


def publish(folder: Path, mentions: set[tuple[str, str]]) -> None:
    """The mentions as a publication in OFAC's CSV, an entry for each address."""
    folder.mkdir(parents=True)
    assets = defaultdict(set)
    for asset, address in mentions:
        assets[address].add(asset)
    lines = []
    for address, of_address in assets.items():
        remarks = "; alt. ".join(f"Digital Currency Address - {asset} {address}" for asset in sorted(of_address))
        number = 1_000_000 + int.from_bytes(address.encode(), "big") % 900_000_000
        lines.append(f'{number},"NAME {number}",{NULL},"CYBER2",{",".join([NULL] * 7)},"{remarks};"\r\n')
    (folder / "sdn.csv").write_text("".join(sorted(lines)), newline="")
    first = min(lines).partition(",")[0]  # a publication without any place or name is refused
    (folder / "add.csv").write_text(f'{first},11,{NULL},"Havana","Cuba",{NULL}\r\n', newline="")
    (folder / "alt.csv").write_text(f'{first},21,"aka","OTHER",{NULL}\r\n', newline="")
    (folder / "sdn_comments.csv").write_text("")


@pytest.fixture(scope="module")
def versions(shared_data) -> dict[date, set[tuple[str, str]]]:
    """Date -> what was listed on it, as the files of that date say."""
    lists = shared_data / "watchlists"
    found = {day: listed_in_ofac(lists / "ofac" / name) for name, day in OFAC.items()}
    dated = sorted(folder for folder in (lists / "ofac_digital_currency").iterdir() if folder.is_dir())
    return found | {date.fromisoformat(folder.name): listed_in_files(folder) for folder in dated}


@pytest.fixture(scope="module")
def replay(shared_data, versions, conformed_home, tmp_path_factory):
    """A warehouse with all versions, and two withdrawals to an address that was taken off the list between them."""
    home = Path(shutil.copytree(conformed_home, tmp_path_factory.mktemp("lists") / "home", symlinks=True))
    published = tmp_path_factory.mktemp("published")
    for name in OFAC:
        shutil.copytree(shared_data / "watchlists/ofac" / name, published / name)
    for day, mentions in versions.items():
        if day not in OFAC.values():
            publish(published / day.isoformat(), mentions)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PLUMBLINE_HOME", str(home))
        patch.setenv("PLUMBLINE_PSEUDONYM_KEY", "a test's key")
        with duckdb.connect(str(home / "warehouse.duckdb")) as connection:
            tables = "select table_name from duckdb_tables() where schema_name = 'raw_watchlists'"
            for (table,) in connection.execute(tables).fetchall():
                if not table.startswith("_dlt"):
                    connection.execute(f'delete from raw_watchlists."{table}"')  # noqa: S608 (from the catalogue)
        pipeline.run(watchlists_source(ofac_sdn_url=str(published)), "watchlists")
        with duckdb.connect(str(home / "warehouse.duckdb")) as connection:
            raw.fill(connection, [withdrawal(name, at) for name, at in WITHDRAWALS.items()], "withdrawals")
        built = Replay(home, {"TM45": "scn_tm45_address_screening"})
        built.build("+scn_tm45_address_screening")
        yield built


def withdrawal(name: str, at: str) -> dict:
    row = {
        "withdrawal_id": name,
        "account_id": "A1",
        "rail_code": "crypto",
        "status_code": "completed",
        "asset_code": "ETH",
        "amount": "1",
        "chain_code": "ethereum",
        "to_address": DELISTED,
        "tx_hash": f"0x{name}",
        "event_at": at,
    }
    return {"table": "exchange.withdrawals", "known_at": at, "total": [at[:10], "ETH", "1"], "row": row}


def outcomes(replay: Replay, day: str) -> dict[str, str]:
    """Withdrawal -> its outcome, with the knowledge of the end of that day."""
    replay.show(datetime.fromisoformat(f"{day} 23:59:59"))
    replay.build("+scn_tm45_address_screening")
    with replay.connect() as connection:
        rows = connection.execute(
            "select split_part(transfer_id, ':', 3), outcome_code from scenarios.scn_tm45_address_screening "
            "where transfer_id in ('exchange:withdrawal:before', 'exchange:withdrawal:after')"
        ).fetchall()
    return dict(rows)


def test_each_date_is_answered_with_the_file_of_that_date(replay, versions):
    assert len(versions) == 14
    for day, listed in versions.items():
        replay.show(datetime(day.year, day.month, day.day))
        replay.build("+int_sanctioned_addresses")
        with replay.connect() as connection:
            found = connection.execute(
                "select list_asset_code, address_raw from intermediate.int_sanctioned_addresses "
                "where delisted_at is null"
            ).fetchall()
        assert set(found) == listed, day  # a set: of two entries one may name the address of the other


def test_a_delisted_address_stops_hitting_and_the_old_hit_stays(replay, versions):
    assert any(address == DELISTED for _, address in versions[date(2022, 9, 16)])
    assert not any(address == DELISTED for _, address in versions[date.fromisoformat(TAKEN_OFF)])
    # While it was listed, and with the knowledge of then, the first withdrawal hits; the second has not happened.
    assert outcomes(replay, "2022-10-15") == {"before": "alerted"}
    # Today the second one does not hit, and the first one still does: it was listed on that day.
    assert outcomes(replay, "2023-08-01") == {"before": "alerted", "after": "below_threshold"}
