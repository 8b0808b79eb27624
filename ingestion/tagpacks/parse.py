"""GraphSense TagPacks: one YAML file of attribution tags whose header fields every tag inherits.

Belongs here: reading one pack, a pure function of its bytes.
"""

import hashlib
import json
import re
from dataclasses import dataclass, field
from datetime import date

import pyarrow as pa
import yaml

from ingestion import bounded

TAGS = pa.schema(
    [
        pa.field("tag_id", pa.string(), nullable=False),
        pa.field("pack_uri", pa.string(), nullable=False),
        pa.field("address", pa.string(), nullable=False),
        pa.field("currency_code", pa.string(), nullable=False),
        pa.field("network_code", pa.string(), nullable=False),
        pa.field("label", pa.string(), nullable=False),
        *(
            pa.field(name, pa.string())
            for name in ("source", "category_code", "abuse_code", "confidence_code", "actor_id")
        ),
        pa.field("is_cluster_definer", pa.bool_()),
        pa.field("lastmod", pa.date32()),
        pa.field("creator", pa.string()),
        pa.field("other_fields", pa.string()),
    ]
)
_FIELDS = {  # column -> the pack's own name for it
    "source": "source",
    "category_code": "category",
    "abuse_code": "abuse",
    "confidence_code": "confidence",
    "actor_id": "actor",
    "creator": "creator",
}
_UNREAD = {"title", "description", "is_public", "uri", "baseURI", "context", "concepts", "tx_hash", "tags", "asset"}
_UNREAD |= {"tag_type", "tag_subject", "ontology", "lastmod_by"}
"""Fields that packs have and no column is for."""
_READ = {*_FIELDS.values(), "address", "label", "currency", "network", "is_cluster_definer", "lastmod"}
_BOOLEANS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
# Without a bracket every level of nesting costs a character of indentation or a mark at the beginning of a line.
_INDENTED = re.compile(rb"^[ \t?:-]{%d}" % bounded.DEEPEST, re.MULTILINE)
_DAY = re.compile(r"(\d{4}-\d{2}-\d{2})(?:[T ].*)?")


class UnusablePack(ValueError):
    """The whole pack cannot be used; `code` is the reject's reason code, the message its reason."""

    def __init__(self, code: str, reason: str):
        super().__init__(reason)
        self.code = code


class _UnusableTag(ValueError):
    def __init__(self, code: str, reason: str):
        super().__init__(reason)
        self.code = code


@dataclass
class Rejected:
    """A tag that could not be used; `raw` shows some of its fields, `address` is its own as written, None where it is
    not known."""

    record_no: int
    code: str
    reason: str
    raw: str
    address: str | None


@dataclass
class Pack:
    """Rows of `tags`, each with its `_record_no`, and what was rejected."""

    tags: list[dict] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    added: set[str] = field(default_factory=set)


def parse(raw: bytes, pack_uri: str) -> Pack:
    """The tags of the pack. Every scalar is taken as the text it is written as (an address like 0x1e3 is no number);
    only `is_cluster_definer` and `lastmod` are read. Several tags of one address are all kept. Raises UnusablePack."""
    header = _load(raw)
    tags = header.get("tags")
    if not isinstance(tags, list):
        raise UnusablePack("no_tags", "the pack has no list of tags")
    inherited = {name: value for name, value in header.items() if name != "tags"}
    pack = Pack()
    seen: dict[str, dict] = {}
    for number, tag in enumerate(tags, 1):
        try:
            if not isinstance(tag, dict):
                raise _UnusableTag("not_a_tag", "the item is not a mapping of field names to values")
            row = _row({**inherited, **tag}, pack_uri)
        except _UnusableTag as error:
            address = tag.get("address", "") if isinstance(tag, dict) else ""
            own = address.strip() if isinstance(address, str) else None
            pack.rejected.append(Rejected(number, error.code, str(error), _shown(tag), own))
            continue
        pack.added |= {f"tag.{name}" for name in json.loads(row["other_fields"] or "{}")}
        pack.tags.append({**row, "tag_id": _tag_id(row, seen), "_record_no": number})
    return pack


def _load(raw: bytes) -> dict:
    """The pack as mappings, lists and text. The base loader knows no types, no merge keys and no Python objects, and an
    alias is the same object again, so that a file of nested aliases (a "YAML bomb") stays as small as it is written."""
    try:
        if raw.count(b"[") + raw.count(b"{") > bounded.DEEPEST or _INDENTED.search(raw):
            _refuse_depth(raw)
        loaded = yaml.load(raw, Loader=yaml.CBaseLoader)
    except (yaml.YAMLError, RecursionError, UnicodeError, ValueError) as error:
        raise UnusablePack("not_yaml", f"cannot be read as YAML: {' '.join(str(error).split())[:300]}") from None
    if not isinstance(loaded, dict) or not all(isinstance(name, str) for name in loaded):
        raise UnusablePack("not_a_pack", "the file is not a mapping of field names to values")
    return loaded


def _refuse_depth(raw: bytes) -> None:
    """The C loader builds what is nested on the stack of the process, and a hundred thousand levels end the process."""
    depth = 0
    for event in yaml.parse(raw, Loader=yaml.CBaseLoader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > bounded.DEEPEST:
            raise ValueError(f"it is nested more than {bounded.DEEPEST} levels deep")


def _row(fields: dict, pack_uri: str) -> dict:
    texts = {name: _text(name, fields.get(name)) for name in ("address", "label", "currency", "network")}
    currency, network = texts["currency"] or texts["network"], texts["network"] or texts["currency"]
    missing = [name for name in ("address", "label") if not texts[name]] + ([] if currency else ["currency"])
    if missing:
        raise _UnusableTag(f"missing_{missing[0]}", f"neither the tag nor the pack says {', '.join(missing)}")
    definer = _text("is_cluster_definer", fields.get("is_cluster_definer"))
    if definer is not None and definer.lower() not in _BOOLEANS:
        raise _UnusableTag("invalid_boolean", f"is_cluster_definer {definer!r} is neither true nor false")
    return {
        "pack_uri": pack_uri,
        "address": texts["address"],
        "currency_code": currency,
        "network_code": network,
        "label": texts["label"],
        **{column: _text(name, fields.get(name)) for column, name in _FIELDS.items()},
        "is_cluster_definer": None if definer is None else _BOOLEANS[definer.lower()],
        "lastmod": _lastmod(_text("lastmod", fields.get("lastmod"))),
        "other_fields": _others(fields),
    }


def _others(fields: dict) -> str | None:
    """The fields that nobody knows yet as JSON, so that nothing of them is lost; of lists and mappings only that they
    are there, for aliases can make them endless."""
    others = {
        str(name): "(a list or mapping)" if isinstance(value, dict | list) else str(value)[:2_000]
        for name, value in fields.items()
        if name not in _READ | _UNREAD
    }
    return json.dumps(others, ensure_ascii=False, sort_keys=True) if others else None


def _text(name: str, value: object) -> str | None:
    if isinstance(value, dict | list):
        raise _UnusableTag("not_a_text", f"{name} is a list or mapping, not a value")
    text = "" if value is None else str(value).strip()
    return None if text in ("", "~") or text.lower() == "null" else text


def _lastmod(text: str | None) -> date | None:
    if text is None:
        return None
    match = _DAY.fullmatch(text)
    try:
        if match:
            return date.fromisoformat(match.group(1))
    except ValueError:
        pass
    raise _UnusableTag("invalid_lastmod", f"lastmod {text!r} is not a date")


def _tag_id(row: dict, seen: dict[str, dict]) -> str:
    """Hash of pack, address, label and network. Different tags that agree in these are told apart by their number
    among them; an exact repetition keeps the id."""
    parts = [row["pack_uri"], row["address"], row["label"], row["network_code"]]
    while True:
        tag_id = hashlib.md5("\0".join(parts).encode(), usedforsecurity=False).hexdigest()
        if seen.setdefault(tag_id, row) == row:
            return tag_id
        parts = [*parts[:4], str(int(parts[4]) + 1 if len(parts) > 4 else 2)]


def _shown(tag: object) -> str:
    """A few of the tag's own fields; never all of it, which aliases can make endless."""
    if not isinstance(tag, dict):
        return "" if isinstance(tag, list) else str(tag)[:500]
    fields = {name: value for name, value in tag.items() if isinstance(value, str)}
    return "; ".join(f"{name}: {value[:200]}" for name, value in list(fields.items())[:20])
