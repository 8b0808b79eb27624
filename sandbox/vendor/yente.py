"""OpenSanctions' matching API (yente), over the sandbox's own edition of the list.

Belongs here: the key, the path and the answers of `POST /match/{dataset}`. The list is that of `publications`. How
alike two names are is a stand-in's measure, and says nothing about the real one's.
"""

import json
import unicodedata
from difflib import SequenceMatcher
from typing import Any
from urllib.parse import parse_qs

from aiohttp import web

from sandbox.vendor.publications import Publications

YENTE_PATH = "/match"
KEY = "sandbox-yente-key"
DATASETS = ("default", "sanctions")
CUTOFF = 0.5
LARGEST_BATCH = 100
"""Queries of one request."""


class Yente:
    """`{"queries": {name: {"schema", "properties"}}}` with `threshold` and `limit`, answered query by query."""

    def __init__(self, publications: Publications, key: str = KEY) -> None:
        self.publications, self.key = publications, key

    async def __call__(self, request: web.BaseRequest, path: str, query: str) -> web.Response:
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "apikey" or given.strip() != self.key:
            return _error(401, "Invalid API key")
        if request.method != "POST":
            return _error(405, "Method Not Allowed")
        if path.strip("/") not in DATASETS:
            return _error(404, f"No such dataset: {path.strip('/')}")
        asked = parse_qs(query)
        try:
            threshold = float(asked.get("threshold", ["0.7"])[0])
            limit = int(asked.get("limit", ["5"])[0])
            queries = json.loads(await request.read())["queries"]
            if not 0 < len(queries) <= LARGEST_BATCH:
                raise ValueError("between 1 and 100 queries")
            responses = {name: self._answer(one, threshold, limit) for name, one in queries.items()}
        except (AttributeError, KeyError, TypeError, ValueError) as problem:
            return _error(422, f"the request cannot be read: {problem}")
        return web.json_response({"responses": responses, "limit": limit})

    def _answer(self, query: dict[str, Any], threshold: float, limit: int) -> dict[str, Any]:
        names = query["properties"].get("name", [])
        scored = [(self._score(names, entity), entity) for entity in self.publications.entities()]
        found = sorted((one for one in scored if one[0] >= CUTOFF), key=lambda one: (-one[0], one[1]["id"]))
        results = [
            {
                **{name: entity[name] for name in ("id", "caption", "schema", "properties")},
                "datasets": ["sanctions"],
                "score": score,
                "match": score >= threshold,
                "explanations": {"name_similarity": {"score": score}},
            }
            for score, entity in found[:limit]
        ]
        return {"status": 200, "results": results, "total": {"value": len(found), "relation": "eq"}, "query": query}

    @staticmethod
    def _score(names: list[str], entity: dict[str, Any]) -> float:
        held = [name for kind in ("name", "alias") for name in entity["properties"].get(kind, [])]
        pairs = ((_plain(name), _plain(other)) for name in names for other in held)
        return round(max((SequenceMatcher(None, *pair).ratio() for pair in pairs), default=0.0), 4)


def _plain(name: str) -> str:
    """Without accents, case and the order of its words."""
    bare = "".join(c for c in unicodedata.normalize("NFKD", name.lower()) if c.isalnum() or c.isspace())
    return " ".join(sorted(bare.split()))


def _error(status: int, detail: str) -> web.Response:
    return web.json_response({"detail": detail}, status=status)
