"""The lists and the forms in which their publishers give them: which file is which, when it was published, how it is
counted and read."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path

from ingestion.watchlists import eu, ofac_advanced, ofac_csv, ofac_xml, opensanctions, uk, un
from ingestion.watchlists.model import Found
from ingestion.watchlists.xml import Counted, Rules, Walk, head
from ingestion.watchlists.xml import count as count_xml

Files = Mapping[str, Path]
_DATES = ("%Y-%m-%d", "%m/%d/%Y", "%d-%b-%Y", "%d/%m/%Y")


@dataclass(frozen=True)
class Format:
    """One form of a list. `patterns` are its file names, in lower case; `dated_by` reads from the beginning of a file
    what it says about the day or instant of its publication."""

    patterns: tuple[str, ...]
    count: Callable[[Files], Counted]
    parse: Callable[[Files], Iterator[Found]]
    dated_by: Callable[[Path], str | None] = lambda path: None


def _single(patterns: tuple[str, ...], count: Callable, parse: Callable, **more: Callable) -> Format:
    return Format(patterns, lambda files: count(_only(files)), lambda files: parse(_only(files)), **more)


def _only(files: Files) -> Path:
    (path,) = files.values()
    return path


def _xml(patterns: tuple[str, ...], rules: Rules, parse: Callable, *dates: str) -> Format:
    def dated_by(path: Path) -> str | None:
        stated = head(path, Walk(rules)).stated
        return next((stated[name] for name in dates if stated.get(name)), None)

    return _single(patterns, lambda path: count_xml(path, Walk(rules)), parse, dated_by=dated_by)


def _issued(path: Path) -> str | None:
    stated = head(path, ofac_advanced.AdvancedWalk()).stated
    parts = [stated.get(name, "") for name in ("Year", "Month", "Day")]
    return "-".join([parts[0], parts[1].zfill(2), parts[2].zfill(2)]) if all(parts) else None


FORMATS = {
    "ofac_csv": Format((*ofac_csv.FILES.values(), ofac_csv.COMMENTS), ofac_csv.count, ofac_csv.parse),
    "ofac_advanced_xml": _single(
        ("*sdn_advanced*.xml",),
        lambda path: count_xml(path, ofac_advanced.AdvancedWalk()),
        ofac_advanced.parse,
        dated_by=_issued,
    ),
    "ofac_xml": _xml(("*sdn*.xml",), ofac_xml.RULES, ofac_xml.parse, "Publish_Date"),
    "un_xml": _xml(("*.xml",), un.RULES, un.parse, "dateGenerated"),
    "eu_xml": _xml(("*.xml", "content"), eu.RULES, eu.parse, "generationDate"),
    "uk_xml": _xml(("*.xml",), uk.RULES, uk.parse_xml, "DateGenerated", "dateGenerated"),
    "uk_csv": _single(("*.csv",), uk.count_csv, uk.parse_csv, dated_by=uk.report_date),
    "ftm": _single(
        ("*entities.ftm.json",),
        partial(opensanctions.count, is_delta=False),
        partial(opensanctions.parse, is_delta=False),
    ),
    "ftm_delta": _single(
        ("*entities.delta.json",),
        partial(opensanctions.count, is_delta=True),
        partial(opensanctions.parse, is_delta=True),
    ),
}
LISTS = {
    "ofac_sdn": ("ofac_csv", "ofac_advanced_xml", "ofac_xml"),
    "un_sc": ("un_xml",),
    "eu_fsf": ("eu_xml",),
    "uk_sl": ("uk_xml", "uk_csv"),
    "opensanctions": ("ftm", "ftm_delta"),
}


def format_of(list_code: str, name: str) -> str | None:
    """The form of a list that a file of this name is, or None."""
    name = name.lower().rpartition("/")[2]
    return next(
        (code for code in LISTS[list_code] if any(fnmatchcase(name, pattern) for pattern in FORMATS[code].patterns)),
        None,
    )


def instant(text: str | None) -> datetime | None:
    """A document's own word about its publication as naive UTC, None where it cannot be read; a date alone is its
    midnight."""
    text = (text or "").strip()
    if not text:
        return None
    if re.match(r"\d{4}-\d{2}-\d{2}T", text):
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            return None
        return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
    for pattern in _DATES:
        try:
            return datetime.strptime(text, pattern)
        except ValueError:
            continue
    return None
