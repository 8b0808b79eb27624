"""The vendor sandbox: an HTTP server that answers as Chainalysis KYT, OFAC's publication service, nodes and block
explorers do.

Belongs here: the vendors' contracts (paths, headers, states, errors) served from the sandbox world's data.
Does not: the world itself (its files lie below `<world>/vendor` and `<world>/landing`), loaders, any real vendor data.
"""

from sandbox.vendor.process import ServerProcess, start
from sandbox.vendor.server import KYT_PATH, OFAC_PATH, TOKEN, Faults, Vendor, in_thread, serve

__all__ = ["KYT_PATH", "OFAC_PATH", "TOKEN", "Faults", "ServerProcess", "Vendor", "in_thread", "serve", "start"]
