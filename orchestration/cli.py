"""The command line.

Belongs here: options, exit codes, which part does the work. Not here: the work. Everything heavy is imported where it
is used, so that `plumbline --help` and `plumbline status` answer at once.

Exit codes of `run` and `status`: 0 the run can be trusted, 1 it finished and cannot, 2 it did not finish.
"""

import json
import os
import sys
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread

import click

from orchestration import home as homes
from orchestration.look_back.commands import lookback, trace
from orchestration.shell import console, done_or_exit, instant, refused


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="plumbline", prog_name="plumbline")
def main() -> None:
    """A compliance warehouse that can prove itself.

    Everything is written below PLUMBLINE_HOME (default: .plumbline in the working directory).
    """


def _world_options(command):
    for option in (
        click.option("--seed", type=int, help="Seed of the sandbox exchange: same seed, same bytes.  [default: 7]"),
        click.option("--days", type=click.IntRange(1, 3660), help="Days of the sandbox exchange.  [default: 90]"),
        click.option("--customers", type=click.IntRange(1), help="Customers of the sandbox exchange.  [default: 5000]"),
    ):
        command = option(command)
    return command


_every = click.option(
    "--every-feed", "every", is_flag=True, help="Ask all vendors of the sandbox exchange, not only the usual ones."
)
_config = click.option(
    "--config",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder holding .dlt/config.toml (and secrets.toml): run on real feeds instead of the sandbox exchange.",
)


@main.command()
@_config
@_world_options
@_every
@click.option("--target", type=click.Choice(["duckdb", "spark"]), default="duckdb", show_default=True, help="Engine.")
@click.option("--as-of", help="Rebuild what was known at this instant (ISO, UTC), aside: in PLUMBLINE_HOME/as_of/.")
def run(config, customers, days, seed, every, target, as_of) -> None:
    """Run the main job: load every feed, build and check the warehouse, raise alerts, publish the marts."""
    if config and (customers or days or seed or every):
        raise click.UsageError(
            "--customers, --days, --seed and --every-feed belong to the sandbox exchange; leave them out."
        )
    os.environ["PLUMBLINE_TARGET"] = target
    if as_of:
        if config or customers or days or seed or every:
            raise click.UsageError("--as-of reads no feed, only what is loaded; leave the other options out.")
        os.environ["PLUMBLINE_HOME"] = str(_look_back(as_of))
    root = homes.prepare_home()
    _read_project_ahead()
    from orchestration import progress
    from orchestration.screen import Screen, quiet_output

    failure = kept = None
    with quiet_output(root / "plumbline.log") as console:
        screen = Screen(console)
        try:
            with (
                screen.showing(),
                progress.listening(screen.detail),
                _feeds(config, _given(customers, days, seed), screen.say, every) as period,
            ):
                from orchestration import runs

                kept = runs.refresh(screen, period)
        except KeyboardInterrupt:
            failure = "interrupted"
        except click.ClickException as refusal:
            failure = refusal.message
        except Exception as error:
            import traceback

            traceback.print_exc()  # to the log
            failure = f"{type(error).__name__}: {error}"
    if failure:
        click.echo(f"The run did not finish: {failure}\nMore in {root / 'plumbline.log'}", err=True)
        sys.exit(2)
    _print(kept, root)


@main.command()
@click.option("--json", "as_json", is_flag=True, help="For machines: one JSON object.")
def status(as_json) -> None:
    """Print the last run's accounting again."""
    from orchestration import accounting, run_lock

    root = homes.home()
    kept = accounting.last(root) if root.exists() else None
    if kept is None:
        click.echo("There is no run yet. Start one with: plumbline run", err=True)
    elif kept["outcome"] == accounting.RUNNING:
        if run_lock.holder(root):
            before = accounting.last(root, before=kept)
            which = "this is the one before" if before else "there is none before it"
            click.echo(f"Run {kept['run']['id'][:8]} is at work; {which}.", err=True)
            kept = before
        else:
            kept = accounting.killed(kept)
    if as_json:
        click.echo(json.dumps(accounting.public(kept), indent=2))
    elif kept:
        _print(kept, root)
    sys.exit(accounting.exit_code(kept) if kept else 2)


@main.command()
@_config
@_world_options
@click.option("--port", type=int, default=3000, show_default=True, help="Port on 127.0.0.1.")
def ui(config, customers, days, seed, port) -> None:
    """Open Dagster on the same instance, with the runs already made in it."""
    homes.prepare_home()
    from orchestration import ui as user_interface

    with _feeds(config, _given(customers, days, seed), click.echo):
        sys.exit(user_interface.serve(port, click.echo))


@main.group()
def sandbox() -> None:
    """The sandbox exchange by itself: make a world, serve its vendors, replay recorded ones."""


@sandbox.command()
@click.argument("folder", type=click.Path(path_type=Path))
@_world_options
def generate(folder, customers, days, seed) -> None:
    """Make a world in FOLDER: landing/ for loaders, vendor/ for the server, truth/ for tests."""
    from orchestration import demo

    made = demo.make(demo.choose(folder, _given(customers, days, seed), in_use=False), folder, click.echo)
    click.echo(f"{folder} holds the world." if made else f"{folder} holds this world already.")


def _list_faults(context, _, is_asked) -> None:
    if is_asked and not context.resilient_parsing:
        from sandbox.vendor.faults import FAULTS

        width = max(map(len, FAULTS))
        for name, what in FAULTS.items():
            click.echo(f"{name:{width}}  {what}")
        context.exit()


@sandbox.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--port", type=int, default=0, help="0 takes a free port.")
@click.option("--faults", multiple=True, metavar="NAME[=VALUE],...", help="What goes wrong: all, or names.")
@click.option(
    "--list-faults",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_list_faults,
    help="Say what can go wrong, a line each, and stop.",
)
def serve(folder, port, faults) -> None:
    """Serve the vendors of the world in FOLDER on 127.0.0.1 until interrupted."""
    from sandbox.vendor import Faults
    from sandbox.vendor import serve as serve_vendors

    try:
        switched_on = Faults.parse(faults)
    except ValueError as problem:
        raise click.BadParameter(str(problem), param_hint="--faults") from None
    serve_vendors(folder, port=port, faults=switched_on)


@sandbox.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--port", type=int, default=0, help="0 takes a free port.")
def replay(folder, port) -> None:
    """Replay the recorded vendor exchanges (VCR cassettes) in FOLDER on 127.0.0.1 until interrupted."""
    from sandbox.replay import serve as serve_recorded

    serve_recorded(folder, port=port)


@main.group()
def rejects() -> None:
    """Records that could not be used: see them, and bring them in after a mapping or a parser was put right."""


_feed = click.option("--feed", help="Only this feed.")


@rejects.command("list")
@_feed
@click.option("--closed", is_flag=True, help="Those whose record came in: by a replay, or by itself (arrived).")
@click.option("--json", "as_json", is_flag=True, help="For machines: a JSON list, with the records (personal data).")
def list_rejects(feed, closed, as_json) -> None:
    """List the open rejects, oldest first."""
    from orchestration import rejects as known

    closed_ones = refused(known.closed_rejects, feed)
    rows = closed_ones if closed else refused(known.open_rejects, feed)
    if as_json:
        click.echo(known.as_json(rows))
    else:
        known.show_list(console(), rows, closed_ones, is_closed=closed)


@rejects.command("show")
@click.argument("reject_id")
def show_reject(reject_id) -> None:
    """Print one reject whole, with the record as delivered (it may hold personal data)."""
    from orchestration import rejects as known

    rows = refused(known.open_rejects) + refused(known.closed_rejects)
    click.echo(known.as_json(refused(known.chosen, rows, reject_id)))


@rejects.command("replay")
@click.argument("reject_ids", nargs=-1)
@_feed
@_config
def replay_rejects(reject_ids, feed, config) -> None:
    """Read rejects again with today's code and mappings, and load the records that are good now, exactly once."""
    with _feeds(config, {}, click.echo):
        from orchestration import rejects as open_ones

        rows = refused(open_ones.open_rejects, feed)
        if reject_ids:
            rows = [refused(open_ones.chosen, rows, beginning) for beginning in reject_ids]
        came_in = open_ones.run_replay(rows, click.echo)
    click.echo(f"{came_in:,} of {len(rows):,} came in." + (" Next: plumbline run" if came_in else ""))


@main.group()
def features() -> None:
    """The feature store: a frame to train models on."""


@features.command("export")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--as-of", help="What was known at this instant (ISO, UTC); run plumbline run --as-of before.")
@click.option("--labels", is_flag=True, help="Add what investigators decided, as it is known now.")
def export_features(file, as_of, labels) -> None:
    """Write every feature of every monitored transfer leg to FILE (Parquet), without what looks ahead."""
    from orchestration import training

    moment = instant(as_of) if as_of else None
    done = refused(training.export, homes.home(), file, moment, labels)
    labelled = f", {done.labelled:,} of them with a label" if labels else ""
    click.echo(f"{file}: {done.rows:,} legs with {done.features} features{labelled}.")


@main.command()
def sources() -> None:
    """Print the inventory of sources: publisher, owner, cadence, licence, personal data, tables (Markdown)."""
    homes.prepare_home()
    from orchestration.sources import page

    click.echo(page(), nl=False)


@main.command()
def coverage() -> None:
    """Print the coverage matrix of the published marts: red flags, scenarios, products, tests, gaps (Markdown)."""
    from orchestration.coverage import page
    from orchestration.publication import FILE

    click.echo(page(_published() / FILE), nl=False)


@main.command()
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), help="Folder to write to.  [default: <home>/dashboard]"
)
def dashboard(out) -> None:
    """Make the dashboard of the published marts, a page that needs no server; each run makes it as well."""
    from orchestration.dashboard import write

    click.echo(write(_published(), out or homes.home() / "dashboard"))


def _published() -> Path:
    """The folder of the version that readers see."""
    from orchestration import publication

    current = publication.current(homes.home() / "published")
    if current is None:
        raise click.ClickException("Nothing is published yet. Run first: plumbline run")
    return current


def _read_project_ahead() -> None:
    """Lets dbt read the project while the feeds are made ready. What goes wrong is said where the run asks for it."""

    def read() -> None:
        with suppress(Exception):
            from orchestration.dbt import prepared_project

            prepared_project()

    Thread(target=read, name="dbt project", daemon=True).start()


@main.command()
@click.option(
    "--labels",
    type=click.Path(dir_okay=False, path_type=Path),
    help="CSV of known cases (docs/guide/detection.md).  [default: those of the sandbox exchange]",
)
@click.option(
    "--write",
    type=(click.Path(dir_okay=False, path_type=Path), str),
    metavar="FILE SECTION",
    help="Put it into a Markdown file instead, between <!-- detection: SECTION --> and <!-- end -->.",
)
def detection(labels, write) -> None:
    """Print what alerts found of known cases: recall by typology, alerts per 1,000 customers (Markdown)."""
    from orchestration import detection as found

    root = homes.home()
    page = refused(found.page, labels or root / "sandbox/truth/labels.csv", root / "warehouse.duckdb")
    if write:
        refused(found.write, page, *write)
    else:
        click.echo(page, nl=False)


def _given(customers, days, seed) -> dict[str, int]:
    options = {"customers": customers, "days": days, "seed": seed}
    return {name: value for name, value in options.items() if value is not None}


@contextmanager
def _feeds(config, given, say, every=False):
    """Points dlt at the feeds for as long as the work lasts; yields the first and last business day of the run.

    Raises ClickException where the data directory was loaded from elsewhere.
    """
    from orchestration import demo, origin

    root = homes.home()
    wanted = origin.of_run(config)
    there = origin.read(root)
    if there and there.kind == origin.LOOK_BACK and wanted.kind == origin.SANDBOX and not given:
        wanted = there  # nothing to point at: the feeds' assets leave raw as it is
    refused(origin.claim, root, wanted)
    today = datetime.now(UTC).date()  # whatever was delivered up to today and is not loaded yet
    if wanted.kind == origin.LOOK_BACK:
        os.environ.update({} if there.config else demo.pseudonym_key())
        yield today, today
    elif wanted.kind == origin.CONFIG:
        os.environ["DLT_PROJECT_DIR"] = wanted.config
        yield today, today
    else:
        world = refused(demo.choose, root / "sandbox", given, (root / "warehouse.duckdb").exists())
        demo.make(world, root / "sandbox", say)
        with demo.vendors(root / "sandbox", every):
            yield world.first_day, world.last_day


def _look_back(as_of: str) -> Path:
    """The directory in which `run --as-of` works."""
    from orchestration.look_back import copies

    return done_or_exit(copies.prepare, homes.home(), instant(as_of), click.echo)


def _print(kept: dict, root: Path) -> None:
    from orchestration import accounting, summary

    summary.show(console(), kept, root)
    sys.exit(accounting.exit_code(kept))


main.add_command(lookback)
main.add_command(trace)


if __name__ == "__main__":
    main()
