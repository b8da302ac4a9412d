"""Cards in the terminal, for people."""

from collections.abc import Iterable, Mapping
from typing import Any

import click

from cds_service.as_ehr.addresses import printable

_COLOURS = {"info": "blue", "warning": "yellow", "critical": "red"}


def show(cards: Iterable[Mapping[str, Any]]) -> None:
    """Print cards as a response has them, in its order."""
    for card in cards:
        indicator = printable(str(card.get("indicator", "")))
        summary = printable(str(card.get("summary", "")))
        click.secho(f"\n{indicator.upper()}  {summary}", fg=_COLOURS.get(indicator), bold=True)
        click.echo(wrapped(str(card.get("detail", ""))))
        for suggestion in card.get("suggestions", ()):
            click.secho(f"  [{printable(str(suggestion.get('label', '')))}]", fg="cyan")
    click.echo()


def wrapped(detail: str) -> str:
    """Markdown of a card as plain text, wrapped."""
    paragraphs = []
    for paragraph in detail.split("\n\n"):
        plain = paragraph.replace("**", "").replace("\\", "")
        safe = "".join(one if one.isprintable() or one == "\n" else " " for one in plain)
        paragraphs.append(click.wrap_text(safe, 96, "  ", "    "))
    return "\n".join(paragraphs)
