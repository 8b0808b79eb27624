"""Control totals of travel-rule files on a path of their own: patterns over the bytes, no JSON reader.

Belongs here: counting. It knows the shape of the format and nothing of `parse`; all of it is linear in the file.
"""

import re

_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[\]{},]', re.DOTALL)
_PERSON = re.compile(rb'"(?:natural|legal)_?person"\s*:\s*\{', re.IGNORECASE)
_LINE = re.compile(rb"^[ \t\r]*[^\s]", re.MULTILINE)
_EMPTY = re.compile(rb"\[\s*\]")


def messages(raw: bytes, is_lines: bool) -> int:
    """How many messages a file holds: its lines, or the elements of its array, or one."""
    raw = raw.removeprefix(b"\xef\xbb\xbf")
    if is_lines:
        return len(_LINE.findall(raw))
    body = raw.strip()
    if not body.startswith(b"["):
        return 1
    depth, commas = 0, 0
    for token in _TOKEN.finditer(body):
        match token.group():
            case b"[" | b"{":
                depth += 1
            case b"]" | b"}":
                depth -= 1
            case b"," if depth == 1:
                commas += 1
    return 0 if _EMPTY.fullmatch(body) else commas + 1


def persons(raw: bytes) -> int:
    """How many natural and legal persons a text names."""
    return len(_PERSON.findall(raw))
