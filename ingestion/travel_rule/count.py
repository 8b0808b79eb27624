"""Control totals of travel-rule files on a path of their own: patterns over the bytes, no JSON reader.

Belongs here: counting. It knows the shape of the format and nothing of `parse`; all of it is linear in the file.
"""

import re
from itertools import pairwise

from ingestion import wire
from ingestion.control_totals import record_hash

_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[\]{},]', re.DOTALL)
_PERSON = re.compile(rb'"(?:natural|legal)_?person"\s*:\s*\{', re.IGNORECASE)
_ID = re.compile(rb'"message_?id"\s*:\s*("(?:[^"\\]|\\.)*")', re.IGNORECASE)
_EMPTY = re.compile(rb"\[\s*\]")


def messages(raw: bytes, is_lines: bool) -> list[bytes]:
    """The messages that a file holds: its lines, or the elements of its array, or all of it."""
    raw = raw.removeprefix(b"\xef\xbb\xbf")
    if is_lines:
        return [line for line in raw.split(b"\n") if line.strip()]
    body = raw.strip()
    if not body.startswith(b"["):
        return [body]
    if _EMPTY.fullmatch(body):
        return []
    depth, ends = 0, [0]
    for token in _TOKEN.finditer(body):
        match token.group():
            case b"[" | b"{":
                depth += 1
            case b"]" | b"}":
                depth -= 1
            case b"," if depth == 1:
                ends.append(token.end())
    return [body[start:end] for start, end in pairwise([*ends, len(body)])]


def share(message: bytes) -> int:
    """The share of the hash that a message, and each person in it, has: the message's id as the text has it."""
    found = _ID.search(message)
    return record_hash(wire.key(wire.document(found.group(1)) if found else None), None)


def digests(raw: bytes, is_lines: bool) -> dict[str, int]:
    """The hashes of the messages and persons of a file."""
    shares = [(share(message), persons(message)) for message in messages(raw, is_lines)]
    return {"messages": sum(one for one, _ in shares), "persons": sum(one * people for one, people in shares)}


def persons(raw: bytes) -> int:
    """How many natural and legal persons a text names."""
    return len(_PERSON.findall(raw))
