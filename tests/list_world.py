"""A sandbox world that has watchlists and little else, and its publishers over HTTP."""

from contextlib import contextmanager
from datetime import date
from pathlib import Path

from sandbox import vendor
from sandbox.vendor import sample
from sandbox.vendor.publications import EU_PATH, OFAC_PATH, OPENSANCTIONS_PATH, UK_PATH, UN_PATH
from sandbox.world.calendar import Calendar
from sandbox.world.lists import write_ofac
from sandbox.world.sanctions import make_sanctions
from sandbox.world.streams import Streams

FORMS = {"csv": "", "xml": "/SDN.XML", "advanced": "/SDN_ADVANCED.XML"}


def make(folder: Path) -> Path:
    """Three editions of the invented list, and what the server needs to start."""
    sample.write(folder, 5)
    calendar = Calendar(date(2026, 1, 1), 20)
    write_ofac(folder / "landing" / "ofac", make_sanctions(calendar, Streams(11)))
    return folder


@contextmanager
def published(world: Path, faults: vendor.ListFaults | None = None):
    """(server, settings by list and form) while the publishers of the world answer."""
    server = vendor.Vendor(world, list_faults=faults)
    with vendor.in_thread(server) as url:
        yield server.publications, places(url)


def places(url: str) -> dict[str, str]:
    """The address of each list, OFAC's and the UK's by form."""
    return {
        **{f"ofac_{form}": f"{url}{OFAC_PATH}{name}" for form, name in FORMS.items()},
        "un": url + UN_PATH,
        "eu": url + EU_PATH,
        "uk_xml": f"{url}{UK_PATH}.xml",
        "uk_csv": f"{url}{UK_PATH}.csv",
        "opensanctions": url + OPENSANCTIONS_PATH,
    }
