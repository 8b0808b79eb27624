"""What a person sees while a run works.

Belongs here: progress on a terminal, and as plain lines where there is none. Not here: the summary (summary.py).
"""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

PLAIN_EVERY_SECONDS = 5.0


class Screen:
    """Progress of one run. `say` is for messages, `detail` for what is done right now, `event` for Dagster's events."""

    def __init__(self, console: Console):
        self.console = console
        self._started = time.monotonic()
        self._steps: dict[str, float] = {}
        self._last_detail = 0.0
        self._progress = None
        self._task = None
        if console.is_terminal:
            self._progress = Progress(
                SpinnerColumn(), TextColumn("{task.description}"), BarColumn(bar_width=20), MofNCompleteColumn(),
                TimeElapsedColumn(), console=console, transient=True, redirect_stdout=False, redirect_stderr=False,
            )  # fmt: skip

    @contextmanager
    def showing(self) -> Iterator["Screen"]:
        if self._progress is None:
            yield self
            return
        with self._progress:
            self._task = self._progress.add_task("starting", total=None)
            yield self

    def total(self, steps: int) -> None:
        if self._progress is not None:
            self._progress.update(self._task, total=steps)

    def say(self, message: str) -> None:
        """A message that stays."""
        if self._progress is not None:
            self._progress.console.print(message, highlight=False)
        else:
            self.console.print(f"[{time.monotonic() - self._started:5.0f} s] {message}", markup=False, highlight=False)

    def detail(self, message: str) -> None:
        """What is being done now; on a terminal in place, elsewhere one line every few seconds."""
        if self._progress is not None:
            width = max(20, self.console.width - 45)
            self._progress.update(self._task, description=message[:width])
        elif time.monotonic() - self._last_detail >= PLAIN_EVERY_SECONDS:
            self._last_detail = time.monotonic()
            self.say(message)

    def event(self, event) -> None:
        """One Dagster event: a step's start, end or failure."""
        if event.is_step_start:
            self._steps[event.step_key] = time.monotonic()
            self.detail(event.step_key)
        elif event.is_step_success or event.is_step_failure or event.is_step_skipped:
            if self._progress is not None:
                self._progress.advance(self._task)
            if event.is_step_skipped:
                return
            seconds = time.monotonic() - self._steps.get(event.step_key, time.monotonic())
            self.say(f"{'done  ' if event.is_step_success else 'FAILED'}  {event.step_key}  {seconds:.1f} s")


@contextmanager
def quiet_output(log: Path) -> Iterator[Console]:
    """A console on the real standard output, while everything else that is printed goes to `log`.

    Dagster, dlt and dbt print from this process and from children of it, so the file descriptors are moved, not only
    `sys.stdout`. What they print is kept in the run's compute logs as well.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    log.parent.mkdir(parents=True, exist_ok=True)
    kept = os.dup(1), os.dup(2)
    with log.open("ab") as sink, os.fdopen(os.dup(1), "w", encoding="utf-8") as output:
        os.dup2(sink.fileno(), 1)
        os.dup2(sink.fileno(), 2)
        try:
            yield Console(file=output)
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os.dup2(kept[0], 1)
            os.dup2(kept[1], 2)
            os.close(kept[0])
            os.close(kept[1])
