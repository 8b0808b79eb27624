"""XML written by hand: elements as text."""

from collections.abc import Iterable
from xml.sax.saxutils import escape, quoteattr

HEAD = '<?xml version="1.0" encoding="utf-8"?>\n'


def tag(name: str, text: object) -> str:
    """An element of text, nothing for no text."""
    return f"<{name}>{escape(str(text))}</{name}>" if text not in (None, "") else ""


def element(name: str, *content: str, **attributes: object) -> str:
    """An element; an attribute that is None is left out."""
    said = "".join(f" {key}={quoteattr(str(value))}" for key, value in attributes.items() if value is not None)
    return f"<{name}{said}>{''.join(content)}</{name}>" if content else f"<{name}{said}/>"


def each(name: str, items: Iterable[str]) -> str:
    """Elements in their list, nothing for none."""
    items = "".join(items)
    return f"<{name}>{items}</{name}>" if items else ""
