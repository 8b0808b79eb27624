"""Control totals of a publication on a path of their own: lines and patterns over the raw bytes, no CSV reader."""

from collections.abc import Mapping

from ingestion.ofac.parse import COMMENTS, FILES


def count(files: Mapping[str, bytes]) -> dict[str, int]:
    """Records by table. An overflow without an entry counts with the entries; digital-currency addresses are the
    mentions in remarks after every overflow is put behind its entry's line."""
    totals = {table: lines(files[name]) for table, name in FILES.items()}
    entries = files["sdn.csv"]
    spliced, orphans = splice(entries, files.get(COMMENTS, b""))
    totals["sdn_entries"] += orphans
    totals["digital_currency_addresses"] = spliced.count(b"Digital Currency Address - ")
    return totals


def lines(raw: bytes) -> int:
    """Lines that hold something, not counting line ends inside quotes and the end-of-file mark."""
    outside = b"q".join(raw.rstrip(b"\x1a").split(b'"')[::2])
    return sum(1 for line in outside.splitlines() if line.strip(b"\x1a"))


def splice(entries: bytes, comments: bytes) -> tuple[bytes, int]:
    """sdn.csv with the overflow of each entry directly behind it, and the number of overflows no entry belongs to."""
    overflows: dict[bytes, list[bytes]] = {}
    for line in comments.rstrip(b"\x1a").splitlines():
        number, comma, text = line.partition(b",")
        if comma:
            overflows.setdefault(number.strip(), []).append(text.strip().removeprefix(b'"').removesuffix(b'"'))
    parts = []
    for line in entries.splitlines():
        pieces = overflows.pop(line.partition(b",")[0].strip(), [])
        parts.append(line.rstrip().removesuffix(b'"') + b"".join(pieces) if pieces else line)
    return b"\n".join(parts), sum(len(pieces) for pieces in overflows.values())
