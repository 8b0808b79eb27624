"""OFAC's publication service as a client sees it: a download address that redirects to storage with validators.

Belongs here: paths, redirects, conditional requests. What is published comes from `publications`.
"""

from pathlib import Path

from aiohttp import web

from sandbox.vendor.publications import FILES, Publication

OFAC_PATH = "/api/PublicationPreview/exports"
STORAGE_PATH = "/ofac-storage"


class Ofac:
    """The request handler over the publications of one sandbox world."""

    def __init__(self, world_dir: Path) -> None:
        self.publication = Publication(world_dir)

    async def __call__(self, request: web.BaseRequest, path: str, query: str) -> web.Response:
        name = path.rpartition("/")[2].lower()
        if request.method not in ("GET", "HEAD"):
            return web.Response(status=405, text="publications are read with GET")
        if name not in FILES or name not in self.publication.files:
            return web.Response(status=404, text=f"no such publication: {name}")
        if request.raw_path.startswith(OFAC_PATH):
            return web.Response(status=302, headers={"Location": f"{STORAGE_PATH}/{name}"})
        headers = {"ETag": self.publication.etags[name], "Last-Modified": self.publication.last_modified}
        if self.publication.is_unchanged(
            name, request.headers.get("If-None-Match"), request.headers.get("If-Modified-Since")
        ):
            return web.Response(status=304, headers=headers)
        return web.Response(body=self.publication.files[name], content_type="text/csv", headers=headers)
