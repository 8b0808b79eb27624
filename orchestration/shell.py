"""What the commands of the shell share: refusing with a sentence, working with progress, where they print.

Belongs here: what more than one command needs. Not here: the commands (cli.py, look_back/commands.py).
"""

import sys
from datetime import datetime
from pathlib import Path

import click


def worked(what: str, root: Path, work):
    """What `work(say)` returns, shown on a screen with its progress; exits with 2 where it was refused or failed."""
    from orchestration import progress
    from orchestration.screen import Screen, quiet_output

    with quiet_output(root / "plumbline.log") as console:
        screen = Screen(console)
        try:
            with screen.showing(), progress.listening(screen.detail):
                return work(screen.say)
        except KeyboardInterrupt:
            failure = "interrupted"
        except (LookupError, ValueError) as refusal:
            failure = str(refusal.args[0]) if refusal.args else type(refusal).__name__
        except Exception as error:
            import traceback

            traceback.print_exc()  # to the log
            failure = f"{type(error).__name__}: {error}\nMore in {root / 'plumbline.log'}"
    click.echo(f"The {what} did not finish: {failure}", err=True)
    sys.exit(2)


def done_or_exit(work, *with_):
    """What `work` returns; exits with 2 and the reason where it refuses."""
    try:
        return refused(work, *with_)
    except click.ClickException as refusal:
        click.echo(f"Not started: {refusal.message}", err=True)
        sys.exit(2)


def refused(work, *with_):
    """What `work` returns; what it refuses to do, with its reason, as an error of the command line."""
    from orchestration.origin import OriginError

    try:
        return work(*with_)
    except (LookupError, OriginError, ValueError) as error:
        raise click.ClickException(str(error)) from None


def instant(as_of: str, option: str = "--as-of") -> datetime:
    """The UTC instant (without a zone) that an option gives; an error of the command line where it is none."""
    from orchestration.look_back import copies

    try:
        return copies.instant(as_of)
    except ValueError:
        raise click.BadParameter(f"{as_of!r} is no ISO date or time.", param_hint=option) from None


def console():
    """Where results are printed: the terminal, or lines of 140 characters."""
    from rich.console import Console

    console = Console()
    return console if console.is_terminal else Console(width=140)
