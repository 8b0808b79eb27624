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
def working(what: str, every_seconds: float = 2.0) -> Iterator[None]:
    """Reports `what` at once and then, with the seconds it has taken, until something else is reported or it ends."""
    report(what)
    if not _listeners:
        yield
        return
    done = threading.Event()
    heard = [0]

    def hear(message: str) -> None:
        if not message.startswith(what):
            heard[0] += 1

    def tick() -> None:
        seconds = 0.0
        while not done.wait(every_seconds):
            seconds += every_seconds
            if not heard[0]:
                report(f"{what} ({seconds:.0f} s)")

    ticker = threading.Thread(target=tick, name="progress", daemon=True)
    with listening(hear):
        ticker.start()
        try:
            yield
        finally:
            done.set()
            ticker.join()
