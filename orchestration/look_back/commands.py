"""`plumbline lookback` and `plumbline trace`.

Belongs here: their options and exit codes. Not here: the work (run.py, ../trace/run.py), which is imported where it is
used, so that `plumbline --help` answers at once.
"""

import sys
from pathlib import Path

import click

from orchestration import home as homes
from orchestration.shell import console, done_or_exit, instant, worked

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
TRACED = ("subject", "transfer", "address")


@click.command()
@click.option("--from", "first", type=click.DateTime(["%Y-%m-%d"]), required=True, help="First event date (UTC).")
@click.option("--to", "last", type=click.DateTime(["%Y-%m-%d"]), required=True, help="Last event date, included.")
@click.option("--known-as-of", help="With what was known at this instant (ISO, UTC).")
@click.option("--known-now", is_flag=True, help="With today's knowledge; the default.")
@click.option("--raised-by", help="Compare with the alerts raised by this instant.  [default: see the guide]")
@click.option("--scenarios", multiple=True, metavar="ID[,ID]", help="Only these scenarios.  [default: all live ones]")
@click.option("--parameters", type=FILE, help="CSV of what-if steps: scenario_id, parameter_code, value.")
@click.option("--subjects", type=FILE, help="Only these parties or accounts: one id a line.")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Folder of the results.")
def lookback(first, last, known_as_of, known_now, raised_by, scenarios, parameters, subjects, out) -> None:
    """Replay a past period aside, and compare its alerts with those raised then.

    Exit codes: 0 the replay reconciles, 1 it does not, 2 it was refused or did not finish.
    """
    if known_as_of and known_now:
        raise click.UsageError("--known-as-of and --known-now exclude each other.")
    from orchestration.look_back import copies, request

    moment = instant(known_as_of, "--known-as-of") if known_as_of else None
    by = instant(raised_by, "--raised-by") if raised_by else None
    ids = [one for part in scenarios for one in part.split(",")]
    root = homes.home()
    done_or_exit(copies.of_sound_warehouse, root)
    asked = done_or_exit(request.make, first.date(), last.date(), moment, ids, parameters, subjects, by)
    homes.prepare_home()

    def work(say):
        from orchestration.look_back.run import run as look_back

        return look_back(root, asked, out, say)

    done = worked("look-back", root, work)
    from orchestration.look_back.screen import show

    show(console(), done)
    sys.exit(0 if done.reconciles else 1)


@click.command()
@click.option("--subject", help="A party or an account.")
@click.option("--transfer", help="A transfer, by its transfer_id.")
@click.option("--address", help="An address on a chain, or a bank account.")
@click.option("--hops", type=click.IntRange(1, 10), default=3, show_default=True, help="How far, each way.")
@click.option(
    "--fan-out", type=click.IntRange(1, 1000), default=20, show_default=True, help="Transfers followed a node."
)
@click.option("--as-of", help="With what was known at this instant (ISO, UTC).")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Folder of the results.")
def trace(subject, transfer, address, hops, fan_out, as_of, out) -> None:
    """Follow the money both ways through chain, exchange and fiat, with the attributions as known then."""
    given = [(kind, name) for kind, name in zip(TRACED, (subject, transfer, address), strict=True) if name]
    if len(given) != 1:
        raise click.UsageError("Give one of --subject, --transfer and --address.")
    from orchestration.look_back import copies

    moment = instant(as_of) if as_of else None
    done_or_exit(copies.of_sound_warehouse, homes.home())
    root = homes.prepare_home()

    def work(say):
        from orchestration.trace.run import run as follow

        return follow(root, *given[0], hops, fan_out, moment, out, say)

    found, folder = worked("trace", root, work)
    from orchestration.trace.screen import show

    show(console(), found, folder)
