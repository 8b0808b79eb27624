"""`python -m sandbox.vendor WORLD_DIR --port N`: the vendor sandbox on loopback, until it is interrupted."""

import argparse
from pathlib import Path

from sandbox.vendor.faults import Faults
from sandbox.vendor.kyt import TOKEN
from sandbox.vendor.publications import ListFaults
from sandbox.vendor.server import serve


def main() -> None:
    """The command line of `python -m sandbox.vendor`."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.vendor", description=__doc__)
    parser.add_argument("world_dir", type=Path)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free port")
    parser.add_argument("--token", default=TOKEN, help="the API key that the KYT end-points accept")
    parser.add_argument(
        "--faults",
        action="append",
        default=[],
        metavar="NAME[=VALUE],...",
        help="what goes wrong: all, or names of docs/guide/sandbox.md; STATUS:EVERY = every n-th request gets STATUS",
    )
    parser.add_argument(
        "--list-fault",
        action="append",
        default=[],
        metavar="error|cut:PATH:TIMES",
        help="answer the next TIMES requests for a watchlist whose path ends in PATH with HTTP 500, or cut it off",
    )
    parser.add_argument("--exit-with-stdin", action="store_true", help="end when standard input closes")
    arguments = parser.parse_args()
    serve(
        arguments.world_dir,
        host=arguments.host,
        port=arguments.port,
        token=arguments.token,
        faults=Faults.parse(arguments.faults),
        list_faults=ListFaults.parse(arguments.list_fault),
        exit_with_stdin=arguments.exit_with_stdin,
    )


if __name__ == "__main__":
    main()
