"""The sandbox exchange as the source of a run: the one place that knows the sandbox.

Belongs here: making its world, starting its vendor server, pointing dlt's configuration at both. Not here: anything a
real exchange would need; a run with `--config` never comes here.
"""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path

from orchestration import progress
from orchestration.origin import OriginError

FILE_FEEDS = ("exchange", "kyc", "bank", "onchain", "cases", "tagpacks", "prices", "travel_rule", "behaviour")
# Pseudonyms in the sandbox hide nobody; a real exchange sets its own secret.
SANDBOX_PSEUDONYM_KEY = "sandbox"


@dataclass(frozen=True)
class World:
    """What a sandbox world is made from: same values, same bytes."""

    customers: int = 5_000
    days: int = 90
    seed: int = 7
    start: str = "2026-01-01"

    @property
    def first_day(self) -> date:
        return date.fromisoformat(self.start)

    @property
    def last_day(self) -> date:
        return self.first_day + timedelta(days=self.days - 1)


def existing(folder: Path) -> World | None:
    """The finished world in `folder`, if there is one."""
    stamp = folder / "world.json"
    return World(**json.loads(stamp.read_text())) if stamp.exists() else None


def choose(folder: Path, given: dict[str, int], in_use: bool) -> World:
    """The world to run on: the one that is there, else a new one of the given (or default) size.

    Raises OriginError where the options ask for another world than the one a warehouse was already loaded from
    (`in_use`): two worlds in one warehouse would be neither.
    """
    there = existing(folder)
    wanted = World(**{**(asdict(there) if there else {}), **given})
    if there and in_use and wanted != there:
        raise OriginError(
            f"This data directory was loaded from another sandbox exchange ({there.customers:,} customers, "
            f"{there.days} days, seed {there.seed}). Delete {folder.parent}, or set another PLUMBLINE_HOME."
        )
    return wanted


def make(world: World, folder: Path, say: Callable[[str], None]) -> bool:
    """Makes the world in `folder` unless it is there already; returns whether it was made."""
    if existing(folder) == world:
        return False
    from sandbox.world import generate

    say(f"Making the sandbox exchange: {world.customers:,} customers, {world.days} days, seed {world.seed}.")
    shutil.rmtree(folder, ignore_errors=True)
    generate(folder, customers=world.customers, days=world.days, seed=world.seed, start=world.first_day,
             progress=lambda stage: progress.report(f"sandbox exchange: {stage}"))  # fmt: skip
    (folder / "world.json").write_text(json.dumps(asdict(world)) + "\n")
    return True


@contextmanager
def vendors(folder: Path, every: bool = False) -> Iterator[None]:
    """Serves the world's vendors on loopback and points dlt's configuration at the world, for this process and its
    children; both end together. `every`: at the vendors that a default run leaves out, too."""
    from sandbox import vendor

    with vendor.start(folder) as server:
        settings = sources(folder, server.kyt_url, server.token) | (every_feed(folder, server.url) if every else {})
        before = {name: os.environ.get(name) for name in settings}
        os.environ.update(settings)
        try:
            yield
        finally:
            for name, value in before.items():
                os.environ.pop(name, None) if value is None else os.environ.__setitem__(name, value)


def sources(folder: Path, kyt_url: str, token: str) -> dict[str, str]:
    """dlt's configuration of every feed, as environment variables."""
    settings = {f"SOURCES__{feed.upper()}__BUCKET_URL": str(folder / "landing" / feed) for feed in FILE_FEEDS}
    settings |= {"SOURCES__WATCHLISTS__OFAC_SDN_URL": str(folder / "landing" / "ofac")}
    settings |= {"SOURCES__CHAINALYSIS__API_URL": kyt_url, "SOURCES__CHAINALYSIS__API_KEY": token}
    # Some of the sandbox's transfers are never finished: nobody waits for them as long as for the real vendor.
    settings |= {"SOURCES__CHAINALYSIS__POLL_SECONDS": "1.5"}
    return settings | pseudonym_key()


def pseudonym_key() -> dict[str, str]:
    """The key of the pseudonyms of a sandbox's marts, as environment variable: the user's own, if there is one."""
    return {"PLUMBLINE_PSEUDONYM_KEY": os.environ.get("PLUMBLINE_PSEUDONYM_KEY") or SANDBOX_PSEUDONYM_KEY}


def every_feed(folder: Path, url: str) -> dict[str, str]:
    """dlt's configuration of what a default run leaves out, on the sandbox server at `url`."""
    return {
        f"SOURCES__{feed}__{setting}".upper(): value
        for settings_of in (_risk_vendors, _watchlists, _case_systems, _identity_vendors, _chains)
        for feed, settings in settings_of(folder, url).items()
        for setting, value in settings.items()
    }


def _risk_vendors(_folder: Path, url: str) -> dict[str, dict[str, str]]:
    from sandbox.vendor import elliptic, risk, trm

    return {
        # Chainalysis' two address products; the key of the first is the KYT key of `sources`.
        "chainalysis": {
            "risk_url": url + risk.RISK_PATH,
            "sanctions_url": url,
            "sanctions_api_key": risk.SANCTIONS_KEY,
        },
        "trm": {"api_url": url + trm.TRM_PATH, "api_key": trm.TRM_KEY, "poll_seconds": "1.5"},
        "elliptic": {
            "api_url": f"{url}{elliptic.ELLIPTIC_PATH}/v2",
            "api_key": elliptic.ELLIPTIC_KEY,
            "api_secret": elliptic.ELLIPTIC_SECRET,
        },
    }


def _watchlists(_folder: Path, url: str) -> dict[str, dict[str, str]]:
    from sandbox.vendor import publications

    return {
        "watchlists": {
            "un_sc_url": url + publications.UN_PATH,
            "eu_fsf_url": url + publications.EU_PATH,
            "eu_fsf_token": publications.EU_TOKEN,
            "uk_sl_url": f"{url}{publications.UK_PATH}.xml",
            "opensanctions_url": url + publications.OPENSANCTIONS_PATH,
            "retry_seconds": "0.1",
        }
    }


def _case_systems(_folder: Path, url: str) -> dict[str, dict[str, str]]:
    from sandbox.vendor import marble, unit21

    return {
        "cases": {
            "marble_base_url": url + marble.PATH,
            "marble_api_key": marble.KEY,
            "unit21_base_url": f"{url}{unit21.PATH}/v1",
            "unit21_api_key": unit21.KEY,
        }
    }


def _identity_vendors(folder: Path, url: str) -> dict[str, dict[str, str]]:
    from sandbox.vendor import onfido, persona, sumsub

    kept = folder / "webhooks"
    return {
        "kyc": {
            "sumsub_api_url": url + sumsub.SUMSUB_PATH,
            "sumsub_api_key": sumsub.APP_TOKEN,
            "sumsub_api_secret": sumsub.SECRET,
            "sumsub_webhooks_url": str(sumsub.webhooks(folder, kept / "sumsub")),
            "sumsub_webhook_secret": sumsub.WEBHOOK_SECRET,
            "onfido_api_url": url + onfido.ONFIDO_PATH,
            "onfido_api_key": onfido.TOKEN,
            "onfido_webhooks_url": str(onfido.webhooks(folder, kept / "onfido")),
            "onfido_webhook_secret": onfido.WEBHOOK_SECRET,
            "persona_api_url": url + persona.PERSONA_PATH,
            "persona_api_key": persona.KEY,
        }
    }


def _chains(_folder: Path, url: str) -> dict[str, dict[str, str]]:
    return {
        "onchain": {
            "ethereum_rpc_url": f"{url}/ethereum-rpc",
            "bitcoin_rpc_url": f"{url}/bitcoin-rpc",
            "bitcoin_rpc_user": "sandbox",
            "bitcoin_rpc_password": "sandbox",
            "esplora_url": f"{url}/esplora/api",
            "etherscan_url": f"{url}/etherscan",
            "etherscan_key": "sandbox-etherscan-key",
            "blockscout_url": f"{url}/blockscout",
        }
    }
