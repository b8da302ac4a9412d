"""docs/reference/rules.md: every rule, by cause, from `cards/`."""

from collections import Counter
from collections.abc import Iterator, Mapping

from cds_service.rulebase.model import Rule, RuleBase, Source
from scripts.docs import markdown
from scripts.docs.content import places, rule_base, short

INTRODUCTION = """\
For clinicians who want to know what the service speaks about and what that rests on, and for
informaticists who audit it. What a card says, and when, is in each rule's file: its name leads
there. How to read the file is in [writing a rule](../rule-authoring.md)."""
STATUS = {
    "draft": "**draft: not approved by a clinician**; each card says so",
    "in-review": "**in review: not approved by a clinician yet**; each card says so",
    "active": "active: approved by a clinician",
    "retired": "retired: no longer evaluated",
}
COLUMNS = """\
*Reviewed* is the day on which somebody last went through the rule against its sources: whoever
wrote it, or a reviewer. It is no approval by a clinician; that is the status. A source's day is the
rule's, unless the source was looked up again by itself. *Grade* is the source's own, for what is
taken from it. *Known* says how the source is known to whoever wrote the rule: **read** (the place
itself), **second-hand** (from another document that cites it), or **recalled** (from memory: the
least)."""


def page() -> str:
    """Return the page for the shipped rule base."""
    return written(rule_base(), places())


def written(found: RuleBase, files: Mapping[str, str]) -> str:
    """Return the page for a rule base whose rules stand in these files."""
    return markdown.page(
        "Rules",
        "`cards/`",
        INTRODUCTION,
        summary(found),
        index(found),
        COLUMNS,
        *(
            "\n\n".join([f"## {cause}", *(section(rule, found, files[rule.id]) for rule in rules)])
            for cause, rules in by_cause(found).items()
        ),
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
            markdown.link(short(rule), f"#{markdown.anchor(heading(rule))}"),
            markdown.plain(rule.title),
            levels(rule),
            ", ".join(rule.hooks),
            rule.status,
            rule.reviewed,
        )
        for cause, rules in by_cause(found).items()
        for position, rule in enumerate(rules)
    ]
    return markdown.table(("cause", "rule", "title", "levels", "hooks", "status", "reviewed"), rows)


def levels(rule: Rule) -> str:
    """Return how strongly a rule can speak, from the highest."""
    said = list(dict.fromkeys(level.indicator for level in rule.levels))
    asks = [f"asks ({rule.ask.indicator})"] if rule.ask else []
    return ", ".join([*said, *asks])


def heading(rule: Rule) -> str:
    """Return the heading of a rule's section."""
    return f"{short(rule)} {rule.title}"


def section(rule: Rule, found: RuleBase, file: str) -> str:
    """Return all about one rule but its criteria and words."""
    return "\n\n".join(
        [
            f"### {markdown.plain(heading(rule))}",
            markdown.plain(rule.intent),
            markdown.link(markdown.code(rule.id), file) + f", version {rule.version}",
            markdown.bullets(facts_about(rule, found)),
            "Known limits:" if rule.limits else "No limit is written down.",
            markdown.bullets(markdown.plain(limit) for limit in rule.limits),
            markdown.table(
                ("source", "publisher, year", "place", "grade", "known", "reviewed"),
                [source_row(source, rule) for source in rule.sources],
            ),
        ]
    ).replace("\n\n\n\n", "\n\n")


def facts_about(rule: Rule, found: RuleBase) -> Iterator[str]:
    """Return the lines about a rule: its standing, when it is asked, how it speaks."""
    yield f"status: {STATUS[rule.status]}"
    yield f"reviewed: {rule.reviewed}"
    yield f"asked at: {', '.join(rule.hooks)}{', for each leg' if rule.per == 'leg' else ''}"
    unserved = [hook for hook in rule.hooks if not found.services_for(hook)]
    if unserved:
        yield f"no service is called at {', '.join(unserved)} yet: there it is not asked"
    yield f"speaks as: {levels(rule)}"
    if rule.red_flag:
        yield "a red flag: it never yields, is never folded into another card, is never quiet"
    if rule.alone:
        yield "stands alone: beside its card only critical cards and red flags are shown"
    if rule.general:
        yield "general: as information not beside a critical card, nor without an order of its own"
    if rule.tip:
        yield "a tip: joins the one card of tips, the last"
    for one in rule.yields_to:
        undecided = ", also while that is undecided" if one.also_when_unknown else ""
        yield f"gives way to {named(found.rules[one.rule])}{undecided}"
    if rule.merges_into:
        yield f"becomes a line on the card of {named(found.rules[rule.merges_into])}"


def named(rule: Rule) -> str:
    """Return a link to the section of a rule."""
    return markdown.link(short(rule), f"#{markdown.anchor(heading(rule))}")


def source_row(source: Source, rule: Rule) -> tuple[str, ...]:
    """Return the line of one source."""
    return (
        markdown.link(markdown.plain(source.title), source.url),
        f"{markdown.plain(source.publisher)}, {source.year}",
        markdown.plain(source.locator),
        markdown.plain(source.grade),
        f"**{source.read}**" if source.read == "recalled" else source.read,
        source.reviewed or rule.reviewed,
    )
