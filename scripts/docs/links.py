"""docs/reference/links.md: every address that a card can link to, from the sources in `cards/`."""

from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from cds_service.rulebase.model import CardText, Rule, RuleBase
from scripts.docs import content, markdown

INTRODUCTION = """\
For those who must list the links of a service before an EHR shows them, and for a security officer. A
card links to one place: the guideline that it rests on (`source.url`). Nothing of a patient is in any
of these addresses, and the service itself never opens them. Without the link a card says all the
same: its text names the source."""


def page() -> str:
    """Return the page for the shipped rule base."""
    return written(content.rule_base())


def written(found: RuleBase) -> str:
    """Return the page for a rule base."""
    hosts: dict[str, dict[str, set[str]]] = {}
    for rule, addresses in addresses_of(found).items():
        for one in addresses:
            hosts.setdefault(urlsplit(one).netloc, {}).setdefault(one, set()).add(rule)
    return markdown.page(
        "Links on cards",
        "`cards/`",
        INTRODUCTION,
        "## Hosts",
        markdown.table(
            ("host", "addresses", "rules"),
            [
                (markdown.code(host), str(len(found)), str(len(set().union(*found.values()))))
                for host, found in sorted(hosts.items())
            ],
        ),
        "## Addresses",
        markdown.table(
            ("address", "rules"),
            [
                (f"<{address}>", markdown.codes(sorted(rules)))
                for _, found in sorted(hosts.items())
                for address, rules in sorted(found.items())
            ],
        ),
    )


def addresses_of(found: RuleBase) -> Mapping[str, set[str]]:
    """Rule → the addresses that its card, or a level of it, can carry."""
    return {
        rule.id: {url for text in _texts(rule) if (url := rule.source(text).url)}
        for rule in found.rules.values()
    }


def _texts(rule: Rule) -> Iterator[CardText]:
    yield from rule.texts.values()
    if rule.ask is not None:
        yield rule.ask.text
