"""What all pages share: one template environment with its filters, one style. No page needs more."""

from decimal import Decimal
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template


def template(folder: Path, name: str) -> Template:
    """The template `name` of `folder`; it may include `style.css` and import `charts.html`, which lie here."""
    environment = Environment(
        loader=FileSystemLoader([folder, Path(__file__).parent]), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.filters |= {"n": number, "usd": money, "pct": percent, "words": words}
    return environment.get_template(name)


def number(value: int | Decimal | None) -> str:
    return "" if value is None else f"{value:,.0f}"


def money(value: Decimal | None) -> str:
    return "" if value is None else f"{value:,.2f}"


def percent(share: Decimal | float | None) -> str:
    return "" if share is None else f"{100 * share:.1f} %"


def words(code: str | None) -> str:
    return (code or "").replace("_", " ")
