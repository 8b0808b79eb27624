"""Where the publications of a list are: in a folder, or at its publisher's address.

Belongs here: finding and fetching whole publications, and telling one from another. What is in one is in `formats`.
"""

import hashlib
import re
from collections.abc import Collection, Iterator, Mapping, MutableMapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from urllib.parse import urljoin, urlsplit

from ingestion import bounded, landing
from ingestion.deliveries import Delivery, DeliveryError, Total, deliveries, local_path
from ingestion.vendor import Refusal
from ingestion.watchlists import ofac_csv
from ingestion.watchlists.fetch import fetch
from ingestion.watchlists.formats import FORMATS, LISTS, format_of, instant
from ingestion.watchlists.model import UnusablePublication

_FOLDER = re.compile(r"(\d{4})-(\d{2})(?:-(\d{2}))?")
_VERSION = re.compile(r"(\d{14})-\w+")
# A manifest may name OFAC's files by the publisher's words.
_OFAC_TABLES = {"sdn_entries": "entries", "sdn_addresses": "places", "sdn_aliases": "names", "sdn_comments": "entries"}


@dataclass(frozen=True)
class Published:
    """One publication to land. `source_uri` is the folder below the bucket or the path of the address; `stated` are the
    control totals of a manifest."""

    list_code: str
    format_code: str
    extract_id: str
    source_uri: str
    known_at: datetime
    published_at: datetime
    files: Mapping[str, Path]
    stated: tuple[Total, ...] = ()


def is_address(location: str) -> bool:
    return location.startswith(("http://", "https://"))


def in_folder(
    list_code: str, location: str, done: Collection[str], start: date | None, end: date | None
) -> list[Published]:
    """The publications in a folder that are not in `done` (extract ids), oldest first. A publication is a folder named
    YYYY-MM[-DD], a delivery folder, or a file that says itself when it was published; `start` and `end` keep
    publication dates of a half-open window. Raises DeliveryError."""
    bucket = local_path(location)
    if not bucket.is_dir():
        raise DeliveryError(f"{bucket} is not a folder: set {list_code}_url to the folder of the list, or its address.")
    patterns = {pattern: code for code in LISTS[list_code] for pattern in _cases(FORMATS[code].patterns)}
    if _has_folders(bucket) or any(format_of(list_code, path.name) == "ofac_csv" for path in bucket.rglob("*")):
        found = deliveries(location, patterns, start=start, end=end, known_at_from=_named)
    else:
        found = landing.find(location, patterns, lambda path: _says(list_code, path), start=start, end=end)
    published = [one for delivery in found for one in _of_delivery(list_code, delivery)]
    return [one for one in published if one.extract_id not in done]


def _cases(patterns: tuple[str, ...]) -> Iterator[str]:
    for pattern in patterns:
        yield "".join(f"[{c.lower()}{c.upper()}]" if c.isalpha() else c for c in pattern)


def _has_folders(bucket: Path) -> bool:
    return landing.has_deliveries(bucket) or any(_FOLDER.fullmatch(path.name) for path in bucket.iterdir())


def _named(folder: Path) -> datetime:
    match = _FOLDER.fullmatch(folder.name)
    try:
        if match:
            year, month, day = match.groups()
            return datetime(int(year), int(month), int(day or 1))
    except ValueError:
        pass
    raise DeliveryError(f"{folder} does not say when it was published: name the folder YYYY-MM-DD or YYYY-MM.")


def _says(list_code: str, path: Path) -> datetime:
    """When a file says it was published, or the version in the name of one that does not."""
    if version := _VERSION.search(path.as_posix()):
        return datetime.strptime(version.group(1), "%Y%m%d%H%M%S")
    try:
        moment = instant(FORMATS[format_of(list_code, path.name)].dated_by(path))
    except UnusablePublication as error:
        raise DeliveryError(f"{path}: {error}. Fetch it again, or take it out of the folder.") from None
    if moment is None:
        raise DeliveryError(f"{path} does not say when it was published: put it into a folder named YYYY-MM-DD.")
    return moment


def _of_delivery(list_code: str, delivery: Delivery) -> Iterator[Published]:
    groups: dict[str, list] = {}
    for file in delivery.files:
        code = format_of(list_code, file.name)
        if code is None:
            raise DeliveryError(f"{file.path} is no file of {list_code}: take it out of the folder.")
        groups.setdefault(code, []).append(file)
    if len(groups) > 1:
        raise DeliveryError(f"{delivery.path} holds {list_code} in the forms {', '.join(groups)}: keep one of them.")
    for code, files in groups.items():
        by_name = {file.name.lower().rpartition("/")[2]: file for file in files}
        if code == "ofac_csv" and (missing := [name for name in ofac_csv.FILES.values() if name not in by_name]):
            raise DeliveryError(
                f"{delivery.path} lacks {', '.join(missing)}: a publication is loaded whole or not at all."
            )
        if code != "ofac_csv" and len(by_name) > 1:
            raise DeliveryError(f"{delivery.path} holds {', '.join(by_name)}: one publication is one file.")
        day = delivery.path.name if _FOLDER.fullmatch(delivery.path.name) else None
        published_at = _named(delivery.path) if day else delivery.known_at
        stated = tuple(
            Total(t.event_date, t.asset_code, t.rows, t.amount, t.hash, _OFAC_TABLES.get(name, name))
            for file in files
            if file.manifest_totals is not None and file.name.lower() != ofac_csv.COMMENTS
            for t in file.manifest_totals
            for name in [t.table or file.table]
        )
        digests = {name: file.extract_id.rpartition(":")[2] for name, file in by_name.items()}
        yield Published(
            list_code,
            code,
            identity(list_code, published_at, digests),
            delivery.path.name if day else files[0].uri,
            delivery.known_at,
            published_at,
            {name: file.path for name, file in by_name.items()},
            stated,
        )


def identity(list_code: str, published_at: datetime, digests: Mapping[str, str]) -> str:
    """The extract id of a publication: list, day and content, whichever way it came; the same publication by folder and
    by address is loaded once."""
    digest = hashlib.sha256()
    for name in sorted(digests):
        digest.update(name.encode() + b"\0" + digests[name].encode() + b"\0")
    return f"{list_code}/{published_at.date()}:{digest.hexdigest()[:16]}"


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()[:16]


def newest(list_code: str, done: Collection[str]) -> str | None:
    """The extract id of the list's newest loaded publication."""
    return max((one for one in done if one.startswith(f"{list_code}/")), default=None)


def at_address(
    list_code: str,
    location: str,
    done: Collection[str],
    state: MutableMapping[str, dict],
    folder: Path,
    *,
    token: str | None = None,
    first_delay: float = 1.0,
) -> Published | None:
    """The current publication at the publisher's address, fetched into `folder`; None where nothing is new. `state`
    keeps the validators by address. Raises VendorUnavailable, VendorError, Refusal."""
    names = [location.rstrip("/").rpartition("/")[2]]
    if list_code == "ofac_sdn" and format_of(list_code, names[0]) is None:
        names = [*ofac_csv.FILES.values(), ofac_csv.COMMENTS]
        urls = [f"{location.rstrip('/')}/{name}" for name in names]
    else:
        urls = [location]
    answers = {}
    for name, url in zip(names, urls, strict=True):
        answers[name] = _ask(list_code, url, folder / name, state.get(url, {}), token, first_delay)
    if not any(answers.values()):
        return None
    for name, url in zip(names, urls, strict=True):
        if answers[name] is None:  # a publication lands whole
            answers[name] = _ask(list_code, url, folder / name, {}, token, first_delay)
    found = {name.lower(): fetched for name, fetched in answers.items() if fetched}
    for name, url in zip(names, urls, strict=True):
        if answers[name]:
            state[url] = answers[name].validators
    modified_at = max(fetched.modified_at for fetched in found.values())
    code = format_of(list_code, names[0]) or LISTS[list_code][0]
    files = {name: fetched.path for name, fetched in found.items()}
    extract_id = identity(list_code, modified_at, {name: _digest(path) for name, path in files.items()})
    last = newest(list_code, done)
    if extract_id in done or (last and last.rpartition(":")[2] == extract_id.rpartition(":")[2]):
        return None
    # Without the host: a server on another port must give the same bytes
    return Published(list_code, code, extract_id, urlsplit(location).path, modified_at, modified_at, files)


def _ask(list_code: str, url: str, target: Path, known: Mapping[str, str], token: str | None, first_delay: float):
    params = {"token": token} if token else None
    try:
        return fetch(url, target, known, title=list_code, params=params, first_delay=first_delay)
    except Refusal as refusal:
        if refusal.status == 404 and target.name == ofac_csv.COMMENTS:
            return None
        raise


def opensanctions(
    location: str, done: Collection[str], folder: Path, *, first_delay: float = 1.0
) -> Iterator[Published]:
    """What the dataset at `location` published since the newest loaded version: its changes, version by version, or the
    whole of it where the changes no longer reach back that far. Raises as `fetch`, and VendorError for an index that
    is none."""
    index = _json(f"{location.rstrip('/')}/index.json", folder / "index.json", first_delay)
    version = str(index.get("version") or "")
    if not _VERSION.fullmatch(version):
        raise UnusablePublication(f"index.json of {location} names no version")
    last = newest_version(done)
    if last == version:
        return
    for one, url in _changes(index, location, last, version, folder, first_delay) if last else ():
        yield _version(one, "ftm_delta", url, folder / f"{one}-entities.delta.json", None, first_delay)
        last = one
    if last == version:
        return
    whole = next((one for one in index.get("resources", ()) if one.get("name") == "entities.ftm.json"), None)
    if whole is None:
        raise UnusablePublication(f"index.json of {location} names no entities.ftm.json")
    url = urljoin(f"{location.rstrip('/')}/", whole["url"])
    yield _version(version, "ftm", url, folder / f"{version}-entities.ftm.json", whole.get("checksum"), first_delay)


def newest_version(done: Collection[str]) -> str | None:
    """The newest loaded version of OpenSanctions."""
    versions = (one.partition("/")[2].partition(":")[0] for one in done if one.startswith("opensanctions/"))
    return max((one for one in versions if _VERSION.fullmatch(one)), default=None)


def _changes(
    index: Mapping, location: str, last: str, version: str, folder: Path, first_delay: float
) -> list[tuple[str, str]]:
    """(version, address) of each set of changes after `last`, up to `version`; empty where they do not reach back."""
    base = f"{location.rstrip('/')}/"
    try:
        said = _json(urljoin(base, index.get("delta_url") or "delta.json"), folder / "delta.json", first_delay)
    except Refusal as refusal:
        if refusal.status == 404:
            return []
        raise
    versions = said.get("versions") or {}
    if last not in versions or version not in versions:
        return []
    return [(one, urljoin(base, url)) for one, url in sorted(versions.items()) if last < one <= version]


def _json(url: str, target: Path, first_delay: float) -> dict:
    fetch(url, target, {}, title="opensanctions", first_delay=first_delay)
    try:
        said = bounded.json_of(bounded.document(target), parse_float=Decimal)
    except ValueError:
        said = None
    if not isinstance(said, dict):
        raise UnusablePublication(f"{urlsplit(url).path} is no JSON object")
    return said


def _version(version: str, code: str, url: str, target: Path, checksum: str | None, first_delay: float) -> Published:
    fetch(url, target, {}, title="opensanctions", first_delay=first_delay, checksum=checksum)
    moment = datetime.strptime(version[:14], "%Y%m%d%H%M%S")
    extract_id = f"opensanctions/{version}:{_digest(target)}"
    return Published("opensanctions", code, extract_id, urlsplit(url).path, moment, moment, {target.name: target})
