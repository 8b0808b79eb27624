"""Bank files that are lines of text (MT940, Nacha): from bytes nobody vouches for to lines, or a reason why not.

Belongs here: what makes such a file unusable before anything of its format is read.
"""

from ingestion.bank.message import UnusableFile

LONGEST_LINE = 4_000
"""Characters; both formats have short lines, so a longer one is no such file (or has lost its line ends)."""


def lines(raw: bytes, encoding: str, longest: int = LONGEST_LINE) -> list[str]:
    """The file's lines without their ends. Raises UnusableFile for an empty file, NUL bytes, bytes that are not of
    the encoding and lines that are too long."""
    if not raw.strip():
        raise UnusableFile("empty_file", "the file is empty")
    if b"\0" in raw:
        raise UnusableFile("invalid_text", f"byte {raw.index(0) + 1} is NUL: cut off in transit, UTF-16, or no text")
    try:
        text = raw.removeprefix(b"\xef\xbb\xbf").decode(encoding)
    except UnicodeDecodeError as error:
        raise UnusableFile(
            "invalid_text",
            f"byte {error.start + 1} is not {encoding}: set SOURCES__BANK__ENCODING to the bank's encoding",
        ) from None
    found = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    too_long = next((number for number, line in enumerate(found, 1) if len(line) > longest), None)
    if too_long:
        raise UnusableFile("line_too_long", f"line {too_long} has more than {longest:,} characters")
    return found
