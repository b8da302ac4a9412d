"""docs/reference/cli.md: every command, from what the command line says of itself."""

import inspect
from collections.abc import Iterator

import click

from cds_service.cli.main import cli
from scripts.docs import markdown

PROGRAM = "cds-service"
INTRODUCTION = """\
For everybody who uses the terminal: rule authors (`rules`), integrators (`evaluate`, `explain`),
operators (`serve`, `audit`). Each command says the same with `--help`. In a checkout it is at
`.venv/bin/cds-service` after the first `make`. Options that a [setting](settings.md) stands behind
name it."""
Named = tuple[str, click.Command]


def page() -> str:
    """Return the page."""
    every = list(commands(cli, PROGRAM))
    index = [
        (markdown.link(markdown.code(name), f"#{markdown.anchor(name)}"), first(command))
        for name, command in every
        if not isinstance(command, click.Group)
    ]
    return markdown.page(
        "The command line",
        "`cds_service/cli/`",
        INTRODUCTION,
        markdown.table(("command", "does"), index),
        *(section(name, command) for name, command in every),
    )


def commands(group: click.Command, path: str) -> Iterator[Named]:
    """Return a command and all below it, in their order, each by its whole name."""
    yield path, group
    if isinstance(group, click.Group):
        for name, command in group.commands.items():
            yield from commands(command, f"{path} {name}")


def section(name: str, command: click.Command) -> str:
    """Return all that one command says."""
    context = click.Context(command, info_name=name)
    usage = " ".join([name, *command.collect_usage_pieces(context)])
    parts = [f"## {name}", *paragraphs(command.help or ""), markdown.block(usage)]
    options = list(described(command, context))
    if options:
        parts.append(markdown.table(("option", "means"), options))
    parts.extend(paragraphs(command.epilog or ""))
    return "\n\n".join(parts)


def described(command: click.Command, context: click.Context) -> Iterator[tuple[str, str]]:
    """Return each option of a command, and what it means; `--help` is left out."""
    for parameter in command.params:
        record = parameter.get_help_record(context)
        if record is not None and record[1]:  # what takes no words is explained by the command's own
            yield markdown.code(record[0]), markdown.prose(record[1])


def first(command: click.Command) -> str:
    """Return the first sentence of a command's help."""
    return markdown.prose(inspect.cleandoc(command.help or "").split("\n\n", maxsplit=1)[0])


def paragraphs(text: str) -> Iterator[str]:
    r"""Return the paragraphs of a help text; one that `\b` keeps as it is becomes a block."""
    for paragraph in inspect.cleandoc(text).split("\n\n"):
        if paragraph.startswith("\b"):
            yield markdown.block(paragraph.removeprefix("\b").strip("\n"))
        elif paragraph:
            yield markdown.prose(paragraph)
