"""docs/reference/rules/bounds.md: which numbers a client may change, and how far, from `cards/`."""

from cds_service.rulebase.definitions import Threshold
from cds_service.rulebase.model import RuleBase
from cds_service.rulebase.overrides import unit_of
from scripts.docs import content, markdown, meanings, regions

INTRODUCTION = """\
For those who run the service at a site that has another practice, and for the clinicians who answer for
it. An entry in the [clients file](../../clients.md) may set these numbers under `thresholds`, within the
bounds, both included; every other number is the same for everybody. What is set is in the digest of the
client's rule base, on each card and in the audit.

Where a red flag or a critical level rests on a number, the bounds are to one side of it: the one that
says more, or offers sooner. A threshold with several units needs its number in each of them."""


def page() -> str:
    """Return the page for the shipped rule base."""
    return written(content.rule_base())


def written(found: RuleBase) -> str:
    """Return the page for a rule base."""
    rows = [
        (
            markdown.code(one.name),
            markdown.plain(meanings.values(one)),
            _bounds(one, found),
            markdown.plain(one.bounds.source),
            regions.rules("thresholds", one.name, found),
        )
        for one in sorted(found.thresholds.values(), key=lambda one: one.name)
        if one.bounds is not None
    ]
    table = markdown.table(("number", "as it is", "from, to", "why", "rules"), rows)
    return markdown.page(
        "What a client may change", "`cards/`", INTRODUCTION, table if rows else "None."
    )


def _bounds(threshold: Threshold, found: RuleBase) -> str:
    bounds = threshold.bounds
    assert bounds is not None
    return markdown.plain(f"{bounds.least} to {bounds.most} {unit_of(threshold, found)}")
