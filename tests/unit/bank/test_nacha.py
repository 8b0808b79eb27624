"""Nacha files written here by hand: batches, entries, returns, and the control records held against what is there."""

from datetime import date, datetime
from decimal import Decimal

import pytest
from bank_payments import landed
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.bank import nacha_count as count
from ingestion.bank.message import UnusableFile
from ingestion.bank.nacha import HASH_MODULUS, parse

FIXED = settings(deadline=None, derandomize=True, database=None, max_examples=60)
HEADER = "101 076401251 0764012512601051830A094101" + "FEDERAL RESERVE".ljust(23) + "EXCHANGE".ljust(23) + " " * 8
RDFI = "07640125"


def entry(code: str = "27", cents: int = 1000, rdfi: str = RDFI, *addenda: str, trace: int = 1) -> list[str]:
    line = f"6{code}{rdfi}1{'123456'.ljust(17)}{cents:010}{'ID-1'.ljust(15)}{'JANE DOE'.ljust(22)}  "
    return [f"{line}{int(bool(addenda))}{RDFI}{trace:07}", *(record.ljust(94) for record in addenda)]


def totals(entries: list[list[str]]) -> tuple[int, int, int, int]:
    lines = [records[0] for records in entries]
    debit = sum(int(line[29:39]) for line in lines if line[2] in "56789")
    credit = sum(int(line[29:39]) for line in lines if line[2] not in "56789")
    return sum(map(len, entries)), sum(int(line[3:11]) for line in lines) % HASH_MODULUS, debit, credit


def batch(*entries: list[str], number: int = 1, julian: str = "007", control: tuple | None = None, kind: str = "PPD"):
    header = f"5200{'EXCHANGE'.ljust(16)}{' ' * 20}{'1234567890'}{kind}{'DEPOSIT'.ljust(10)}      260106{julian}1"
    header += f"{RDFI}{number:07}"
    count_, hash_, debit, credit = control or totals(list(entries))
    end = f"8200{count_:06}{hash_:010}{debit:012}{credit:012}1234567890{' ' * 25}{RDFI}{number:07}"
    return [header, *(record for records in entries for record in records), end]


def file(*batches: list[str], control: tuple | None = None, pad: bool = True, newline: str = "\n") -> bytes:
    ends = [lines[-1] for lines in batches]
    found = (
        len(batches),
        sum(int(end[4:10]) for end in ends),
        sum(int(end[10:20]) for end in ends) % HASH_MODULUS,
        sum(int(end[20:32]) for end in ends),
        sum(int(end[32:44]) for end in ends),
    )
    number, records, hash_, debit, credit = control or found
    lines = [HEADER, *(line for lines in batches for line in lines)]
    lines.append(f"9{number:06}{1:06}{records:08}{hash_:010}{debit:012}{credit:012}{' ' * 39}")
    while pad and len(lines) % 10:
        lines.append("9" * 94)
    assert all(len(line) == 94 for line in lines)
    return newline.join([*lines, ""]).encode() if newline else "".join(lines).encode()


def counted(raw: bytes) -> list[tuple]:
    return [(p.event_date, p.ccy_code, p.amount, p.share) for p in count.payments(count.as_text(raw))]


def test_an_entry_is_one_row_from_the_originators_side():
    made = parse(file(batch(entry("27", 1050, RDFI, "705INVOICE 7"), entry("22", 99))))
    taken, sent = made.entries
    assert (taken["amount"], taken["credit_debit_code"], taken["is_reversal"]) == (Decimal("10.50"), "CRDT", False)
    assert (sent["amount"], sent["credit_debit_code"]) == (Decimal("0.99"), "DBIT")
    assert taken["counterparty_account"] == "076401251/123456" and taken["counterparty_name"] == "JANE DOE"
    assert taken["end_to_end_id"] == "ID-1" and taken["entry_reference"] == "076401250000001"
    assert taken["remittance_text"] == "DEPOSIT\nINVOICE 7" and taken["bank_transaction_code"] == "PPD/27"
    assert (taken["status_code"], taken["booking_date"], taken["value_date"]) == (
        "BOOK",
        date(2026, 1, 7),
        date(2026, 1, 6),
    )
    (statement,) = made.statements
    assert statement["account_iban"] == "07640125/1234567890" and statement["is_balanced"] is True
    assert statement["entries_net_amount"] == Decimal("9.51") and statement["created_at"] == datetime(
        2026, 1, 5, 18, 30
    )


def test_what_the_operator_has_not_settled_is_pending():
    made = parse(file(batch(entry(), julian="   ")))
    assert [(r["status_code"], r["booking_date"], r["value_date"]) for r in made.entries] == [
        ("PDNG", None, date(2026, 1, 6))
    ]


def test_a_settlement_day_at_new_year_is_of_the_year_nearby():
    raw = file(batch(entry(), julian="365"))
    assert parse(raw).entries[0]["booking_date"] == date(2025, 12, 31) == counted(raw)[0][0]


def test_returns_take_back_and_notes_move_nothing():
    returned = f"799R01{'076401250000007'}{' ' * 6}{RDFI}INSUFFICIENT FUNDS"
    changed = f"798C01{'076401250000008'}{' ' * 6}{RDFI}NEW ACCOUNT"
    made = parse(
        file(batch(entry("26", 1000, RDFI, returned), entry("21", 500, RDFI, returned), entry("26", 0, RDFI, changed)))
    )
    assert [(r["credit_debit_code"], r["is_reversal"], r["status_code"]) for r in made.entries] == [
        ("DBIT", True, "BOOK"),
        ("CRDT", True, "BOOK"),
        ("CRDT", False, "INFO"),
    ]
    assert [r["instruction_id"] for r in made.entries] == ["076401250000007", "076401250000007", "076401250000008"]
    assert made.entries[0]["bank_transaction_code"] == "PPD/26/R01"


def test_the_entry_hash_is_taken_modulo_ten_to_the_tenth():
    many = [entry("27", 1, "99999999", trace=n) for n in range(150)]
    raw = file(batch(*many))
    assert HASH_MODULUS < 150 * 99999999 and parse(raw).statements[0]["is_balanced"] is True


@pytest.mark.parametrize(
    "wrong", [(2, 7640125, 1000, 0), (1, 7640126, 1000, 0), (1, 7640125, 1001, 0), (1, 7640125, 1000, 1)]
)
def test_a_batch_that_contradicts_its_control_is_read_and_says_so(wrong):
    raw = file(batch(entry(), control=wrong), batch(entry(), number=2))
    made = parse(raw)
    assert [s["is_balanced"] for s in made.statements] == [False, False]  # the file's control repeats the wrong sum
    assert len(made.entries) == 2
    odd, fine = count.statements(count.as_text(raw))
    assert fine.agrees and odd.agrees == (wrong[1] != 7640125)  # the hash is no total of value: is_balanced says it


def test_a_missing_batch_shows_by_the_files_control():
    both = batch(entry()), batch(entry("22", 500), number=2)
    whole = file(*both).decode().split("\n")
    raw = "\n".join(line for line in whole if line not in both[1]).encode()
    made = parse(raw)
    assert [s["is_balanced"] for s in made.statements] == [False]
    (stated,) = count.statements(count.as_text(raw))
    assert not stated.agrees and (stated.stated_entries, stated.stated_amount) == (2, Decimal(15))


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda line: line[:29] + "ABC" + line[32:], "invalid_entry"),
        (lambda line: line[0] + "99" + line[3:], "invalid_transaction_code"),
        (lambda line: line[:3] + "X" + line[4:], "invalid_entry"),
    ],
)
def test_an_entry_that_cannot_be_used_is_rejected_alone_and_both_paths_count_it(change, code):
    lines = batch(entry("27", 1000), entry("27", 700, trace=2))
    lines[2] = change(lines[2])
    raw = file(lines)
    made = parse(raw)
    assert [(r.table, r.code, r.record_no) for r in made.rejected] == [("entries", code, 2)]
    assert landed(made) == counted(raw) and len(made.entries) == 1


def test_a_batch_of_advices_is_rejected_with_its_entries():
    raw = file(batch(entry(), kind="ADV"))
    made = parse(raw)
    assert [(r.table, r.code) for r in made.rejected] == [
        ("statements", "unsupported_batch"),
        ("entries", "unsupported_batch"),
    ]
    assert landed(made) == counted(raw)


GOOD = file(batch(entry("27", 1000, RDFI, "705TEXT"), entry("22", 99)), batch(entry(), number=2))


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", "empty_file"),
        (b"Id,Amount\n1,2\n", "not_nacha"),
        (GOOD[:400], "cut_off"),
        (b"\n".join(GOOD.split(b"\n")[:6]), "cut_off"),
        (GOOD.replace(b"\n6", b"\n62", 1), "record_length"),
        (GOOD.replace(b"\n705", b"\nX05"), "record_order"),
        (GOOD.replace(b"JANE", b"JA\0E"), "invalid_text"),
        (GOOD.replace(b"JANE", b"JAN\xe9"), "invalid_text"),
        (GOOD.decode().encode("utf-16"), "invalid_text"),
        (GOOD + GOOD, "record_order"),
        (b"101" + b"x" * 5_000 + b"\n", "line_too_long"),
    ],
)
def test_an_unusable_file_says_why(raw, code):
    with pytest.raises(UnusableFile) as refused:
        parse(raw)
    assert refused.value.code == code and str(refused.value)
    count.payments(count.as_text(raw))


@pytest.mark.parametrize("newline", ["\r\n", ""])
def test_line_ends_padding_and_cut_blanks_change_nothing(newline):
    batches = batch(entry("27", 1000, RDFI, "705TEXT")), batch(entry(), number=2)
    other = file(*batches, newline=newline, pad=False)
    stripped = b"\n".join(line.rstrip() for line in file(*batches).split(b"\n"))
    for raw in (other, stripped):
        assert parse(raw).entries == parse(file(*batches)).entries
        assert counted(raw) == counted(file(*batches))
        assert all(one.agrees for one in count.statements(count.as_text(raw)))


def test_a_file_was_known_when_it_was_made():
    assert count.created_at(GOOD) == "2026-01-05T18:30:00" and count.created_at(b"") is None


ENTRIES = st.builds(
    lambda code, cents, rdfi, note: entry(code, cents, rdfi, *note),
    st.sampled_from(["22", "27", "32", "37", "21", "26", "28", "52", "55"]),
    st.integers(0, 10**10 - 1),
    st.integers(0, 10**8 - 1).map("{:08}".format),
    st.sampled_from([(), ("705ONE",), ("705ONE", "705TWO"), ("799R01" + "1" * 15,)]),
)


@FIXED
@given(st.lists(st.lists(ENTRIES, max_size=4), max_size=3), st.sampled_from(["\n", "\r\n"]))
def test_both_paths_agree_whatever_the_entries_are(batches, newline):
    raw = file(*(batch(*entries, number=n) for n, entries in enumerate(batches, 1)), newline=newline)
    made = parse(raw)
    assert landed(made) == counted(raw) and not made.rejected
    assert all(s["is_balanced"] for s in made.statements) and len(made.statements) == len(batches)
    statements = count.statements(count.as_text(raw))
    assert all(one.agrees for one in statements) and sum(len(one.payments) for one in statements) == len(made.entries)


@FIXED
@given(st.integers(0, len(GOOD)), st.binary(max_size=6))
def test_a_damaged_file_is_rejected_or_read_but_never_an_error(place, noise):
    damaged = GOOD[:place] + noise + GOOD[place + len(noise) :]
    text = count.as_text(damaged)
    count.statements(text)
    try:
        made = parse(damaged)
    except UnusableFile:
        return
    assert len(landed(made)) == len(count.payments(text)) and made.statement_no == count.statement_count(text)


def test_batches_are_known_by_file_and_account_on_both_paths():
    made = parse(GOOD)
    keys = [f"{s['message_id']}:{s['account_iban']}" for s in made.statements]
    assert keys and count.statement_keys(count.as_text(GOOD)) == keys
