"""Control totals of a pack on a path of their own: lines of the raw text, no YAML reader."""

import re

from ingestion.control_totals import record_hash

# An item's address starts its line, behind the dash, or stands inside braces; inside a longer text it is no field
_ADDRESS = re.compile(rb"""^[ \t]*(?:-[ \t]+)*["']?address["']?[ \t]*:(?=\s|$)([^\n]*)""", re.MULTILINE)
_INLINE = re.compile(rb"""^[ \t]*-?[ \t]*\{[^\n]*?\baddress["']?[ \t]*:([^\n]*)""", re.MULTILINE)
# A value on its line, in quotes without escapes or without quotes; what else YAML allows is not read here
_SCALAR = rb"""[ \t]*(?:"([^"\\]*)"|'([^']*)'|([\w:./~+-]*))"""
_VALUE = re.compile(_SCALAR + rb"(?:[ \t]+#.*)?[ \t]*\r?")
_INLINE_VALUE = re.compile(_SCALAR + rb"[ \t]*[,}].*")
_LASTMOD = re.compile(rb"""\blastmod["']?[ \t]*:[ \t]*["']?(\d{4}-\d{2}-\d{2})""")


def tags(raw: bytes) -> list[str | None]:
    """The addresses of the tags in the pack, of which each has one; None for one that is written so that only a YAML
    reader knows it."""
    block = [_value(_VALUE.fullmatch(rest)) for rest in _ADDRESS.findall(raw)]
    return block + [_value(_INLINE_VALUE.match(rest)) for rest in _INLINE.findall(raw)]


def _value(found: re.Match | None) -> str | None:
    if found is None:
        return None
    text = next((one for one in found.groups() if one is not None), b"")
    return text.decode("utf-8", "backslashreplace").strip()


def digest(addresses: list[str | None]) -> int | None:
    """The hash of tags of these addresses; None where one of them is not known."""
    return None if None in addresses else sum(record_hash(address, None) for address in addresses)


def newest_lastmod(raw: bytes) -> str | None:
    """The newest `lastmod` in header or tags (ISO day), as far as it is written as a date."""
    days = _LASTMOD.findall(raw)
    return max(days).decode() if days else None
