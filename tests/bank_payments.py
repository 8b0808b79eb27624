"""The payments of a bank's file as its reader lands them, to hold beside those that the patterns count."""

from ingestion.bank.message import Message
from ingestion.control_totals import record_hash


def landed(message: Message) -> list[tuple]:
    """Day, currency, amount and share of the hash of every row and reject, in the order of the file."""
    rows = [
        (
            r["_record_no"],
            r["booking_date"] or r["value_date"],
            r["ccy_code"],
            r["amount"],
            record_hash(r["entry_reference"] or "", r["amount"]),
        )
        for r in message.entries
    ]
    refused = [r for r in message.rejected if r.table == "entries"]
    rows += [(r.record_no, r.event_date, r.ccy_code, r.amount, r.record_hash) for r in refused]
    return [row[1:] for row in sorted(rows, key=lambda row: row[0])]
