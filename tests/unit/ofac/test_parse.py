"""OFAC's CSV publication, written here by hand in its published form."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.ofac.count import count, lines
from ingestion.ofac.parse import UnusablePublication, parse

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


def mentions(found) -> list[tuple]:
    return [
        (row["ent_num"], row["asset_code"], row["address"], row["mention_no"], row["is_overflow"])
        for row in found.rows["digital_currency_addresses"]
    ]


def test_values_stay_as_published_and_nulls_are_null():
    read = parse(files(sdn(1, 'a.k.a. ""THE ONE""', name="CAFÉ, José"), sdn(2, kind=NULL)))
    first, second = read.rows["sdn_entries"]
    assert (first["ent_num"], first["sdn_name"], first["remarks"]) == ("1", "CAFÉ, José", 'a.k.a. "THE ONE"')
    assert first["sdn_type"] == "individual" and first["title"] is None
    assert second["sdn_type"] is None and second["remarks"] is None and second["_record_no"] == 2
    (address,), (alias,) = read.rows["sdn_addresses"], read.rows["sdn_aliases"]
    assert (address["ent_num"], address["address"], address["country"]) == ("1", None, "Cuba")
    assert (alias["alt_num"], alias["alt_name"], alias["alt_remarks"]) == ("21", "OTHER", None)


@pytest.mark.parametrize("end", ["\r\n", "\n"])
@pytest.mark.parametrize("last", ["", "\x1a", "\r\n\x1a"])
def test_line_ends_and_the_end_of_file_mark_are_no_records(end, last):
    made = files(sdn(1), sdn(2), end=end)
    made = {name: content + last.encode() if content else content for name, content in made.items()}
    assert len(parse(made).rows["sdn_entries"]) == count(made)["sdn_entries"] == 2


def test_a_file_may_end_without_line_end_and_in_the_middle_of_its_last_null():
    made = files(sdn(1))
    made["add.csv"] += b'2,12,"x","y","z",-0'
    read = parse(made)
    assert read.rows["sdn_addresses"][1]["add_remarks"] is None and not read.rejected
    assert count(made)["sdn_addresses"] == 2


def test_overflow_continues_the_remarks_where_they_were_cut():
    made = files(
        sdn(1, "DOB 1970; Digital Currency Addres"),
        sdn(2, "Digital Currency Address - XBT 1Gq"),
        comments='1,"s - ETH 0x8576; alt. Digital Currency Address - XBT 1Kuf."\r\n2,"Chm; Website x.example"\r\n',
    )
    read = parse(made)
    assert read.rows["sdn_entries"][0]["remarks"].startswith("DOB 1970; Digital Currency Address - ETH 0x8576; alt.")
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
    assert [(asset, address) for _, asset, address, _, _ in mentions(parse(files(sdn(1, remarks))))] == [
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
    read = parse(made)
    assert [(one.table, one.record_no, one.code) for one in read.rejected] == [
        ("sdn_entries", 2, "invalid_number"),
        ("sdn_entries", 3, "malformed_row"),
        ("sdn_entries", 5, "overflow_without_entry"),
        ("digital_currency_addresses", 1, "unreadable_mention"),
    ]
    assert read.rows["digital_currency_addresses"][0]["_record_no"] == 2
    totals = count(made)
    for table, rows in read.rows.items():
        assert totals[table] == len(rows) + sum(1 for one in read.rejected if one.table == table)


@pytest.mark.parametrize(("name", "content"), [("sdn.csv", b""), ("alt.csv", b" \r\n"), ("sdn.csv", b'1,"cut of')])
def test_half_a_publication_is_refused(name, content):
    with pytest.raises(UnusablePublication, match=name):
        parse({**files(sdn(1)), name: content})


def test_a_line_end_inside_quotes_is_part_of_the_value():
    made = files(sdn(1, "first\r\nsecond"), sdn(2))
    assert len(parse(made).rows["sdn_entries"]) == lines(made["sdn.csv"]) == 2


texts = st.text(st.characters(codec="latin-1", exclude_characters='"\x1a\0\r\n'), max_size=30)


@FIXED
@given(
    st.lists(texts, min_size=1, max_size=6, unique=True),
    st.lists(st.tuples(st.integers(1, 8), st.sampled_from(["; Digital Currency Address - XBT 1A", "s - ETH 0x2;"]))),
)
def test_both_paths_agree_whatever_is_published(remarks, overflow):
    entries = [sdn(n, text) for n, text in enumerate(remarks, 1)]
    made = files(*entries, comments="".join(f'{n},"{text}"\r\n' for n, text in overflow))
    read, totals = parse(made), count(made)
    for table, rows in read.rows.items():
        assert totals[table] == len(rows) + sum(1 for one in read.rejected if one.table == table)
