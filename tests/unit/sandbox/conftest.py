"""One small world for all tests of this folder: enough customers for several cases of every kind."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.world import WorldSummary, generate

CUSTOMERS, DAYS, SEED = 400, 24, 7


@pytest.fixture(scope="session")
def summary(tmp_path_factory: pytest.TempPathFactory) -> WorldSummary:
    return generate(tmp_path_factory.mktemp("world"), customers=CUSTOMERS, days=DAYS, seed=SEED)


@pytest.fixture(scope="session")
def world(summary: WorldSummary) -> Path:
    """Folder of the small world (landing, truth, vendor)."""
    return Path(summary.directory)
