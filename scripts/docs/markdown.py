"""Pieces of GitHub Flavored Markdown."""

import re
from collections.abc import Iterable, Sequence

_SPECIAL = re.compile(r"([\\`*_\[\]<>#|~])")
_SPAN = re.compile(r"(`[^`]*`)")


def page(title: str, source: str, *parts: str) -> str:
    """Return a page: its title, where it comes from, its parts with a blank line between."""
    written = f"<!-- Written by `make docs` from {source}. Change it there, not here. -->"
    return "\n\n".join([f"# {title}", written, *(part for part in parts if part)]) + "\n"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; cells are Markdown already, and become one line each.

    Raises:
        ValueError: when a row has another number of cells than the head.
    """
    lines = [_row(head), "|" + "---|" * len(head)]
    for row in rows:
        if len(row) != len(head):
            raise ValueError(f"a row of {len(row)} cells under a head of {len(head)}: {row}")
        lines.append(_row(row))
    return "\n".join(lines)


def _row(cells: Sequence[str]) -> str:
    # In a table a bar ends the cell even inside a code span, unless it is escaped.
    return (
        "| " + " | ".join(re.sub(r"(?<!\\)\|", r"\\|", " ".join(cell.split())) for cell in cells) + " |"
    )


def bullets(items: Iterable[str]) -> str:
    """Return a list, one line each."""
    return "\n".join("- " + " ".join(item.split()) for item in items)


def code(text: str) -> str:
    """Return a code span; one that holds a backtick gets longer fences."""
    return f"`` {text} ``" if "`" in text else f"`{text}`"


def codes(texts: Iterable[str]) -> str:
    """Return code spans with commas between."""
    return ", ".join(code(text) for text in texts)


def block(text: str, language: str = "") -> str:
    """Return a fenced block."""
    return f"```{language}\n{text.rstrip()}\n```"


def plain(text: str) -> str:
    """Return text in which nothing is Markdown, on one line."""
    return _escaped(" ".join(text.split()))


def prose(text: str) -> str:
    """Return text in which only code spans are Markdown, on one line."""
    pieces = _SPAN.split(" ".join(text.split()))
    return "".join(one if one.startswith("`") else _escaped(one) for one in pieces)


def _escaped(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", text)


def anchor(heading: str) -> str:
    """Return the anchor that GitHub gives to a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def link(text: str, address: str) -> str:
    """Return a link; the address may hold brackets."""
    return f"[{text}](<{address}>)" if re.search(r"[ ()]", address) else f"[{text}]({address})"
