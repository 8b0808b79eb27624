"""Control totals of a pack on a path of their own: lines of the raw text, no YAML reader."""

import re

# An item's address starts its line, behind the dash, or stands inside braces; inside a longer text it is no field
_ADDRESS = re.compile(rb"""^[ \t]*(?:-[ \t]+)*["']?address["']?[ \t]*:(?=\s|$)""", re.MULTILINE)
_INLINE = re.compile(rb"""^[ \t]*-?[ \t]*\{[^\n]*?\baddress["']?[ \t]*:""", re.MULTILINE)
_LASTMOD = re.compile(rb"""\blastmod["']?[ \t]*:[ \t]*["']?(\d{4}-\d{2}-\d{2})""")


def tags(raw: bytes) -> int:
    """Tags in the pack: each has one address."""
    return len(_ADDRESS.findall(raw)) + len(_INLINE.findall(raw))


def newest_lastmod(raw: bytes) -> str | None:
    """The newest `lastmod` in header or tags (ISO day), as far as it is written as a date."""
    days = _LASTMOD.findall(raw)
    return max(days).decode() if days else None
