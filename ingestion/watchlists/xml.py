"""XML of a list, from files nobody vouches for: an independent count first, then one entry after another.

The count reads the whole file with expat, refuses what is not a complete document without declarations, and so is also
the guard of the parser proper (lxml), which never sees a file that expat has not read to its end.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from xml.parsers import expat

from lxml import etree

from ingestion.watchlists.mentions import LABEL, unlabelled
from ingestion.watchlists.model import UnusablePublication, share

LARGEST_RECORD = 4 << 20
"""Bytes between the ends of two records; an element is held whole, and takes many times its size."""
DEEPEST = 100
"""Elements within each other; the parser proper stops at 256 in a document it does not trust."""
_PIECE = 1 << 18
_ENCODINGS = {"utf-8", "utf-16", "utf-16le", "utf-16be", "iso-8859-1", "us-ascii"}


@dataclass(frozen=True)
class Rules:
    """What to count in a document with the root element `root`. `tables` maps a table to elements, as `tag` or
    `parent/tag`; an element counts that holds any text or attribute. Of the elements in `first_is_primary` the first of
    each entry is its primary name and not counted. `prose` are elements whose text may mention addresses, `labelled`
    those that are one mention where they begin with OFAC's label. `stated` are elements whose text the caller wants.
    `entry_id` is where an entry has its id: `parent/tag`, or `@attribute`; of several the first that says something."""

    root: str
    tables: Mapping[str, tuple[str, ...]]
    entry_id: tuple[str, ...]
    first_is_primary: tuple[str, ...] = ()
    prose: tuple[str, ...] = ()
    labelled: tuple[str, ...] = ()
    stated: tuple[str, ...] = ()


@dataclass
class Counted:
    """Records and record hashes by table, what the document says about itself (attributes of the root and stated
    elements), and the names of all of its elements and, as `@name`, attributes."""

    totals: Counter[str] = field(default_factory=Counter)
    digests: Counter[str] = field(default_factory=Counter)
    stated: dict[str, str] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)

    def add(self, table: str, entry_id: str, times: int = 1) -> None:
        """Counts so many records of an entry."""
        self.totals[table] += times
        self.digests[table] += times * share(entry_id)


class Walk:
    """The expat handlers that count by rules. Subclass it for a format whose tables depend on more than names.
    `records` are the elements that the parser asks `elements` for; by default those that are entries."""

    def __init__(self, rules: Rules, records: Iterable[str] = ()) -> None:
        self.rules, self.counted = rules, Counted()
        self.records = frozenset(records or (path.rpartition("/")[2] for path in rules.tables["entries"]))
        self.stack: list[list] = []  # [tag, whether it holds something, its text where wanted]
        self._by_path = {path: table for table, paths in rules.tables.items() for path in paths}
        self._wanted = {*rules.prose, *rules.labelled, *rules.stated}
        self._wanted |= {path.rpartition("/")[2] for path in rules.entry_id if not path.startswith("@")}
        self._entries = frozenset(path.rpartition("/")[2] for path in rules.tables["entries"])
        self._names = 0
        self._found: Counter[str] = Counter()
        self.entry_id = ""

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        tag = local(tag)
        self.counted.names.add(tag)
        self.counted.names.update(f"@{local(name)}" for name in attributes)
        if not self.stack:
            if tag != self.rules.root:
                raise UnusablePublication(f"the document element is {tag!r} instead of {self.rules.root!r}")
            self.counted.stated |= {local(name): value for name, value in attributes.items()}
        if len(self.stack) == DEEPEST:
            raise UnusablePublication(f"its elements are nested more than {DEEPEST} levels deep")
        if tag in self._entries:
            named = {f"@{local(name)}": value.strip() for name, value in attributes.items()}
            self.entry_id = next((named[name] for name in self.rules.entry_id if named.get(name)), "")
        holds = any(value.strip() for value in attributes.values())
        self.stack.append([tag, holds, [] if tag in self._wanted else None])

    def text(self, data: str) -> None:
        top = self.stack[-1]
        top[1] = top[1] or not data.isspace()
        if top[2] is not None:
            top[2].append(data)

    def end(self, tag: str) -> None:
        tag, holds, text = self.stack.pop()
        parent = self.stack[-1] if self.stack else None
        if text is not None:
            said = "".join(text).strip()
            if parent and not self.entry_id and f"{parent[0]}/{tag}" in self.rules.entry_id:
                self.entry_id = said
            self._said(tag, said)
        if not holds or parent is None:
            return
        parent[1] = True
        path = f"{parent[0]}/{tag}"
        if path in self.rules.first_is_primary:
            self._names += 1
        table = self._by_path.get(path) or self._by_path.get(tag)
        if table:
            self.found(table, tag)
        if table == "entries":
            self.found("names", tag, max(self._names - 1, 0))
            self._names = 0
            self.finish()
            self.entry_id = ""

    def found(self, table: str, tag: str, times: int = 1) -> None:
        """Takes so many records of a table for the entry that is being read: its id may come behind them."""
        self._found[table] += times

    def finish(self) -> None:
        """Counts what was found since the entry before."""
        for table, times in self._found.items():
            self.counted.add(table, self.entry_id, times)
        self._found.clear()

    def _said(self, tag: str, text: str) -> None:
        if tag in self.rules.prose:
            self.found("digital_currency_addresses", tag, sum(1 for _ in unlabelled(text)))
        if tag in self.rules.labelled:
            self.found("digital_currency_addresses", tag, int(text.startswith(LABEL)))
        if tag in self.rules.stated:
            self.counted.stated.setdefault(tag, text)


class _Reader:
    """Expat with the handlers of a walk, in bounded memory."""

    def __init__(self, walk: Walk) -> None:
        self._walk, self._fed, self._record_ended = walk, 0, 0
        self._parser = parser = expat.ParserCreate(namespace_separator="}")
        parser.buffer_text = True
        parser.StartElementHandler, parser.EndElementHandler = walk.start, self._end
        parser.CharacterDataHandler = walk.text
        parser.XmlDeclHandler, parser.StartDoctypeDeclHandler = self._declared, self._refused

    def feed(self, piece: bytes, is_last: bool) -> None:
        self._parser.Parse(piece, is_last)
        self._fed += len(piece)
        if self._fed - self._record_ended > LARGEST_RECORD + _PIECE:
            raise UnusablePublication(f"more than {LARGEST_RECORD >> 20} MB of it are one record, or none")

    def _end(self, tag: str) -> None:
        self._walk.end(tag)
        if local(tag) in self._walk.records:
            self._record_ended = self._parser.CurrentByteIndex

    @staticmethod
    def _declared(_version: str, encoding: str | None, _standalone: int) -> None:
        if encoding and encoding.lower() not in _ENCODINGS:
            raise UnusablePublication(f"its encoding is {encoding}: lists are UTF-8")

    @staticmethod
    def _refused(name: str, *_: object) -> None:
        raise UnusablePublication(f"it declares a document type ({name!r}), which no list has")


def count(path: Path, walk: Walk) -> Counted:
    """Reads the file to its end, in memory for a piece of it. Raises UnusablePublication for what is empty, cut off, no
    XML, of another kind, has a record that must not be held in memory, or has a document type declaration: no list has
    one, and what is declared there is how a small file becomes a huge one or reads a local file."""
    reader = _Reader(walk)
    try:
        with path.open("rb") as stream:
            while piece := stream.read(_PIECE):
                reader.feed(piece, False)
        reader.feed(b"", True)
    except expat.ExpatError as error:
        raise UnusablePublication(f"it is not a complete XML document ({error}), it may be cut off") from None
    except (LookupError, UnicodeError, ValueError) as error:
        if isinstance(error, UnusablePublication):
            raise
        raise UnusablePublication(f"it cannot be read as XML ({error})") from None
    walk.finish()
    return walk.counted


def head(path: Path, walk: Walk) -> Counted:
    """What the document says about itself in its first 256 KB; of a file that ends there, or is no XML, whatever it
    says. Raises UnusablePublication for another kind of document and for a document type declaration."""
    with path.open("rb") as stream:
        try:
            _Reader(walk).feed(stream.read(_PIECE), False)
        except UnusablePublication:
            raise
        except (expat.ExpatError, LookupError, ValueError):
            pass
    return walk.counted


def elements(path: Path, *tags: str) -> Iterator[etree._Element]:
    """The outermost elements of these names, without namespaces, one after another; each is forgotten when the next is
    asked for, so that memory does not grow with the file. Only for files that `count` has read."""
    events = etree.iterparse(
        str(path), events=("end",), tag=[f"{{*}}{tag}" for tag in tags], resolve_entities=False, no_network=True,
        load_dtd=False, remove_comments=True, remove_pis=True, huge_tree=True,  # `count` has set narrower bounds
    )  # fmt: skip
    for _, element in events:
        if any(local(above.tag) in tags for above in element.iterancestors()):
            continue
        for one in element.iter():
            one.tag = local(one.tag)
        yield element
        element.clear()
        for one in (element, *element.iterancestors()):
            while one.getprevious() is not None:
                del one.getparent()[0]


def local(tag: str) -> str:
    """The name without namespace or prefix."""
    return tag.rpartition("}")[2].rpartition(":")[2]


def holds(element: etree._Element) -> bool:
    """Whether the element holds any text or attribute, as the count sees it."""
    return any(
        (one.text and one.text.strip())
        or (one is not element and one.tail and one.tail.strip())
        or any(value.strip() for value in one.attrib.values())
        for one in element.iter()
    )


def say(element: etree._Element, path: str) -> str | None:
    """The text at the path, without white space around it; None where there is none."""
    return (element.findtext(path) or "").strip() or None


def record(element: etree._Element) -> str:
    """The element as text, without layout and unused namespaces."""
    for one in element.iter():
        if one.text and not one.text.strip():
            one.text = None
        if one.tail and not one.tail.strip():
            one.tail = None
    etree.cleanup_namespaces(element)
    return etree.tostring(element, encoding="unicode", with_tail=False)


def every(element: etree._Element, *tags: str) -> Iterable[etree._Element]:
    """The elements below of these names that hold something, in document order."""
    return (one for one in element.iter(*tags) if one is not element and holds(one))
