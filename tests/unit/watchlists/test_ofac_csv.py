"""OFAC's CSV publication, written here by hand in its published form."""

import csv
import io
import json
import tempfile
from collections import Counter
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.watchlists import ofac_csv
from ingestion.watchlists.contract import CONTRACTS
from ingestion.watchlists.model import Rejected, UnusablePublication, share
from ingestion.watchlists.ofac_csv import lines

FIXED = settings(deadline=None, derandomize=True, database=None, max_examples=60)
NULL = "-0- "


def sdn(number: object, remarks: str | None = None, name: str = "NAME, Some", kind: str = '"individual"') -> str:
    remarks = NULL if remarks is None else f'"{remarks}"'
    return f'{number},"{name}",{kind},"SDGT",{",".join([NULL] * 7)},{remarks}'


def files(*entries: str, comments: str = "", end: str = "\r\n") -> dict[str, bytes]:
    return {
        "sdn.csv": end.join([*entries, ""]).encode("latin-1"),
        "add.csv": f'1,11,{NULL},"Havana","Cuba",{NULL}{end}'.encode(),
        "alt.csv": f'1,21,"aka","OTHER",{NULL}{end}'.encode(),
        "sdn_comments.csv": comments.encode("latin-1"),
    }


class Read:
    """What the parser found: rows by table and rejects, each reject with its number in its table."""

    def __init__(self, made: dict[str, bytes]) -> None:
        self.rows: dict[str, list[dict]] = {table: [] for table in ofac_csv.COLUMNS}
        self.rows["digital_currency_addresses"] = []
        self.rejected: list[tuple[str, int, str]] = []
        self.found, self.digests = Counter(), Counter()
        with on_disk(made) as paths:
            for one in ofac_csv.parse(paths):
                table = one.table if isinstance(one, Rejected) else one[0]
                self.found[table] += 1
                self.digests[table] += share(one.entry_id if isinstance(one, Rejected) else one[1]["entry_id"])
                if isinstance(one, Rejected):
                    self.rejected.append((table, self.found[table], one.code))
                else:
                    self.rows[table].append(one[1])


@contextmanager
def on_disk(made: dict[str, bytes]):
    with tempfile.TemporaryDirectory() as folder:
        paths = {name: Path(folder) / name for name in made}
        for name, path in paths.items():
            path.write_bytes(made[name])
        yield paths


def count(made: dict[str, bytes]) -> Counter:
    """The totals. Where the parser finds as many records, they are of the same entries."""
    with on_disk(made) as paths:
        counted, read = ofac_csv.count(paths), Read(made)
    if +counted.totals == +read.found:
        assert +counted.digests == +read.digests
    return counted.totals


def mentions(found: Read) -> list[tuple]:
    return [
        (row["entry_id"], row["asset_code"], row["address"], row["mention_no"], row["is_overflow"])
        for row in found.rows["digital_currency_addresses"]
    ]


def test_values_stay_as_published_and_nulls_are_null():
    read = Read(files(sdn(1, 'a.k.a. ""THE ONE""', name="CAFÉ, José"), sdn(2, kind=NULL)))
    first, second = read.rows["entries"]
    assert (first["entry_id"], first["name"], first["remarks"]) == ("1", "CAFÉ, José", 'a.k.a. "THE ONE"')
    assert first["entry_type"] == "individual" and json.loads(first["record_text"])["title"] is None
    assert second["entry_type"] is None and second["remarks"] is None
    (address,), (alias,) = read.rows["places"], read.rows["names"]
    assert (address["entry_id"], address["address"], address["country"]) == ("1", None, "Cuba")
    assert (alias["name_no"], alias["name"], alias["note"]) == ("21", "OTHER", None)


@pytest.mark.parametrize("end", ["\r\n", "\n"])
@pytest.mark.parametrize("last", ["", "\x1a", "\r\n\x1a"])
def test_line_ends_and_the_end_of_file_mark_are_no_records(end, last):
    made = files(sdn(1), sdn(2), end=end)
    made = {name: content + last.encode() if content else content for name, content in made.items()}
    assert len(Read(made).rows["entries"]) == count(made)["entries"] == 2


def test_a_file_may_end_without_line_end_and_in_the_middle_of_its_last_null():
    made = files(sdn(1))
    made["add.csv"] += b'2,12,"x","y","z",-0'
    read = Read(made)
    assert read.rows["places"][1]["note"] is None and not read.rejected
    assert count(made)["places"] == 2


def test_overflow_continues_the_remarks_where_they_were_cut():
    made = files(
        sdn(1, "DOB 1970; Digital Currency Addres"),
        sdn(2, "Digital Currency Address - XBT 1Gq"),
        comments='1,"s - ETH 0x8576; alt. Digital Currency Address - XBT 1Kuf."\r\n2,"Chm; Website x.example"\r\n',
    )
    read = Read(made)
    assert read.rows["entries"][0]["remarks"].startswith("DOB 1970; Digital Currency Address - ETH 0x8576; alt.")
    assert mentions(read) == [
        ("1", "ETH", "0x8576", 1, True),
        ("1", "XBT", "1Kuf", 2, True),
        ("2", "XBT", "1GqChm", 1, False),
    ]
    assert count(made)["digital_currency_addresses"] == 3


def test_addresses_end_at_a_semicolon_a_blank_or_the_last_full_stop():
    remarks = (
        "Digital Currency Address - XBT 12Qt; alt. Digital Currency Address - BCH bitcoincash:qpf2;"
        "Digital Currency Address - ZEC t1WS; Secondary sanctions; Digital Currency Address - USDT TNuA."
    )
    assert [(asset, address) for _, asset, address, _, _ in mentions(Read(files(sdn(1, remarks))))] == [
        ("XBT", "12Qt"),
        ("BCH", "bitcoincash:qpf2"),
        ("ZEC", "t1WS"),
        ("USDT", "TNuA"),
    ]


def test_what_cannot_be_read_is_rejected_and_counted():
    made = files(
        sdn(1, "Digital Currency Address - "),
        sdn("x1"),
        '3,"too","few"',
        sdn(4, "Digital Currency Address - ETH 0x1."),
        comments='9,"for nobody"\r\n',
    )
    read = Read(made)
    assert read.rejected == [
        ("digital_currency_addresses", 1, "unreadable_mention"),
        ("entries", 2, "invalid_number"),
        ("entries", 3, "malformed_row"),
        ("entries", 5, "overflow_without_entry"),
    ]
    assert +count(made) == +read.found


@pytest.mark.parametrize(("name", "content"), [("sdn.csv", b""), ("alt.csv", b" \r\n"), ("sdn.csv", b'1,"cut of')])
def test_half_a_publication_is_refused(name, content):
    with pytest.raises(UnusablePublication, match=name):
        count({**files(sdn(1)), name: content})


def test_a_line_end_inside_quotes_is_part_of_the_value():
    made = files(sdn(1, "first\r\nsecond"), sdn(2))
    assert len(Read(made).rows["entries"]) == len(lines(made["sdn.csv"])) == 2


texts = st.text(st.characters(codec="latin-1", exclude_characters='"\x1a\0\r\n'), max_size=30)


@FIXED
@given(
    st.lists(texts, min_size=1, max_size=6, unique=True),
    st.lists(st.tuples(st.integers(1, 8), st.sampled_from(["; Digital Currency Address - XBT 1A", "s - ETH 0x2;"]))),
)
def test_both_paths_agree_whatever_is_published(remarks, overflow):
    entries = [sdn(n, text) for n, text in enumerate(remarks, 1)]
    made = files(*entries, comments="".join(f'{n},"{text}"\r\n' for n, text in overflow))
    assert +count(made) == +Read(made).found


def wide(made: dict[str, bytes], name: str, change: Callable[[list[str]], list[str]]) -> dict[str, bytes]:
    """The publication with every line of one file changed, five times as long."""
    lines = list(csv.reader(io.StringIO(made[name].decode("latin-1"), newline="")))
    out = io.StringIO(newline="")
    csv.writer(out).writerows(change([f"{number}{line[0]}", *line[1:]]) for number in range(1, 6) for line in lines)
    return {**made, name: out.getvalue().encode("latin-1")}


def missing(made: dict[str, bytes]) -> tuple[set[str], set[str]]:
    """The columns that the publication lacks, and those that nobody knows."""
    with on_disk(made) as paths:
        names, contract = ofac_csv.count(paths).names, CONTRACTS["ofac_csv"]
    return contract.needs - names, names - contract.needs


def test_a_publication_as_it_should_be_has_every_column_and_no_other():
    assert missing(files(sdn(1), sdn(2, kind=NULL), sdn(3, "with, a comma"))) == (set(), set())


def test_a_column_behind_the_others_is_kept_and_named():
    made = files(sdn(1, "Digital Currency Address - ETH 0x1."))
    for name in ("sdn.csv", "add.csv", "alt.csv"):
        made = wide(made, name, lambda line: [*line, f"new, of {line[0]}"])
    read = Read(made)
    assert not read.rejected and +count(made) == +read.found
    assert json.loads(read.rows["entries"][0]["record_text"])["column 13"] == "new, of 11"
    assert [read.rows[table][0]["note"] for table in ("places", "names")] == [
        "column 7: new, of 11", "column 6: new, of 11"
    ]  # fmt: skip
    assert missing(made) == (set(), {"sdn.csv column 13", "add.csv column 7", "alt.csv column 6"})


@pytest.mark.parametrize(
    ("name", "change", "gone"),
    [
        ("sdn.csv", lambda line: line[:-1], "sdn.csv remarks"),
        ("sdn.csv", lambda line: [*line[:1], "put in", *line[1:]], "sdn.csv sdn_type"),
        ("sdn.csv", lambda line: [line[0], line[1], "7", *line[3:]], "sdn.csv sdn_type"),
        ("sdn.csv", lambda line: ["SDN-" + line[0], *line[1:]], "sdn.csv ent_num"),
        ("add.csv", lambda line: [line[0], *line[2:]], "add.csv add_remarks"),
        ("alt.csv", lambda line: [line[0], line[1], "strong", *line[3:]], "alt.csv alt_type"),
    ],
)
def test_a_column_that_is_gone_or_of_another_kind_is_missing(name, change, gone):
    assert gone in missing(wide(files(sdn(1)), name, change))[0]


@pytest.mark.parametrize("published", ["2019-01", "2021-07"])
def test_real_publications_have_every_column(shared_data, published):
    folder = shared_data / "watchlists/ofac" / published
    counted = ofac_csv.count({name: folder / name for name in (*ofac_csv.FILES.values(), ofac_csv.COMMENTS)})
    assert counted.names == CONTRACTS["ofac_csv"].needs
