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
    """sdn.csv with the overflow of each line directly behind it, and the number of overflows no line belongs to."""
    by_number: dict[bytes, bytes] = {}
    for line in comments.rstrip(b"\x1a").splitlines():
        number, comma, text = line.partition(b",")
        if comma:
            by_number[number.strip()] = by_number.get(number.strip(), b"") + text.strip().removeprefix(
                b'"'
            ).removesuffix(b'"')
    found = set()
    parts = []
    for line in entries.splitlines():
        number = line.partition(b",")[0].strip()
        if number in by_number:
            found.add(number)
            line = line.rstrip().removesuffix(b'"') + by_number[number]
        parts.append(line)
    return b"\n".join(parts), len(by_number) - len(found)
