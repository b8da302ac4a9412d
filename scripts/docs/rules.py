"""docs/reference/rules/README.md: the rules by cause, and where each cause, test and tip is covered."""

from collections import Counter
from collections.abc import Mapping

from cds_service.rulebase.model import Rule, RuleBase
from scripts.docs import causes, markdown, rule_pages
from scripts.docs.content import rule_base

INTRODUCTION = """\
For clinicians who want to know what the service speaks about and what that rests on, and for
informaticists who audit it. Each rule has a page: purpose, criteria in words, numbers with their
sources, what it suggests and what withholds that, and the patients that prove it. What it does when it
is wrong is in [hazards](hazards.md). How to change a rule: [writing a rule](../../rule-authoring.md)."""
COLUMNS = """\
*Reviewed* is the day on which somebody last went through the rule against its sources: whoever
wrote it, or a reviewer. It is no approval by a clinician; that is the status. On a rule's page, a
source's day is the rule's, unless the source was looked up again by itself; *grade* is the source's
own, for what is taken from it; *known* says how the source is known to whoever wrote the rule:
**read** (the place itself), **second-hand** (from another document that cites it), or **recalled**
(from memory: the least)."""


def page() -> str:
    """Return the index of the shipped rule base."""
    return written(rule_base())


def written(found: RuleBase) -> str:
    """Return the index of a rule base."""
    return markdown.page(
        "Rules", "`cards/`", INTRODUCTION, summary(found), index(found), COLUMNS, *causes.tables(found)
    )


def by_cause(found: RuleBase) -> Mapping[str, list[Rule]]:
    """Return the rules of each cause, causes in the order of the alphabet."""
    causes = sorted({rule.cause for rule in found.rules.values()})
    return {cause: [rule for rule in found.rules.values() if rule.cause == cause] for cause in causes}


def summary(found: RuleBase) -> str:
    """Say how many rules there are, and what was reviewed and approved of them."""
    rules = found.rules.values()
    statuses = Counter(rule.status for rule in rules)
    told = ", ".join(f"{number} {status}" for status, number in sorted(statuses.items()))
    known = Counter(source.read for rule in rules for source in rule.sources)
    sources = ", ".join(f"{known[how]} {how}" for how in ("read", "second-hand", "recalled"))
    approved = statuses["active"]
    return (
        f"Rule base {found.version}: {len(rules)} rules ({told}). "
        f"**{approved or 'None'} of them {'are' if approved > 1 else 'is'} approved by a clinician.** "
        f"Their sources: {sources}."
    )


def index(found: RuleBase) -> str:
    """Return the table of all rules."""
    rows = [
        (
            cause if position == 0 else "",
            rule_pages.named(rule),
            markdown.plain(rule.title),
            rule_pages.levels(rule),
            ", ".join(rule.hooks),
            rule.status,
            rule.reviewed,
        )
        for cause, rules in by_cause(found).items()
        for position, rule in enumerate(rules)
    ]
    return markdown.table(("cause", "rule", "title", "levels", "hooks", "status", "reviewed"), rows)
