"""Birth dates as publishers write them: whole, partial, about, between. Nothing is guessed: the text stays, beside how
much of a date it gives and whether such a date can be."""

import re
from datetime import date

_MONTHS = {
    name: number
    for number, names in enumerate(
        ("jan january", "feb february", "mar march", "apr april", "may", "jun june", "jul july", "aug august",
         "sep sept september", "oct october", "nov november", "dec december"), 1)
    for name in names.split()
}  # fmt: skip
_ISO = re.compile(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?(?:[T ]00:00:00(?:\.0+)?Z?)?")
_BRITISH = re.compile(r"(\d{1,2}|dd)/(\d{1,2}|mm)/(\d{4}|yyyy)", re.I)
_WORDS = re.compile(r"(?:(\d{1,2})\s+)?(?:([A-Za-z]{3,9})\.?\s+)?(\d{4})")
_ABOUT = re.compile(r"^(circa|approximately|approx\.?|about|c\.)\s+", re.I)
_BETWEEN = re.compile(r"\s+(?:to|and)\s+|\s*(?<=\d{4})[-\u2013](?=\d{4})")


def precision(text: str | None) -> tuple[str | None, str | None]:
    """How much of a date the text gives ('day', 'month', 'year', 'range', 'about'; None for nothing), and why it
    cannot be a date ('no_value', 'not_a_date', 'impossible_date'; None where it can)."""
    text = (text or "").strip()
    if not text:
        return None, "no_value"
    if about := _ABOUT.match(text):
        _, problem = precision(text[about.end() :])
        return "about", problem
    ends = [part for part in _BETWEEN.split(re.sub(r"^between\s+", "", text, flags=re.I)) if part]
    if len(ends) == 2:
        return "range", next((problem for _, problem in map(precision, ends) if problem), None)
    parts = _parts(text)
    if parts is None:
        return None, "not_a_date"
    year, month, day = parts
    found = "day" if day and month else "month" if month else "year"
    if not year:
        return None, "not_a_date"
    try:
        date(year, month or 1, day or 1)
    except ValueError:
        return found, "impossible_date"
    return found, None


def _parts(text: str) -> tuple[int, int, int] | None:
    """Year, month, day; 0 where the text leaves it open."""
    if match := _ISO.fullmatch(text):
        return tuple(int(part or 0) for part in match.groups())
    if match := _BRITISH.fullmatch(text):
        day, month, year = (int(part) if part.isdecimal() else 0 for part in match.groups())
        return year, month, day
    if match := _WORDS.fullmatch(text):
        day, word, year = match.groups()
        month = _MONTHS.get(word.lower()) if word else 0
        if month is None or (day and not word):
            return None
        return int(year), month, int(day or 0)
    return None
