"""XML of a list, from files nobody vouches for: an independent count first, then one entry after another.

The count reads the whole file with expat, refuses what is not a complete document without declarations, and so is also
the guard of the parser proper (lxml), which never sees a file that expat has not read to its end.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from xml.parsers import expat

from lxml import etree

from ingestion.watchlists.mentions import LABEL, unlabelled
from ingestion.watchlists.model import UnusablePublication


@dataclass(frozen=True)
class Rules:
    """What to count in a document with the root element `root`. `tables` maps a table to elements, as `tag` or
    `parent/tag`; an element counts that holds any text or attribute. Of the elements in `first_is_primary` the first of
    each entry is its primary name and not counted. `prose` are elements whose text may mention addresses, `labelled`
    those that are one mention where they begin with OFAC's label. `stated` are elements whose text the caller wants."""

    root: str
    tables: Mapping[str, tuple[str, ...]]
    first_is_primary: tuple[str, ...] = ()
    prose: tuple[str, ...] = ()
    labelled: tuple[str, ...] = ()
    stated: tuple[str, ...] = ()


@dataclass
class Counted:
    """Records by table, and what the document says about itself: attributes of the root and stated elements."""

    totals: Counter[str] = field(default_factory=Counter)
    stated: dict[str, str] = field(default_factory=dict)


class Walk:
    """The expat handlers that count by rules. Subclass it for a format whose tables depend on more than names."""

    def __init__(self, rules: Rules) -> None:
        self.rules, self.counted = rules, Counted()
        self.stack: list[list] = []  # [tag, whether it holds something, its text where wanted]
        self._by_path = {path: table for table, paths in rules.tables.items() for path in paths}
        self._wanted = {*rules.prose, *rules.labelled, *rules.stated}
        self._names = 0

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        tag = local(tag)
        if not self.stack:
            if tag != self.rules.root:
                raise UnusablePublication(f"the document element is {tag!r} instead of {self.rules.root!r}")
            self.counted.stated |= {local(name): value for name, value in attributes.items()}
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
            self._said(tag, "".join(text).strip())
        if not holds or parent is None:
            return
        parent[1] = True
        path = f"{parent[0]}/{tag}"
        if path in self.rules.first_is_primary:
            self._names += 1
        table = self._by_path.get(path) or self._by_path.get(tag)
        if table:
            self.counted.totals[table] += 1
        if table == "entries":
            self.counted.totals["names"] += max(self._names - 1, 0)
            self._names = 0

    def _said(self, tag: str, text: str) -> None:
        if tag in self.rules.prose:
            self.counted.totals["digital_currency_addresses"] += sum(1 for _ in unlabelled(text))
        if tag in self.rules.labelled:
            self.counted.totals["digital_currency_addresses"] += text.startswith(LABEL)
        if tag in self.rules.stated:
            self.counted.stated.setdefault(tag, text)


def _parser(walk: Walk) -> expat.XMLParserType:
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler = walk.start, walk.end
    parser.CharacterDataHandler = walk.text

    def refuse(name: str, *_: object) -> None:
        raise UnusablePublication(f"it declares a document type ({name!r}), which no list has")

    parser.StartDoctypeDeclHandler = refuse
    return parser


def count(path: Path, walk: Walk) -> Counted:
    """Reads the file to its end. Raises UnusablePublication for what is empty, cut off, no XML, of another kind, or
    has a document type declaration: no list has one, and what is declared there is how a small file becomes a huge one
    or reads a local file."""
    parser = _parser(walk)
    try:
        with path.open("rb") as stream:
            parser.ParseFile(stream)
    except expat.ExpatError as error:
        raise UnusablePublication(f"it is not a complete XML document ({error}), it may be cut off") from None
    except (LookupError, UnicodeError, ValueError) as error:
        if isinstance(error, UnusablePublication):
            raise
        raise UnusablePublication(f"it cannot be read as XML ({error})") from None
    return walk.counted


def head(path: Path, walk: Walk) -> Counted:
    """What the document says about itself in its first 256 KB; of a file that ends there, whatever it says. Raises
    UnusablePublication for another kind of document and for a document type declaration."""
    parser = _parser(walk)
    with path.open("rb") as stream, suppress(expat.ExpatError):
        parser.Parse(stream.read(1 << 18), False)
    return walk.counted


def elements(path: Path, *tags: str) -> Iterator[etree._Element]:
    """The outermost elements of these names, without namespaces, one after another; each is forgotten when the next is
    asked for, so that memory does not grow with the file. Only for files that `count` has read."""
    events = etree.iterparse(
        str(path), events=("end",), tag=[f"{{*}}{tag}" for tag in tags], resolve_entities=False, no_network=True,
        load_dtd=False, remove_comments=True, remove_pis=True, huge_tree=True,
    )  # fmt: skip
    for _, element in events:
        if any(local(above.tag) in tags for above in element.iterancestors()):
            continue
        for one in element.iter():
            one.tag = local(one.tag)
        yield element
        element.clear()
        while element.getprevious() is not None:
            del element.getparent()[0]


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
