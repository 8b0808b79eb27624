"""Bank messages as element trees without namespaces, from files nobody vouches for.

Belongs here: what makes a file unusable as a whole, and the small lookups the readers share.
"""

import xml.etree.ElementTree as ET
from contextlib import suppress
from datetime import UTC, datetime
from xml.parsers import expat

from ingestion.bank.message import UnusableFile

# The message types, with the element that holds the message and the one that is a statement in it.
_MESSAGES = {"camt.053": ("BkToCstmrStmt", "Stmt"), "camt.054": ("BkToCstmrDbtCdtNtfctn", "Ntfctn")}


class _DocumentElementReached(Exception):
    pass


def read(raw: bytes) -> tuple[str, str, ET.Element, list[ET.Element]]:
    """The message type, its version ("02" to "08"; "" where the namespace does not say), the element that holds the
    message and its statements or notifications. Tags come without their namespace, because versions and banks differ in
    it and in nothing else that matters here.

    Raises UnusableFile for what is not a well-formed camt.053 or camt.054 document. A document type declaration is
    refused before anything in it is read: no bank message has one, and entities declared there are how a small file
    becomes a huge one or reads a local file. (Not lxml: its lookups from Python take twice the time for the same
    answer.)"""
    if not raw.strip():
        raise UnusableFile("empty_file", "the file is empty")
    try:
        namespace = _document_namespace(raw)
        root = ET.fromstring(_without_default_namespace(raw, namespace))
    except UnusableFile:
        raise
    except (ET.ParseError, expat.ExpatError) as error:
        raise UnusableFile("not_xml", f"not well-formed XML: {error}") from None
    except (ValueError, LookupError) as error:
        raise UnusableFile("not_xml", f"cannot be read as XML: {error}") from None
    if root.tag.startswith("{"):
        for element in root.iter():
            element.tag = element.tag.rpartition("}")[2]
    for type_code, (holder, statement) in _MESSAGES.items():
        message = root.find(holder)
        if message is not None:
            version = namespace.rpartition(".")[2] if f":{type_code}." in namespace else ""
            return type_code, version, message, message.findall(statement)
    raise UnusableFile("not_camt", f"neither camt.053 nor camt.054: {_what(root, namespace)}")


def _document_namespace(raw: bytes) -> str:
    """The namespace of the document element, reading no further than its start tag."""
    found = []

    def refuse(*_: object) -> None:
        raise UnusableFile("document_type", "the file declares a document type (DTD), which a camt message never does")

    def stop(name: str, _: dict) -> None:
        found.append(name.rpartition("}")[0])
        raise _DocumentElementReached

    parser = expat.ParserCreate(namespace_separator="}")
    parser.StartDoctypeDeclHandler = refuse
    parser.StartElementHandler = stop
    with suppress(_DocumentElementReached):
        parser.Parse(raw, True)
    return found[0] if found else ""


def _without_default_namespace(raw: bytes, namespace: str) -> bytes:
    """Leaves the declaration out where that is one replacement, which spares renaming every element afterwards."""
    for quote in (b'"', b"'"):
        declaration = b" xmlns=" + quote + namespace.encode() + quote
        if raw.count(declaration, 0, 4096) == 1 and raw.count(b"xmlns=") == 1:
            return raw.replace(declaration, b"", 1)
    return raw


def _what(root: ET.Element, namespace: str) -> str:
    inner = root[0].tag if len(root) else "nothing"
    if ":xsd:" in namespace:
        return f"the document is {namespace.rpartition(':xsd:')[2]} ({inner})"
    return f"the document element is {root.tag} and holds {inner}"


def text(node: ET.Element | None, *path: str) -> str | None:
    """The stripped text at the end of the path of first children; None where it is missing or empty."""
    if node is None:
        return None
    for name in path:
        node = node.find(name)
        if node is None:
            return None
    found = node.text
    return found.strip() or None if found else None


def descend(node: ET.Element | None, *path: str) -> ET.Element | None:
    for name in path:
        if node is None:
            return None
        node = node.find(name)
    return node


def account_id(account: ET.Element | None) -> str | None:
    return text(account, "Id", "IBAN") or text(account, "Id", "Othr", "Id")


def instant(value: str) -> datetime:
    """An ISO 8601 date and time as naive UTC; one without an offset is taken as UTC. Raises ValueError."""
    moment = datetime.fromisoformat(value)
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment


def instant_or_none(value: str | None) -> datetime | None:
    try:
        return None if value is None else instant(value)
    except ValueError:
        return None


def source_text(node: ET.Element) -> str:
    """The element as XML, without namespaces, for a reject."""
    try:
        return ET.tostring(node, encoding="unicode").strip()
    except RecursionError:
        return f"<{node.tag}> nested too deep to be shown"
