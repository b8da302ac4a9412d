"""docs/reference/settings.md: every environment variable, from `cds_service/settings.py`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cds_service.cli.serve import serve
from cds_service.environment import Variable
from cds_service.settings import variables
from scripts.docs import markdown

INTRODUCTION = """\
For those who install and run the service. It is set by environment variables, all of them optional;
these are all there are. How to start it, and what stands around it, is in
[operations](../operations.md).

An option of `cds-service serve` wins over its variable. A value that cannot be used stops the
start: the message names the variable and says what it may be. An empty variable counts as none,
unless it says otherwise here."""


def page() -> str:
    """Return the page."""
    rows = [row(field, variable, default) for field, variable, default in variables()]
    head = ("variable", "default", "may be", "decides", "option of `serve`")
    return markdown.page(
        "Settings", "`cds_service/settings.py`", INTRODUCTION, markdown.table(head, rows)
    )


def row(field: str, variable: Variable, default: Any) -> tuple[str, ...]:
    """Return the line of one setting."""
    names = {other: one.name for other, one, _ in variables()}
    return (
        markdown.code(variable.name),
        unset(variable, default, names),
        markdown.prose(variable.form.takes),
        markdown.prose(variable.means) + ".",
        markdown.code(options[field]) if field in (options := serve_options()) else "",
    )


def unset(variable: Variable, default: Any, names: Mapping[str, str]) -> str:
    """Say what holds when nothing is set."""
    if variable.unset:
        return markdown.prose(variable.unset)
    if variable.follows:
        return f"as {markdown.code(names[variable.follows])}"
    match default:
        case bool():
            return markdown.code(str(int(default)))
        case tuple():
            return markdown.code(" ".join(default))
        case Path():
            return markdown.code(default.as_posix())
        case _:
            return markdown.code(str(default))


def serve_options() -> dict[str, str]:
    """Return the options of `cds-service serve`, by the setting they win over."""
    return {one.name: one.opts[-1] for one in serve.params if one.name}
