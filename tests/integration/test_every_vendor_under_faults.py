"""Every vendor of the sandbox with every fault on, at a fixed seed: raw ends equal, row for row, to a quiet load."""

import shutil
from datetime import date
from pathlib import Path

import pytest
from all_feeds import load, settings
from main_job import fingerprints

from ingestion.vendor import VendorUnavailable
from sandbox import vendor
from sandbox.vendor.faults import ALL, Faults, switches
from sandbox.world import generate

FEEDS = ("kyc", "onchain", "chainalysis", "trm", "elliptic", "watchlists", "cases")
EVERY_FAULT = ALL | {"seed": 20261122, "duplicates": 0.5, "reorders": 0.5, "limits": 0.01, "latency_ms": 1}
LEAST = {"duplicates": 100, "reorders": 100, "limits": 3, "errors": 10, "cuts": 10, "inserts": 1}
"""How often each fault has to strike, so that a quiet run cannot pass for a disturbed one."""


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("faults") / "world"
    generate(folder, customers=20, days=3, seed=5, start=date(2026, 1, 1))
    return folder


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    for module in ("ingestion.vendor", "ingestion.chainalysis.client"):
        monkeypatch.setattr(f"{module}.FIRST_DELAY", 0.001)
        monkeypatch.setattr(f"{module}.LONGEST_DELAY", 0.001)


@pytest.fixture(autouse=True)
def small_pages(monkeypatch):
    """A small world has lists of several pages."""
    for size in ("kyc.onfido.PER_PAGE", "kyc.persona.PAGE_SIZE", "cases.marble.PAGE", "cases.unit21.PAGE"):
        monkeypatch.setattr(f"ingestion.{size}", 3)
    monkeypatch.setattr("ingestion.onchain.etherscan.ETHERSCAN_WINDOW", 7)
    monkeypatch.setattr("sandbox.vendor.esplora.PAGE", 4)


@pytest.fixture
def configured(world, monkeypatch):
    """Points the configuration at the vendors at a URL, and at no files but the ledger's."""

    def point(url: str) -> dict[str, str]:
        return {
            name: value
            for name, value in settings(world, url).items()
            if not name.endswith("BUCKET_URL") or "EXCHANGE" in name
        }

    for name in (*point("http://x"), "PLUMBLINE_HOME"):
        monkeypatch.setenv(name, "")  # what `load` sets is taken back after the test
    return point


def test_every_fault_at_every_vendor_ends_in_the_same_raw_tables(world, tmp_path, configured):
    quiet, disturbed = tmp_path / "quiet", tmp_path / "disturbed"
    with vendor.in_thread(vendor.Vendor(world)) as url:
        load(quiet, configured(url), ("exchange",))
        shutil.copytree(quiet, disturbed)
        load(quiet, configured(url), FEEDS)

    faults = Faults()
    with vendor.in_thread(vendor.Vendor(world, faults=faults)) as url:
        faults.set(switches({"down": ["/"]}))
        for feed in FEEDS:
            with pytest.raises(VendorUnavailable):
                load(disturbed, configured(url), (feed,))
        faults.set(switches(EVERY_FAULT))
        load(disturbed, configured(url), FEEDS)

    expected, found = (fingerprints(home / "warehouse.duckdb") for home in (quiet, disturbed))
    assert len(expected) > 30
    assert {name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name)} == set()
    assert {kind for kind, times in LEAST.items() if faults.done[kind] < times} == set(), faults.done
