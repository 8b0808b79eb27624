"""The publishers of watchlists: the world's list at each publisher's address, with validators, the redirect to file
storage, a token where one is asked for, and the faults they are known for."""

import hashlib
import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from functools import cached_property
from pathlib import Path
from typing import Self
from urllib.parse import parse_qs

from aiohttp import web

from sandbox.vendor import list_forms, list_forms_ofac
from sandbox.vendor.list_entries import Edition, editions, entries
from sandbox.vendor.registry import Refused

OFAC_PATH = "/api/PublicationPreview/exports"
STORAGE_PATH = "/ofac-storage"
UN_PATH = "/resources/xml/en/consolidated.xml"
EU_PATH = "/fsd/fsf/public/files/xmlFullSanctionsList_1_1/content"
UK_PATH = "/docs/UK-Sanctions-List"
OPENSANCTIONS_PATH = "/datasets/latest/sanctions"
ARTIFACTS_PATH = "/artifacts/sanctions"
EU_TOKEN = "sandbox-eu-token"
PATHS = (
    OFAC_PATH, STORAGE_PATH, UN_PATH, EU_PATH, f"{UK_PATH}.xml", f"{UK_PATH}.csv", OPENSANCTIONS_PATH, ARTIFACTS_PATH,
)  # fmt: skip

CSV_FILES = ("sdn.csv", "add.csv", "alt.csv", "sdn_comments.csv")
_FORMS: dict[str, Callable[[list, datetime], bytes]] = {
    "sdn.xml": list_forms_ofac.ofac_sdn_xml,
    "sdn_advanced.xml": list_forms_ofac.ofac_advanced_xml,
    UN_PATH: list_forms.un_xml,
    EU_PATH: list_forms.eu_xml,
    f"{UK_PATH}.xml": list_forms.uk_xml,
    f"{UK_PATH}.csv": list_forms.uk_csv,
}
_KINDS = {
    # One JSON object a line: no JSON document
    "entities.ftm.json": "application/json+ftm",
    "entities.delta.json": "application/json+ftm",
    ".json": "application/json",
    ".csv": "text/csv",
}


@dataclass
class ListFaults:
    """Answers to come: `errors` times HTTP 500 for a path that ends in the key, `cuts` times a download that ends half
    way."""

    errors: dict[str, int] = field(default_factory=dict)
    cuts: dict[str, int] = field(default_factory=dict)

    @classmethod
    def parse(cls, texts: Iterable[str]) -> Self:
        """From `error:PATH:TIMES` and `cut:PATH:TIMES` texts. Raises ValueError on anything else."""
        made = cls()
        for kind, path, times in (text.split(":") for text in texts):
            {"error": made.errors, "cut": made.cuts}[kind][path] = int(times)
        return made

    @staticmethod
    def due(plan: dict[str, int], path: str) -> bool:
        for ending, left in plan.items():
            if path.endswith(ending) and left > 0:
                plan[ending] = left - 1
                return True
        return False


class Publications:
    """The publishers' servers over one world. `at` is the edition that is current, the newest unless it is set."""

    def __init__(self, world_dir: Path, faults: ListFaults | None = None) -> None:
        self.editions = editions(world_dir)
        self.at = len(self.editions) - 1
        self.faults = faults or ListFaults()
        self._made: dict[tuple[int, str], bytes] = {}

    async def __call__(self, request: web.BaseRequest, _below: str, query: str) -> web.StreamResponse:
        """The answer to a request below one of `PATHS`."""
        try:
            return await self._answer(request, request.raw_path.partition("?")[0], query)
        except Refused as refusal:
            return web.json_response({"status": refusal.status, "message": str(refusal)}, status=refusal.status)

    async def _answer(self, request: web.BaseRequest, path: str, query: str) -> web.StreamResponse:
        if request.method not in ("GET", "HEAD"):
            raise Refused(405, "publications are read with GET")
        if not self.editions:
            raise Refused(404, "nothing was published yet")
        if path == EU_PATH and parse_qs(query).get("token") != [EU_TOKEN]:
            raise Refused(403, "the token is missing or wrong")
        if self.faults.due(self.faults.errors, path):
            return web.Response(status=500, text="<html>Internal Server Error</html>", content_type="text/html")
        if path.startswith(OFAC_PATH):
            name = path.rpartition("/")[2].lower()
            self._content(name)
            return web.Response(status=302, headers={"Location": f"{STORAGE_PATH}/{name}"})
        name = path.rpartition("/")[2] if path.startswith(STORAGE_PATH) else path
        return await self._file(request, path, self._content(name))

    async def _file(self, request: web.BaseRequest, path: str, content: bytes) -> web.StreamResponse:
        etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
        published_at = self.editions[self.at].published_at
        headers = {"ETag": etag, "Last-Modified": format_datetime(published_at, usegmt=True)}
        if _is_unchanged(etag, published_at, request.headers):
            return web.Response(status=304, headers=headers)
        kind = next((kind for ending, kind in _KINDS.items() if path.endswith(ending)), "application/xml")
        if not self.faults.due(self.faults.cuts, path):
            return web.Response(body=content, content_type=kind, headers=headers)
        answer = web.StreamResponse(headers={**headers, "Content-Length": str(len(content)), "Content-Type": kind})
        await answer.prepare(request)
        await answer.write(content[: len(content) // 2])
        request.transport.close()
        return answer

    def _content(self, name: str) -> bytes:
        key = (self.at, name)
        if key not in self._made:
            self._made[key] = self._make(name)
        return self._made[key]

    def _make(self, name: str) -> bytes:
        edition = self.editions[self.at]
        if name in CSV_FILES and (edition.folder / name).is_file():
            return (edition.folder / name).read_bytes()
        if name in _FORMS:
            return _FORMS[name](entries(edition.folder), edition.published_at)
        if name == f"{OPENSANCTIONS_PATH}/index.json":
            return self._index(edition)
        if name == f"{OPENSANCTIONS_PATH}/delta.json":
            addresses = {
                e.version: f"{ARTIFACTS_PATH}/{e.version}/entities.delta.json" for e in self.editions[: self.at + 1]
            }
            return json.dumps({"versions": addresses}).encode()
        if match := re.fullmatch(rf"{ARTIFACTS_PATH}/([\w-]+)/entities\.(ftm|delta)\.json", name):
            return self._artifact(*match.groups())
        raise Refused(404, f"no such publication: {name}")

    def _index(self, edition: Edition) -> bytes:
        content = self._artifact(edition.version, "ftm")
        whole = {
            "name": "entities.ftm.json",
            "url": f"{ARTIFACTS_PATH}/{edition.version}/entities.ftm.json",
            "checksum": hashlib.sha1(content, usedforsecurity=False).hexdigest(),
            "size": len(content),
        }
        about = {
            "name": "sanctions",
            "version": edition.version,
            "updated_at": f"{edition.published_at:%Y-%m-%dT%H:%M:%S}",
        }
        return json.dumps({**about, "resources": [whole]}).encode()

    def _artifact(self, version: str, kind: str) -> bytes:
        number = next((n for n, e in enumerate(self.editions) if e.version == version), None)
        if number is None or number > self.at:
            raise Refused(404, f"no such version: {version}")
        now = self._entities[number]
        if kind == "ftm":
            return list_forms.ftm_lines(now.values())
        return list_forms.ftm_lines(list_forms.ftm_delta(self._entities[number - 1] if number else {}, now))

    def entities(self) -> list[dict]:
        """The entities of the current edition, as OpenSanctions has them."""
        return list(self._entities[self.at].values())

    @cached_property
    def _entities(self) -> list[dict[str, dict]]:
        return [list_forms.ftm_entities(entries(e.folder), e.published_at.astimezone(UTC)) for e in self.editions]


def _is_unchanged(etag: str, published_at: datetime, headers: object) -> bool:
    """Whether the client's validators still hold; If-None-Match wins over If-Modified-Since (RFC 9110, 13.2.2)."""
    if (known := headers.get("If-None-Match")) is not None:
        return etag in re.findall(r'"[^"]*"', known) or known.strip() == "*"
    if (since := headers.get("If-Modified-Since")) is None:
        return False
    try:
        return published_at <= parsedate_to_datetime(since)
    except (TypeError, ValueError):
        return False
