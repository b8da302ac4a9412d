"""Where each cause, test and tip of heavy legs is covered, from `causes.yaml` beside this module."""

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import msgspec
import yaml

from cds_service.rulebase.model import RuleBase
from scripts.docs import markdown, rule_pages
from scripts.docs.content import NotSaid, short

FILE = Path(__file__).with_name("causes.yaml")
HEADINGS = {
    "causes": "What may cause it",
    "tests": "When to see somebody, and which test",
    "tips": "Tips",
}

Section = Mapping[str, Mapping[str, tuple[str, ...]]]


class Causes(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Three tables: group → item → numbers of rules."""

    causes: Section
    tests: Section
    tips: Section


@cache
def causes() -> Causes:
    """Return the tables as they are written."""
    return msgspec.convert(yaml.safe_load(FILE.read_text(encoding="utf-8")), Causes)


def tables(found: RuleBase) -> Iterator[str]:
    """Return each table under its heading.

    Raises:
        NotSaid: when a rule is named by none of them, or they name a rule that there is not.
    """
    file = f"scripts/docs/{FILE.name}"
    numbers = {short(rule): rule for rule in found.rules.values()}
    sections = {name: getattr(causes(), name) for name in HEADINGS}
    named = {
        one
        for section in sections.values()
        for items in section.values()
        for ones in items.values()
        for one in ones
    }
    for number in sorted(numbers.keys() - named):
        raise NotSaid(f"{file}: {numbers[number].id} stands under no cause, test or tip")
    for number in sorted(named - numbers.keys()):
        raise NotSaid(f"{file}: no rule has the number {number}")
    for name, section in sections.items():
        yield f"## {HEADINGS[name]}"
        yield markdown.table(
            ("", "", "rules"),
            [
                (
                    group if position == 0 else "",
                    markdown.plain(item),
                    ", ".join(rule_pages.named(numbers[one]) for one in ones),
                )
                for group, items in section.items()
                for position, (item, ones) in enumerate(items.items())
            ],
        )
