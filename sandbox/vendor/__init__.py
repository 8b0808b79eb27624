"""The vendor sandbox: an HTTP server that answers as the vendors and the publishers of watchlists do.

Belongs here: the vendors' contracts (paths, headers, states, errors) served from the sandbox world's data.
Does not: the world itself (its files lie below `<world>/vendor` and `<world>/landing`), loaders, any real vendor data.
"""

from sandbox.vendor.faults import CONTROL_PATH, Faults
from sandbox.vendor.kyt import KYT_PATH, TOKEN
from sandbox.vendor.process import ServerProcess, start
from sandbox.vendor.publications import EU_TOKEN, OFAC_PATH, ListFaults
from sandbox.vendor.server import Vendor, in_thread, serve

__all__ = ["CONTROL_PATH", "EU_TOKEN", "KYT_PATH", "OFAC_PATH", "TOKEN"]
__all__ += ["Faults", "ListFaults", "ServerProcess", "Vendor", "in_thread", "serve", "start"]
