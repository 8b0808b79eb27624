"""Deliveries: the folders in which files arrive, with their optional manifest.

Belongs here: which files there are, when each became known, whether each is the file its sender meant.
Does not: what is inside a file.
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from fnmatch import fnmatchcase
from pathlib import Path
from urllib.parse import unquote, urlsplit

from ingestion.records import utc

MANIFEST = "_manifest.json"
LONGEST_LINE = 16 << 20
"""Bytes; a longer line of a text file is refused before anything reads it into memory."""
LARGEST_MANIFEST = 64 << 20
_JSON_NAMES = {str: "text", int: "a whole number", list: "a list", type(None): "null"}
_OPTIONAL_TEXT = (str, type(None))
_MANIFEST_TYPES = {
    "delivered_at": (str,),
    "business_date": _OPTIONAL_TEXT,
    "delivery_id": _OPTIONAL_TEXT,
    "files": (list,),
}
_ENTRY_TYPES = {"name": (str,), "table": _OPTIONAL_TEXT, "sha256": (str,), "rows": (int,), "totals": (list,)}
_TOTAL_TYPES = {"event_date": _OPTIONAL_TEXT, "asset_code": _OPTIONAL_TEXT, "table": _OPTIONAL_TEXT}
_FOLDER = re.compile(r"delivery=(\d{4}-\d{2}-\d{2})(?:T(\d{2})(\d{2}))?")


class DeliveryError(Exception):
    """A delivery that must not be loaded as it is; the message names the file and says how to put it right."""


class Oversized(DeliveryError):
    """A file that would not fit into memory; `problem` is the message without the file's place."""

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(f"{path} {problem}")
        self.problem = problem


@dataclass(frozen=True)
class Total:
    """One line of a manifest's totals; `amount` is exact, `hash` the sum of `control_totals.record_hash`. `table` is
    set where a file brings records of several tables; None means the file's own."""

    event_date: date | None
    asset_code: str | None
    rows: int
    amount: Decimal | None
    hash: int | None
    table: str | None = None


@dataclass(frozen=True)
class DeliveredFile:
    """One delivered file. `name` is its path below the delivery folder, `uri` its path below the bucket, `extract_id`
    `<uri>:<first 16 hex digits of its sha256>`. `manifest_totals` is None where no manifest states them."""

    path: Path
    name: str
    table: str
    uri: str
    extract_id: str
    manifest_rows: int | None = None
    manifest_totals: tuple[Total, ...] | None = None


@dataclass(frozen=True)
class Delivery:
    """One delivery folder; `known_at` is when it was delivered (naive UTC), `business_date` the day it is about."""

    path: Path
    delivery_id: str
    known_at: datetime
    business_date: date
    files: list[DeliveredFile] = field(default_factory=list)


def deliveries(
    bucket_url: str | None,
    patterns: Mapping[str, str],
    *,
    start: date | None = None,
    end: date | None = None,
    known_at_from: Callable[[Path], datetime] | None = None,
) -> list[Delivery]:
    """The deliveries below `bucket_url` (a folder or file:// URL), sorted by known-at time and name.

    `patterns` maps file name patterns (of the path below the delivery folder) to tables. `start` and `end` keep the
    business dates of a half-open window. `known_at_from` tells a feed's own way to date a folder that has neither a
    manifest nor a name `delivery=YYYY-MM-DD[THHMM]`; with it, files lying directly in the bucket are a delivery too.

    Each file's sha256 is computed here. Raises DeliveryError for a missing bucket, an undatable folder, a file no
    pattern knows, and a manifest that does not agree with the files beside it.
    """
    if not bucket_url:
        return []
    bucket = local_path(bucket_url)
    if not bucket.is_dir():
        raise DeliveryError(f"{bucket} is not a folder: set bucket_url to the folder that holds the deliveries.")
    folders = sorted(path for path in bucket.iterdir() if path.is_dir() and not path.name.startswith((".", "_")))
    loose = [path for path in bucket.iterdir() if path.is_file() and not _ignored(path)]
    if (bucket / MANIFEST).is_file() or (loose and known_at_from):
        folders = [bucket]
    elif loose:
        raise DeliveryError(
            f"{min(loose)} lies outside a delivery folder: move it into a folder named delivery=YYYY-MM-DD."
        )
    found = (_delivery(bucket, folder, patterns, start, end, known_at_from) for folder in folders)
    return sorted((d for d in found if d), key=lambda delivery: (delivery.known_at, delivery.path.name))


def not_yet_loaded(found: Iterable[Delivery], completed: set[str]) -> list[Delivery]:
    """The deliveries with only those files whose extract is not in `completed`; empty ones are left out."""
    remaining = (replace(d, files=[f for f in d.files if f.extract_id not in completed]) for d in found)
    return [delivery for delivery in remaining if delivery.files]


def local_path(bucket_url: str) -> Path:
    """The folder a bucket_url names. Raises DeliveryError for another scheme than file://."""
    parts = urlsplit(bucket_url)
    if parts.scheme == "file":
        return Path(unquote(parts.path)).absolute()
    if len(parts.scheme) > 1:
        raise DeliveryError(
            f"bucket_url {bucket_url} is not a local folder: mount or copy the {parts.scheme} store and give its path."
        )
    return Path(bucket_url).absolute()


def refuse_long_lines(path: Path) -> None:
    """Raises Oversized for a text file with a line longer than LONGEST_LINE, in memory for a piece of the file."""
    number, run = 1, 0
    with path.open("rb") as stream:
        while piece := stream.read(1 << 20):
            ends = [at for at in (piece.find(b"\n"), piece.find(b"\r")) if at >= 0]
            run += min(ends) if ends else len(piece)
            if run > LONGEST_LINE:
                raise Oversized(
                    path,
                    f"is no such file or lost its line ends: line {number} is longer than {LONGEST_LINE >> 20} MB. "
                    "Deliver it again.",
                )
            if ends:
                number += piece.count(b"\n") or piece.count(b"\r")
                run = len(piece) - max(piece.rfind(b"\n"), piece.rfind(b"\r")) - 1


def _ignored(path: Path) -> bool:
    return path.name.startswith((".", "_"))


def _delivery(
    bucket: Path,
    folder: Path,
    patterns: Mapping[str, str],
    start: date | None,
    end: date | None,
    known_at_from: Callable[[Path], datetime] | None,
) -> Delivery | None:
    manifest = _read_manifest(folder / MANIFEST) if (folder / MANIFEST).is_file() else None
    known_at, business_date = _dated(folder, manifest, known_at_from)
    if (start and business_date < start) or (end and business_date >= end):
        return None
    paths = {
        path.relative_to(folder).as_posix(): path
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not any(part.startswith((".", "_")) for part in path.relative_to(folder).parts)
    }
    listed = {entry["name"]: entry for entry in manifest["files"]} if manifest else None
    if listed is not None:
        for name in sorted(set(listed) - set(paths)):
            raise DeliveryError(
                f"{folder / name} is named in {MANIFEST} and missing: deliver it, or deliver a manifest without it."
            )
        for name in sorted(set(paths) - set(listed)):
            raise DeliveryError(
                f"{folder / name} is not named in {MANIFEST}: add it to the manifest, or take it out of the folder."
            )
    files = [_file(bucket, folder, name, path, patterns, listed) for name, path in paths.items()]
    delivery_id = manifest.get("delivery_id") if manifest else None
    return Delivery(folder, delivery_id or folder.relative_to(bucket).as_posix(), known_at, business_date, files)


def _file(
    bucket: Path,
    folder: Path,
    name: str,
    path: Path,
    patterns: Mapping[str, str],
    listed: dict[str, dict] | None,
) -> DeliveredFile:
    entry = listed[name] if listed is not None else {}
    table = entry.get("table") or next(
        (table for pattern, table in patterns.items() if fnmatchcase(name, pattern)), None
    )
    if table is None:
        raise DeliveryError(f"{path} is none of the expected files ({', '.join(patterns)}): rename it or take it out.")
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    if "sha256" in entry and entry["sha256"].lower() != digest:
        raise DeliveryError(
            f"{path} is not the file its manifest describes (sha256 {digest}, manifest says {entry['sha256']}): "
            "deliver the file again, or the manifest that belongs to it."
        )
    uri = path.relative_to(bucket).as_posix()
    totals = _totals(folder / MANIFEST, name, entry) if "totals" in entry else None
    return DeliveredFile(path, name, table, uri, f"{uri}:{digest[:16]}", entry.get("rows"), totals)


def _read_manifest(path: Path) -> dict:
    if path.stat().st_size > LARGEST_MANIFEST:
        raise DeliveryError(f"{path} has {path.stat().st_size >> 20} MB, which no manifest has: deliver it again.")
    try:
        manifest = json.loads(path.read_bytes(), parse_float=Decimal)
        names = [entry["name"] for entry in manifest["files"]]
        _ = manifest["delivered_at"]
        wrong = _wrong_types(manifest, _MANIFEST_TYPES)
        for entry in manifest["files"]:
            wrong = wrong or _wrong_types(entry, _ENTRY_TYPES)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DeliveryError(f"{path} cannot be read as a manifest ({error!r}): see the file format guide.") from error
    if wrong:
        raise DeliveryError(f"{path} cannot be read as a manifest ({wrong}): see the file format guide.")
    for name in names:
        if names.count(name) > 1 or Path(name).is_absolute() or ".." in Path(name).parts:
            raise DeliveryError(f"{path} names {name!r} twice or outside the delivery: name each file once.")
    return manifest


def _wrong_types(members: dict, types: dict[str, tuple[type, ...]]) -> str:
    for name, allowed in types.items():
        if name in members and type(members[name]) not in allowed:
            return f"{name} is not {' or '.join(_JSON_NAMES[kind] for kind in allowed)}"
    return ""


def _dated(
    folder: Path, manifest: dict | None, known_at_from: Callable[[Path], datetime] | None
) -> tuple[datetime, date]:
    if manifest:
        try:
            known_at = datetime.fromisoformat(manifest["delivered_at"])
            stated = manifest.get("business_date")
            business_date = date.fromisoformat(stated) if stated else utc(known_at).date() - timedelta(days=1)
        except (ValueError, TypeError, OverflowError) as error:
            raise DeliveryError(
                f"{folder / MANIFEST}: delivered_at must be an ISO time in UTC and business_date an ISO date ({error})."
            ) from error
        return utc(known_at), business_date
    if match := _FOLDER.fullmatch(folder.name):
        day, hour, minute = match.groups()
        try:
            business_date = date.fromisoformat(day)
            moment = time(int(hour), int(minute)) if hour else None
        except ValueError as error:
            raise DeliveryError(f"{folder}: {error}; name it delivery=YYYY-MM-DD[THHMM].") from error
        if moment is not None:
            return datetime.combine(business_date, moment), business_date
        return datetime.combine(business_date + timedelta(days=1), time()), business_date
    if known_at_from:
        known_at = utc(known_at_from(folder))
        return known_at, known_at.date()
    raise DeliveryError(
        f"{folder} does not say when it was delivered: name it delivery=YYYY-MM-DD or put a {MANIFEST} into it."
    )


def _fits(total: Total) -> bool:
    """Whether the numbers go into a control total: counts and hashes not negative, amounts in decimal(38,18)."""
    amount = total.amount
    return (
        0 <= total.rows < 2**63
        and (total.hash is None or 0 <= total.hash < 10**38)
        and (amount is None or (amount.is_finite() and abs(amount) < 10**20 and amount.as_tuple().exponent >= -18))
    )


def _totals(manifest: Path, name: str, entry: dict) -> tuple[Total, ...]:
    try:
        totals = tuple(
            Total(
                date.fromisoformat(total["event_date"]) if total.get("event_date") else None,
                total.get("asset_code"),
                int(total["rows"]),
                None if total.get("amount") is None else Decimal(str(total["amount"])),
                None if total.get("hash") is None else int(total["hash"]),
                total.get("table"),
            )
            for total in entry["totals"]
        )
        wrong = next(filter(None, (_wrong_types(total, _TOTAL_TYPES) for total in entry["totals"])), "")
    except (ValueError, KeyError, TypeError, AttributeError, InvalidOperation) as error:
        raise DeliveryError(f"{manifest}: the totals of {name} cannot be read ({error!r}).") from error
    if wrong or not all(map(_fits, totals)):
        raise DeliveryError(f"{manifest}: the totals of {name} cannot be read ({wrong or 'a number out of range'}).")
    own = [total for total in totals if total.table in (None, entry.get("table"))]
    rows = sum(total.rows for total in own)
    if "rows" in entry and entry["rows"] != rows and (own or not totals):
        raise DeliveryError(f"{manifest}: {name} has {entry['rows']} rows, but its totals add up to {rows}.")
    return totals
