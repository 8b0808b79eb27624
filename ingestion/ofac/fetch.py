"""Fetching the current publication over HTTP, politely: with the validators of the last answer."""

from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from dlt.sources.helpers import requests

from ingestion.ofac.parse import COMMENTS, FILES

NAMES = (*FILES.values(), COMMENTS)


@dataclass
class Fetched:
    """A publication: its files and when it was published (naive UTC)."""

    files: dict[str, bytes]
    published_at: datetime


def fetch(base_url: str, state: MutableMapping[str, dict]) -> Fetched | None:
    """The publication below `base_url` (redirects are followed), or None while none of its files has changed since the
    validators in `state` (ETag, Last-Modified by file name) were kept. `state` is updated.

    Published at the newest Last-Modified of the files; a server that does not say counts as publishing at the time it
    answers (its Date header). Raises requests.HTTPError; the comments file may be missing (404)."""
    answers = {name: _get(base_url, name, state.get(name, {})) for name in NAMES}
    if all(answer.status_code in (304, 404) for answer in answers.values()):
        return None
    for name, answer in answers.items():
        if answer.status_code == 304:  # a publication lands whole
            answers[name] = _get(base_url, name, {})
    found = {name: answer for name, answer in answers.items() if answer.status_code == 200}
    for name, answer in found.items():
        state[name] = {
            header: answer.headers[header] for header in ("ETag", "Last-Modified") if header in answer.headers
        }
    return Fetched(
        {name: answer.content for name, answer in found.items()},
        max(_published_at(answer) for answer in found.values()),
    )


def _get(base_url: str, name: str, known: Mapping[str, str]) -> requests.Response:
    conditions = {"ETag": "If-None-Match", "Last-Modified": "If-Modified-Since"}
    headers = {conditions[header]: value for header, value in known.items()}
    try:
        return requests.get(f"{base_url.rstrip('/')}/{name}", headers=headers)
    except requests.HTTPError as error:
        if name == COMMENTS and error.response is not None and error.response.status_code == 404:
            return error.response
        raise


def _published_at(answer: requests.Response) -> datetime:
    moment = parsedate_to_datetime(answer.headers.get("Last-Modified") or answer.headers["Date"])
    return moment.astimezone(UTC).replace(tzinfo=None)
