"""MT940 files written here by hand: what a statement says is what the rows say, and both paths count the same."""

from datetime import date, datetime
from decimal import Decimal

import pytest
from bank_payments import landed
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.bank import mt940_count as count
from ingestion.bank.message import UnusableFile
from ingestion.bank.mt940 import parse
from ingestion.control_totals import record_hash

FIXED = settings(deadline=None, derandomize=True, database=None, max_examples=60)


def statement(
    *lines: str, opening: str = "0,", closing: str = "0,", number: str = "5/1", day: str = "260105", end: str = "-"
) -> str:
    return "\n".join(
        [
            ":20:REF",
            ":25:DE02/EUR",
            f":28C:{number}",
            f":60F:C260104EUR{opening}",
            *lines,
            f":62F:C{day}EUR{closing}",
            end,
            "",
        ]
    )


def read(*statements: str, newline: str = "\n"):
    return parse("".join(statements).replace("\n", newline).encode())


def counted(*statements: str) -> list[tuple]:
    text = count.as_text("".join(statements).encode())
    return [(p.event_date, p.ccy_code, p.amount, p.share) for p in count.payments(text)]


def test_a_line_and_its_details_are_one_row_with_the_text_kept_whole():
    details = ":86:166?00CREDIT?20EREF+E2E-1?21SVWZ+Rent  January\n?30BANKDEFF?31DE89?32Jane Doe"
    made = read(statement(":61:2601050106C141,94NTRFPAYREF//BANKREF\nsupplementary", details, closing="141,94"))
    (row,) = made.entries
    assert row["amount"] == Decimal("141.94") and row["credit_debit_code"] == "CRDT" and not row["is_reversal"]
    assert (row["value_date"], row["booking_date"]) == (date(2026, 1, 5), date(2026, 1, 6))
    assert row["servicer_reference"] == "BANKREF" and row["instruction_id"] == "PAYREF"
    assert row["end_to_end_id"] == "E2E-1" and row["counterparty_account"] == "DE89"
    assert row["remittance_text"] == details.removeprefix(":86:")
    assert row["status_code"] == "BOOK" and row["bank_transaction_code"] == "NTRF"


@pytest.mark.parametrize(
    ("mark", "side", "reversal", "closing"),
    [
        ("C", "CRDT", False, "10,"),
        ("D", "DBIT", False, "10,"),
        ("RC", "DBIT", True, "10,"),
        ("RD", "CRDT", True, "10,"),
    ],
)
def test_the_mark_gives_side_and_reversal_and_moves_the_balance(mark, side, reversal, closing):
    opening = "0," if side == "CRDT" else "20,"
    made = read(statement(f":61:260105{mark}10,NMSCNONREF", opening=opening, closing=closing))
    assert [(r["credit_debit_code"], r["is_reversal"]) for r in made.entries] == [(side, reversal)]
    assert made.statements[0]["is_balanced"] is True and made.entries[0]["instruction_id"] is None


def test_several_statements_with_their_pages_and_balances():
    first = statement(":61:260105C1,NMSCX", closing="1,", number="5/1").replace(":62F:", ":62M:")
    second = statement(opening="1,", closing="9,", number="5/2").replace(":60F:", ":60M:")
    made = read("{1:F01BANK}{4:\n", first, second, statement(number="7", day="260106", end="-}"))
    assert [(s["electronic_sequence_no"], s["page_no"], s["is_balanced"]) for s in made.statements] == [
        (5, 1, True),
        (5, 2, False),
        (7, None, True),
    ]
    assert len({s["statement_id"] for s in made.statements}) == 3
    assert made.statements[2]["created_at"] == datetime(2026, 1, 6)


def test_statements_of_one_number_stay_apart_unless_they_are_the_same():
    one, other = statement(), statement(":61:260105C1,NMSCX", closing="1,")
    ids = [s["statement_id"] for s in read(one, other, one).statements]
    assert ids[0] == ids[2] and ids[1] == ids[0] + "#2"


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (":61:260105C1234567890123456,78NTRFX", "invalid_entry"),  # longer than MT940 has it: never cut
        (":61:260105C1.50NTRFX", "invalid_entry"),
        (":61:260105X1,50NTRFX", "invalid_entry"),
        (":61:261305C1,50NTRFX", "invalid_entry"),
        (":61:260105C1,505NTRFX", "amount_precision"),
        (":61:260105C1,50NTRF" + "X" * 17, "invalid_entry"),
        (":61:2601050106C1,50NTRFX//" + "B" * 24, "invalid_entry"),
        (":61:260105C١,50NTRFX", "invalid_entry"),
        (":61:", "invalid_entry"),
    ],
)
def test_a_line_that_cannot_be_used_is_rejected_alone_and_both_paths_count_it(line, code):
    files = statement(":61:260105C2,NMSCX", line, ":86:its details", closing="2,")
    made = read(files)
    assert [(r.table, r.code, r.record_no) for r in made.rejected] == [("entries", code, 2)]
    assert made.rejected[0].raw == f"{line}\n:86:its details"
    assert len(made.entries) == 1 and len(counted(files)) == 2
    assert landed(made) == counted(files), "day, currency, amount and hash of the reject are those that were counted"
    assert made.statements[0]["entry_count"] == 2


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ((":25:DE02/EUR\n", ""), "missing_identifier"),
        ((":28C:5/1\n", ""), "missing_identifier"),
        ((":60F:C260104EUR0,\n", ""), "missing_balance"),
        ((":62F:C260105EUR0,\n", ""), "missing_balance"),
        ((":62F:C260105EUR0,", ":62F:C260105EUR0"), "invalid_balance"),
        ((":62F:C260105EUR0,", ":62F:C261305EUR0,"), "invalid_balance"),
    ],
)
def test_a_statement_that_cannot_be_used_is_rejected_with_its_lines(change, code):
    files = statement(":61:260105C2,NMSCX", ":61:260105D2,NMSCX").replace(*change)
    made = read(files)
    assert [(r.table, r.code) for r in made.rejected] == [("statements", code), *[("entries", code)] * 2]
    assert landed(made) == counted(files) and count.statement_count(count.as_text(files.encode())) == 1


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", "empty_file"),
        (b"\n \n", "empty_file"),
        (b"Id,Amount\n1,2\n", "not_mt940"),
        (statement().encode("utf-16"), "invalid_text"),
        (statement().replace("REF", "R\0F").encode(), "invalid_text"),
        (statement(":61:260105C2,NMSCX", ":86:Müller").encode("latin-1"), "invalid_text"),
        (statement(":86:" + "x" * 5_000).encode(), "line_too_long"),
    ],
)
def test_an_unusable_file_says_why(raw, code):
    with pytest.raises(UnusableFile) as refused:
        parse(raw)
    assert refused.value.code == code and str(refused.value)
    count.payments(count.as_text(raw))


def test_another_encoding_can_be_named():
    raw = statement(":61:260105C2,NMSCX", ":86:Müller").encode("latin-1")
    assert parse(raw, "latin-1").entries[0]["remittance_text"] == "Müller"


def test_the_booking_day_takes_its_year_from_the_value_date():
    files = statement(":61:2512311231C1,NMSCX", ":61:2512310102C1,NMSCX", ":61:2601021231C1,NMSCX")
    days = [date(2025, 12, 31), date(2026, 1, 2), date(2025, 12, 31)]
    assert [row["booking_date"] for row in read(files).entries] == days == [day for day, *_ in counted(files)]


def test_a_file_was_known_when_its_last_day_had_ended():
    raw = (statement() + statement(day="260107")).encode()
    assert count.created_at(raw) == "2026-01-08T00:00:00" and count.created_at(b"nothing") is None


def test_what_the_library_cannot_read_is_not_logged(caplog):
    read(statement(":61:261399C2,NMSCSECRET"))
    assert not caplog.records


LINES = st.builds(
    "{}{}{}{}NTRF{}{}".format,
    st.sampled_from([":61:260105", ":61:2601050106", ":61:260105    ", ":61:251231"]),
    st.sampled_from(["C", "D", "RC", "RD"]),
    st.sampled_from(["", "R"]),
    st.decimals(0, 10**11, places=2).map(lambda amount: format(amount, "f").replace(".", ",")),
    st.sampled_from(["NONREF", "", "A/B-C"]),
    st.sampled_from(["", "//BANK", "\nmore", "\n:86:text ?20 :61: text", "\n:86:one\ntwo"]),
)


@FIXED
@given(st.lists(LINES, max_size=5), st.booleans())
def test_both_paths_agree_whatever_the_lines_are(lines, windows):
    files = statement(*lines)
    made = read(files, newline="\r\n" if windows else "\n")
    assert landed(made) == counted(files) and not made.rejected
    net = sum(r["amount"] * (1 if r["credit_debit_code"] == "CRDT" else -1) for r in made.entries)
    assert made.statements[0]["entries_net_amount"] == net and made.statements[0]["is_balanced"] == (net == 0)


WHOLE = statement(":61:2601050106C141,94NTRFPAYREF//BANKREF", ":86:hello", ":61:260105D1,NMSCX", closing="140,94") * 2


@FIXED
@given(st.integers(0, len(WHOLE)), st.binary(max_size=6))
def test_a_damaged_file_is_rejected_or_read_but_never_an_error(place, noise):
    damaged = WHOLE.encode()[:place] + noise + WHOLE.encode()[place + len(noise) :]
    text = count.as_text(damaged)
    try:
        made = parse(damaged)
    except UnusableFile:
        count.payments(text)
        return
    assert len(landed(made)) == len(count.payments(text))
    assert made.statement_no == count.statement_count(text)


@FIXED
@given(st.integers(1, len(WHOLE) - 1))
def test_a_file_cut_in_the_middle_brings_no_half_statement(place):
    try:
        made = parse(WHOLE.encode()[:place])
    except UnusableFile:
        return
    for row in made.statements:
        assert row["entry_count"] == 2 and row["closing_balance_amount"] is not None


def test_statements_are_known_by_reference_and_account_on_both_paths():
    files = statement() + statement().replace(":25:DE02/EUR\n", "")
    made = read(files)
    assert count.statement_keys(count.as_text(files.encode())) == ["REF:DE02/EUR", "REF:"]
    assert [f"{s['message_id']}:{s['account_iban']}" for s in made.statements] == ["REF:DE02/EUR"]
    assert [r.record_hash for r in made.rejected] == [record_hash("REF:", None)]


def test_a_reference_beyond_ascii_is_for_the_reader_alone():
    (payment,) = count.payments(count.as_text(statement(":61:260105C1,NTRFX//R\u00e9F").encode()))
    assert payment.reference is None and payment.share is None
