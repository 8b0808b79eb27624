"""OFAC's publication service: the world's newest SDN publication with validators and the redirect to file storage."""

import hashlib
import json
import re
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from pathlib import Path

FILES = ("sdn.csv", "add.csv", "alt.csv", "sdn_comments.csv")


class Publication:
    """The files of the newest folder below `<world>/landing/ofac`. Folder names are dates (`2026-01-01`, `2026-01`)."""

    def __init__(self, world_dir: Path) -> None:
        folders = sorted(Path(world_dir).glob("landing/ofac/*/sdn.csv"))
        self.files: dict[str, bytes] = {}
        self.etags: dict[str, str] = {}
        self.published_at = datetime(1970, 1, 1, tzinfo=UTC)
        if folders:
            folder = folders[-1].parent
            self.published_at = _published_at(folder)
            for name in FILES:
                if (folder / name).is_file():
                    self.files[name] = (folder / name).read_bytes()
                    self.etags[name] = f'"{hashlib.sha256(self.files[name]).hexdigest()[:32]}"'

    @property
    def last_modified(self) -> str:
        return format_datetime(self.published_at, usegmt=True)

    def is_unchanged(self, name: str, if_none_match: str | None, if_modified_since: str | None) -> bool:
        """Whether the client's validators still hold; If-None-Match wins over If-Modified-Since (RFC 9110, 13.2.2)."""
        if if_none_match is not None:
            return self.etags[name] in re.findall(r'"[^"]*"', if_none_match) or if_none_match.strip() == "*"
        if if_modified_since is None:
            return False
        try:
            return self.published_at <= parsedate_to_datetime(if_modified_since)
        except (TypeError, ValueError):
            return False


def _published_at(folder: Path) -> datetime:
    manifest = folder / "_manifest.json"
    if manifest.is_file():
        delivered_at = json.loads(manifest.read_text(encoding="utf-8")).get("delivered_at")
        if delivered_at:
            moment = datetime.fromisoformat(delivered_at).replace(microsecond=0)
            return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    year, month, *day = (int(part) for part in re.findall(r"\d+", folder.name)[:3])
    return datetime(year, month, *(day or [1]), tzinfo=UTC)
