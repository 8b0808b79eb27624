"""Bank files that are lines of text (MT940, Nacha): from bytes nobody vouches for to lines, or a reason why not.

Belongs here: what makes such a file unusable before anything of its format is read.
"""

import re

from ingestion.bank.message import UnusableFile

LONGEST_LINE = 4_000
"""Bytes; both formats have short lines, so a longer one is no such file (or has lost its line ends)."""
_TOO_LONG = re.compile(rb"[^\r\n]{%d}" % (LONGEST_LINE + 1))


def lines(raw: bytes, encoding: str) -> list[str]:
    """The file's lines without their ends. Raises UnusableFile for an empty file, NUL bytes, bytes that are not of
    the encoding and, in a file that has lines at all, one that is too long."""
    if not raw.strip():
        raise UnusableFile("empty_file", "the file is empty")
    if b"\0" in raw:
        raise UnusableFile("invalid_text", f"byte {raw.index(0) + 1} is NUL: cut off in transit, UTF-16, or no text")
    if _TOO_LONG.search(raw) and (b"\n" in raw or b"\r" in raw):  # looked for before anything is copied
        raise UnusableFile("line_too_long", f"a line has more than {LONGEST_LINE:,} bytes")
    try:
        text = raw.removeprefix(b"\xef\xbb\xbf").decode(encoding)
    except UnicodeDecodeError as error:
        raise UnusableFile(
            "invalid_text",
            f"byte {error.start + 1} is not {encoding}: set SOURCES__BANK__ENCODING to the bank's encoding",
        ) from None
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
