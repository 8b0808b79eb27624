"""Progress of a run, for whoever watches it in the same process.

Belongs here: the line between the work and the screen. Not here: the screen (screen.py). Nobody needs to listen: a run
launched from the UI has no listener.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_listeners: list[Callable[[str], None]] = []


def report(message: str) -> None:
    """Tells every listener one short line about what is being done now."""
    for listener in list(_listeners):
        listener(message)


@contextmanager
def listening(listener: Callable[[str], None]) -> Iterator[None]:
    """Sends what is reported meanwhile to `listener`."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)


@contextmanager
def while_loading(feed: str, every_seconds: float = 1.0) -> Iterator[None]:
    """Reports what dlt is at with a feed, about once a second."""
    if not _listeners:
        yield
        return
    done = threading.Event()

    def watch() -> None:
        seconds = 0.0
        while not done.wait(every_seconds):
            seconds += every_seconds
            report(f"{feed}: {_stage()} ({seconds:.0f} s)")

    watcher = threading.Thread(target=watch, name=f"progress of {feed}", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()


def _stage() -> str:
    return "loading"
