"""Where a data directory's data comes from, written down in it, so that two origins never meet in one warehouse.

Belongs here: the stamp home/origin.json, and refusing whatever does not fit it. Not here: reading from an origin
(demo.py for the sandbox exchange, dlt's configuration for a `--config` folder, look_back/copies.py for a past instant).
"""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

SANDBOX, CONFIG, LOOK_BACK = "sandbox", "config", "look-back"


class OriginError(ValueError):
    """The data directory holds data of another origin; the message says what to do."""


@dataclass(frozen=True)
class Origin:
    """`kind`: the sandbox exchange, the feeds of a configuration folder, or another data directory as it was known at
    an instant. `config`: that folder (absolute); a look-back keeps the one of the directory it was copied from.
    `as_of`: that instant, UTC, `YYYY-MM-DD HH:MM:SS`. `copy_of`: the directory it was copied from."""

    kind: str
    config: str | None = None
    as_of: str | None = None
    copy_of: str | None = None


def of_run(config: Path | None) -> Origin:
    """The origin that a command's options ask for."""
    return Origin(CONFIG, config=str(config.absolute())) if config else Origin(SANDBOX)


def read(root: Path) -> Origin | None:
    """What the data directory was loaded from; None before anything was."""
    path = _path(root)
    return Origin(**json.loads(path.read_text())) if path.exists() else None


def claim(root: Path, wanted: Origin) -> None:
    """Stamps the data directory with its origin. Raises OriginError where its warehouse has another one."""
    there = read(root)
    if there is not None and there != wanted and (root / "warehouse.duckdb").exists():
        raise OriginError(_refusal(root, there))
    write(root, wanted)


def write(root: Path, origin: Origin) -> None:
    temporary = _path(root).with_suffix(f".{os.getpid()}")
    temporary.write_text(json.dumps(asdict(origin)) + "\n")
    temporary.replace(_path(root))


def _path(root: Path) -> Path:
    return root / "origin.json"


def _refusal(root: Path, there: Origin) -> str:
    elsewhere = "or set another PLUMBLINE_HOME"
    if there.kind == SANDBOX:
        return f"{root} was loaded from the sandbox exchange. Leave --config out, {elsewhere}."
    if there.kind == CONFIG:
        return (
            f"{root} was loaded with --config {there.config}. Give that one, {elsewhere}. If it is the same exchange "
            f"and only its folder moved, delete {_path(root)} first."
        )
    return (
        f"{root} shows {there.copy_of} as it was known at {there.as_of} UTC, and loads nothing. Set PLUMBLINE_HOME to "
        f"{there.copy_of}."
    )
