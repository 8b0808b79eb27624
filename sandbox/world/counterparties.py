"""Who stands on the other side of a crypto transfer: services with a category, customers' own wallets, unknown wallets.

All services are invented. `pool` holds every external address once; ledger rows refer to it by position.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sandbox.world import addresses
from sandbox.world.definitions import BITCOIN, CHAINS, ETHEREUM, TRON
from sandbox.world.people import People
from sandbox.world.streams import Streams

# name, vendor category, share of service traffic, chains. Categories without share appear only in planted cases.
_SERVICES = (
    ("Northgate Exchange", 21, 22, (0, 1, 2)), ("Kestrel Markets", 21, 16, (0, 1, 2)),
    ("Meridian Coin", 21, 12, (0, 1, 2)), ("Tallow & Pine Exchange", 21, 8, (0, 1)),
    ("Sunda Exchange", 21, 6, (1, 2)), ("Openbook Pro", 21, 5, (0, 1)), ("Hearthwallet", 11, 6, (0, 1, 2)),
    ("Pocketbase Custody", 11, 4, (0, 1)), ("Brindle Pay", 17, 5, (0, 1, 2)), ("Quillmart Checkout", 17, 3, (0, 1)),
    ("Petrel Swap", 27, 6, (1,)), ("Ostara DEX", 27, 4, (1,)), ("Lantern Lend", 26, 2, (1,)),
    ("Causeway Bridge", 37, 2, (1,)), ("Deepwell Pool", 7, 3, (0,)), ("Ironvein Mining", 22, 1, (0,)),
    ("Blockfair NFT House", 38, 1, (1,)), ("unnamed service 5512", 41, 3, (0, 1, 2)),
    ("Lucky Heron Casino", 16, 2.2, (0, 1, 2)), ("Redbarn Bets", 16, 1.2, (0, 2)), ("Handshake P2P", 19, 1.6, (0, 2)),
    ("Corner Kiosk Network", 24, 0.8, (0,)), ("Greyport OTC", 4, 0.5, (0, 1, 2)), ("Muddle Mixer", 13, 0.25, (0,)),
    ("Whirl Protocol", 33, 0.2, (1,)), ("Cellar Market", 2, 0.08, (0,)), ("Gilded Returns", 18, 0.25, (0, 1, 2)),
    ("Card Shed", 28, 0.04, (0,)), ("Latchkey Ransom", 12, 0, (0,)), ("Brindisi Breach", 6, 0, (0, 1)),
    ("Vault Nine Theft", 42, 0, (0,)), ("Ether Nine Theft", 43, 0, (1,)), ("Pillbottle Pharmacy", 36, 0, (0,)),
    ("Keylog Kit", 35, 0, (0,)), ("Shadow Broker Ring", 29, 0, (0, 1)), ("Frontier Exchange", 25, 0, (0, 1, 2)),
    ("Measure 9714 Bank", 34, 0, (0,)), ("Harm Archive", 1, 0, (0, 1)), ("Sanctioned Front Trading", 3, 0, (0, 1, 2)),
    ("Ashen Banner Fund", 23, 0, (0, 1, 2)), ("Bulletproof Host 7", 30, 0, (0,)),
)  # fmt: skip
_ADDRESSES_PER_SERVICE = 24


@dataclass
class Counterparties:
    """`pool[i]` address, `pool_chain[i]` chain, `pool_service[i]` service or -1 (a wallet nobody attributes).

    `own[chain, account]` is the account holder's own wallet, `home[chain, account]` the address of the other exchange
    they use, `deposit[chain, account]` the address our exchange gave them. `spare[chain]` are wallets of strangers,
    handed out one at a time to planted cases. `hot`/`cold` are our own wallets by chain.
    """

    name: list[str]
    category: list[int]
    pool: np.ndarray
    pool_chain: np.ndarray
    pool_service: np.ndarray
    by_service: dict[tuple[int, int], np.ndarray]
    own: np.ndarray
    home: np.ndarray
    deposit: np.ndarray
    hot: list[list[str]]
    cold: list[str]
    spare: list[list[int]]
    share: np.ndarray

    def service_with(self, category: int, chain: int) -> int:
        """The service of a category on a chain; any chain's when there is none there."""
        fitting = [s for s, c in enumerate(self.category) if c == category]
        on_chain = [s for s in fitting if (s, chain) in self.by_service]
        return (on_chain or fitting)[0]

    def take_spare(self, chain: int) -> int:
        """Position in the pool of a stranger's wallet that nobody has used yet."""
        return self.spare[chain].pop()


def make_counterparties(people: People, streams: Streams) -> Counterparties:
    """Draws the addresses outside the exchange, each with its chain and the service it belongs to."""
    pool: list[np.ndarray] = []
    chains: list[np.ndarray] = []
    services: list[np.ndarray] = []
    size = 0

    def add(made: np.ndarray, chain: int, service: int) -> np.ndarray:
        nonlocal size
        pool.append(made)
        chains.append(np.full(len(made), chain, dtype=np.int8))
        services.append(np.full(len(made), service, dtype=np.int16))
        size += len(made)
        return np.arange(size - len(made), size)

    by_service = {}
    for chain in (BITCOIN, ETHEREUM, TRON):
        here = [number for number, row in enumerate(_SERVICES) if chain in row[3]]
        made = addresses.make(chain, streams("service", CHAINS[chain]), _ADDRESSES_PER_SERVICE * len(here))
        for place, number in enumerate(here):
            part = made[place * _ADDRESSES_PER_SERVICE : (place + 1) * _ADDRESSES_PER_SERVICE]
            by_service[number, chain] = add(part, chain, number)
    accounts = people.accounts
    own = np.empty((3, accounts), dtype=np.int64)
    home = np.empty((3, accounts), dtype=np.int64)
    deposit = np.empty((3, accounts), dtype=object)
    spare = []
    for chain in (BITCOIN, ETHEREUM, TRON):
        own[chain] = add(addresses.make(chain, streams("own", CHAINS[chain]), accounts), chain, -1)
        deposit[chain] = addresses.make(chain, streams("deposit", CHAINS[chain]), accounts)
        rng = streams("home", CHAINS[chain])
        exchanges = [s for s, row in enumerate(_SERVICES) if row[1] == 21 and chain in row[3]]
        weights = np.array([_SERVICES[s][2] for s in exchanges], dtype=float)
        chosen = rng.choice(len(exchanges), accounts, p=weights / weights.sum())
        table = np.stack([by_service[s, chain] for s in exchanges])
        home[chain] = table[chosen, rng.integers(0, _ADDRESSES_PER_SERVICE, accounts)]
        strangers = addresses.make(chain, streams("spare", CHAINS[chain]), 2_500)
        spare.append(add(strangers, chain, -1).tolist())
    hot = [list(addresses.make(chain, streams("hot", CHAINS[chain]), 4)) for chain in range(3)]
    cold = [str(addresses.make(chain, streams("cold", CHAINS[chain]), 1)[0]) for chain in range(3)]
    return Counterparties(
        name=[row[0] for row in _SERVICES],
        category=[row[1] for row in _SERVICES],
        pool=np.concatenate(pool),
        pool_chain=np.concatenate(chains),
        pool_service=np.concatenate(services),
        by_service=by_service,
        own=own,
        home=home,
        deposit=deposit,
        hot=hot,
        cold=cold,
        spare=spare,
        share=np.array([row[2] for row in _SERVICES], dtype=float),
    )
