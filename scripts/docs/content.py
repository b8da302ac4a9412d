"""The shipped content, for the pages that are written from it."""

from functools import cache
from pathlib import Path
from typing import Any

from cds_service import content, fitness
from cds_service.rulebase import loader, reach
from cds_service.rulebase.model import Rule, RuleBase
from cds_service.rulebase.reading import Document

CHECKOUT = Path(__file__).resolve().parents[2]


class NotSaid(Exception):  # noqa: N818 - a gap in what is documented, and no slip of the program
    """Something of which a page must speak says nothing of itself; the message says where to say it."""


@cache
def texts() -> dict[str, str]:
    """Return every content file of the checkout, by its path in `cards/`."""
    return content.texts(CHECKOUT / "cards")


@cache
def rule_base() -> RuleBase:
    """Return the rule base; it need not be locked, as one that is being written is not."""
    return fitness.load(texts(), locked=False)


@cache
def documents() -> dict[str, list[Document]]:
    """Return the parsed content files, by their kind."""
    found, _ = loader.documents_of(texts())
    return found


@cache
def reached() -> dict[str, list[tuple[str, str]]]:
    """Return, for each rule, the (section, name) of every definition that it reaches."""
    known = reach.entries(documents())
    return {
        one.value["id"]: [
            (section, name)
            for section, _, name in (key.partition("/") for key, _ in reach.reached(one.value, known))
        ]
        for one in documents()["rule"]
    }


def cases(rule: Rule) -> list[dict[str, Any]]:
    """Return the cases that stand beside a rule, as they are written."""
    return [
        case
        for one in documents()["cases"]
        if one.file.endswith(f"/{rule.id}.cases.yaml")
        for case in one.value["cases"]
    ]


def places() -> dict[str, str]:
    """Return where the file of each rule is, by its id, from a page in docs/reference/rules."""
    files = {file.rpartition("/")[2]: file for file in texts()}
    return {name: f"../../../cards/{files[f'{name}.yaml']}" for name in rule_base().rules}


def short(rule: Rule) -> str:
    """Return a rule's number, which starts its id: `PAD-01`, `J05`, `J05B`."""
    letters = rule.id.split("-")
    if any(one.isdigit() for one in letters[0]):
        return letters[0].upper()
    return "-".join(letters[:2]).upper()
