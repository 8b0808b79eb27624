"""The invented watchlist of a sandbox world as entries, read from the publications the world wrote."""

import csv
import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

NULL = "-0-"
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass
class ListEntry:
    """One designated person, entity or vessel. `addresses` are (OFAC asset code, address); `born` is (year, month,
    day) or None."""

    number: int
    name: str
    kind: str  # individual | entity | vessel
    program: str
    remarks: str
    aliases: list[tuple[str, str]] = field(default_factory=list)
    places: list[tuple[str, str, str, str]] = field(default_factory=list)

    @property
    def addresses(self) -> list[tuple[str, str]]:
        return re.findall(r"Digital Currency Address - (\w+) ([0-9A-Za-z]+)", self.remarks)

    @property
    def born(self) -> tuple[int, int, int] | None:
        found = re.search(r"DOB (\d+) (\w{3}) (\d{4})", self.remarks)
        return (int(found[3]), MONTHS.index(found[2]) + 1, int(found[1])) if found else None

    @property
    def names(self) -> tuple[str, str]:
        """Last and first name; the first is empty for who is no individual."""
        last, _, first = self.name.partition(", ") if self.kind == "individual" else (self.name, "", "")
        return last, first

    @property
    def prose(self) -> str:
        """What a list without fields for addresses says of them in its remarks."""
        return "; ".join(f"Digital wallet: {address}" for _, address in self.addresses)


@dataclass(frozen=True)
class Edition:
    """One publication of the world's list and when it was published (UTC)."""

    published_at: datetime
    folder: Path

    @property
    def version(self) -> str:
        return f"{self.published_at:%Y%m%d%H%M%S}-sbx"


def editions(world_dir: Path) -> list[Edition]:
    """The publications below `<world>/landing/ofac`, oldest first. Folder names are dates (`2026-01-01`, `2026-01`)."""
    folders = sorted({path.parent for path in Path(world_dir).glob("landing/ofac/*/sdn.csv")})
    return [Edition(published_at(folder), folder) for folder in folders]


def published_at(folder: Path) -> datetime:
    """When a publication was published: its manifest's word, else the date that is the folder's name (UTC)."""
    manifest = folder / "_manifest.json"
    if manifest.is_file():
        delivered_at = json.loads(manifest.read_text(encoding="utf-8")).get("delivered_at")
        if delivered_at:
            moment = datetime.fromisoformat(delivered_at).replace(microsecond=0)
            return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    year, month, *day = (int(part) for part in re.findall(r"\d+", folder.name)[:3])
    return datetime(year, month, *(day or [1]), tzinfo=UTC)


def entries(folder: Path) -> list[ListEntry]:
    """The entries of one publication, each with its aliases, places and whole remarks."""
    overflow = {line[0]: line[1] for line in _lines(folder / "sdn_comments.csv") if len(line) == 2}
    found = {}
    for line in _lines(folder / "sdn.csv"):
        if len(line) == 12:
            number, name, kind, program, *_, remarks = line
            remarks = " ".join(part for part in (remarks, overflow.get(number, "")) if part)
            found[number] = ListEntry(int(number), name, kind or "entity", program, remarks)
    for number, alias_no, _, alias, _ in _lines(folder / "alt.csv"):
        found[number].aliases.append((alias_no, alias))
    for number, place_no, street, city, country, _ in _lines(folder / "add.csv"):
        found[number].places.append((place_no, street, city, country))
    return list(found.values())


def _lines(path: Path) -> list[list[str]]:
    if not path.is_file():
        return []
    with path.open(encoding="latin-1", newline="") as stream:
        return [["" if text.strip() == NULL else text for text in line] for line in csv.reader(stream) if line]
