"""Fetching a publication over HTTP, politely: with the validators of the last answer, to disk, and never half of it.

Belongs here: one file. Which files make up a publication is in `places`.
"""

import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import urlsplit

import requests

from ingestion.vendor import TIMEOUTS, Refusal, VendorError, VendorUnavailable, is_loopback, is_web_page, wait_of

ATTEMPTS = 7
LONGEST_DELAY = 300.0
"""Seconds between two tries at most."""
_CONDITIONS = {"ETag": "If-None-Match", "Last-Modified": "If-Modified-Since"}


@dataclass(frozen=True)
class Fetched:
    """A file as served: where it lies now, its validators, and when the server says it was last changed (naive UTC)."""

    path: Path
    validators: dict[str, str]
    modified_at: datetime


def fetch(
    url: str,
    target: Path,
    known: Mapping[str, str],
    *,
    title: str,
    params: Mapping[str, str] | None = None,
    first_delay: float = 1.0,
    checksum: str | None = None,
) -> Fetched | None:
    """The file at `url` (redirects are followed) written to `target`, or None while it is what `known` (validators of
    an earlier answer) says. A server error, a dropped connection, an answer shorter than announced or of another
    `checksum` (SHA-1, hex) is tried again after `first_delay` seconds, then twice as many, and so on.

    `params` may hold a token and are never named in a message. Raises VendorUnavailable when every try failed,
    Refusal for a 4xx, VendorError for a web page where a list should be."""
    place = urlsplit(url)._replace(query="", fragment="").geturl()
    headers = {"Accept-Encoding": "identity", **{_CONDITIONS[name]: value for name, value in known.items()}}
    trouble, delay = "", first_delay
    with requests.Session() as session:
        session.trust_env = not is_loopback(urlsplit(url).hostname)
        for attempt in range(ATTEMPTS):
            if attempt:
                time.sleep(delay)
                delay = min(delay * 2, LONGEST_DELAY)
            try:
                with session.get(url, params=params, headers=headers, timeout=TIMEOUTS, stream=True) as answer:
                    status = answer.status_code
                    if status == 304:
                        return None
                    if status == 429 or status >= 500:
                        trouble, delay = f"HTTP {status}", wait_of(answer.headers) or delay
                        continue
                    if status == 403 and is_web_page(answer.headers):
                        trouble = "HTTP 403 with a web page: something in front of the publisher blocks this machine"
                        continue
                    if status in (401, 403):
                        raise VendorError(f"{title}: HTTP {status} for {place}: is the token of the list right?")
                    if status != 200:
                        raise Refusal(status, f"{title}: HTTP {status} for {place}")
                    if is_web_page(answer.headers):
                        raise VendorError(f"{title}: {place} is a web page and no list: is the address right?")
                    trouble = _save(answer, target, checksum)
                    if not trouble:
                        return _fetched(answer, target)
            except requests.RequestException as error:
                trouble = type(error).__name__
    raise VendorUnavailable(f"{title} at {place} cannot be fetched ({trouble}; {ATTEMPTS} tries).")


def _save(answer: requests.Response, target: Path, checksum: str | None) -> str:
    """Writes the body; returns what is wrong with it, or nothing."""
    digest, size = hashlib.sha1(usedforsecurity=False), 0
    with target.open("wb") as file:
        for part in answer.iter_content(1 << 20):
            digest.update(part)
            size += len(part)
            file.write(part)
    announced = answer.headers.get("Content-Length")
    if announced and announced.isdecimal() and int(announced) != size:
        return f"{size:,} bytes of {int(announced):,}"
    if checksum and digest.hexdigest() != checksum.lower():
        return "another checksum than the publisher states"
    return ""


def _fetched(answer: requests.Response, target: Path) -> Fetched:
    validators = {name: answer.headers[name] for name in _CONDITIONS if name in answer.headers}
    said = answer.headers.get("Last-Modified") or answer.headers["Date"]
    return Fetched(target, validators, parsedate_to_datetime(said).astimezone(UTC).replace(tzinfo=None))
