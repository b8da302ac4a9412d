"""docs/reference/rules/<id>.md: all about one rule, from `cards/`."""

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any

from cds_service.rulebase.criteria import facts_in
from cds_service.rulebase.model import Level, Order, Rule, RuleBase, Source, Suggest
from scripts.docs import content, markdown, meanings

STATUS = {
    "draft": "**draft: not approved by a clinician**; each card says so",
    "in-review": "**in review: not approved by a clinician yet**; each card says so",
    "active": "active: approved by a clinician",
    "retired": "retired: no longer evaluated",
}
STANDING = """\
*Standing* says how well a number is known: **sourced** read in the source named, **second-hand** from
a document that cites it, **recalled** from memory, **design** our own choice; the last two want a
clinician first."""
PROVES = {
    "fires": "It fires",
    "near-miss": "It nearly fires, and does not",
    "missing": "A datum is missing",
    "stale": "A datum is too old",
    "boundary": "On either side of a limit",
    "unit": "In another unit",
    "gate": "An order is withheld, or the card gives way",
    "failure": "Something is wrong with the record",
}


def page(rule: Rule, found: RuleBase) -> str:
    """Return the page of one rule."""
    file = content.places()[rule.id]
    return markdown.page(
        f"{content.short(rule)} {markdown.plain(rule.title)}",
        f"`{file.removeprefix('../../../')}`",
        f"[All rules](README.md). {markdown.plain(rule.intent)}",
        markdown.link(markdown.code(rule.id), file) + f", version {rule.version}",
        markdown.bullets(about(rule, found)),
        "## Known limits",
        markdown.bullets(markdown.plain(limit) for limit in rule.limits) or "None is written down.",
        "## When it speaks",
        "The first level that is true gives the card.",
        *(level(one, rule, found) for one in rule.levels),
        asking(rule, found),
        "## What it suggests",
        orders(rule, found),
        "## What its words mean",
        facts(rule, found),
        "## Its numbers",
        numbers(rule, found),
        STANDING,
        "## What it rests on",
        sources(rule),
        "## The patients that prove it",
        *cases(rule),
    )


def about(rule: Rule, found: RuleBase) -> Iterator[str]:
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
    if rule.yields_to_critical:
        yield "as information it is not shown beside a critical card"
    if rule.general:
        yield "general: as information not beside a critical card, nor without an order of its own"
    if rule.tip:
        yield "a tip: joins the one card of tips, the last"
    for one in rule.yields_to:
        undecided = ", also while that is undecided" if one.also_when_unknown else ""
        yield f"gives way to {named(found.rules[one.rule])}{undecided}"
    if rule.merges_into:
        yield f"becomes a line on the card of {named(found.rules[rule.merges_into])}"
    reasons = [found.override_reasons[name].coding.display for name in rule.override_reasons]
    yield f"may be dismissed because: {'; '.join(map(markdown.plain, reasons)) or 'no reason'}"


def named(rule: Rule) -> str:
    """Return a link to the page of a rule."""
    return markdown.link(content.short(rule), f"{rule.id}.md")


def levels(rule: Rule) -> str:
    """Return how strongly a rule can speak, from the highest."""
    said = list(dict.fromkeys(one.indicator for one in rule.levels))
    asks = [f"asks ({rule.ask.indicator})"] if rule.ask else []
    return ", ".join([*said, *asks])


def level(one: Level, rule: Rule, found: RuleBase) -> str:
    """Return one level: how strongly, what it says, when."""
    only = [found.orders[name].label for name in one.only_with]
    return "\n\n".join(
        [
            f"### {one.indicator}: “{markdown.plain(rule.texts[one.text].summary)}”",
            meanings.criterion(one.when, found),
            *([f"Only while one of these can be offered: {'; '.join(only)}."] if only else []),
        ]
    )


def asking(rule: Rule, found: RuleBase) -> str:
    """Return when a rule asks, and for what; that it stays silent where it does not."""
    if rule.ask is None:
        return "### Undecided: silent\n\nThe audit keeps what was missing."
    asked = "; ".join(markdown.plain(found.facts[name].label) for name in rule.ask.facts)
    while_ = [f"While:\n\n{meanings.criterion(rule.ask.when, found)}"] if rule.ask.when else []
    return "\n\n".join(
        [
            f"### {rule.ask.indicator}, asks: “{markdown.plain(rule.ask.text.summary)}”",
            f"Where the answers could make a level true: {asked}.",
            *while_,
        ]
    )


def orders(rule: Rule, found: RuleBase) -> str:
    """Return the table of the orders a rule can suggest, with what withholds them."""
    entries = [*rule.suggest, *(rule.ask.suggest if rule.ask else ())]
    if not entries:
        return "Nothing to order."
    return markdown.table(
        ("order", "while", "withheld when", "not when done or open"),
        list(dict.fromkeys(_suggested(entry, found) for entry in entries)),
    )


def _suggested(entry: Suggest, found: RuleBase) -> tuple[str, str, str, str]:
    when = meanings.inline(entry.when) if entry.when else "always"
    if entry.delete:
        label = entry.label or f"delete the draft that {entry.delete} found"
        return markdown.plain(label), when, "", ""
    order = found.orders[entry.order]
    return (
        f"{markdown.plain(order.label)} ({markdown.code(order.name)})",
        when,
        _gates(order),
        _done(order, found),
    )


def _gates(order: Order) -> str:
    strict = [f"{markdown.code(name)} is true or not known" for name in order.must_be_clear]
    mild = [f"{markdown.code(name)} is true" for name in order.blocked_by]
    return "; ".join([*strict, *mild])


def _done(order: Order, found: RuleBase) -> str:
    said = {"done within": order.done_within, "open since": order.open_within}
    return "; ".join(
        f"{words} {meanings.values(found.thresholds[name])}" for words, name in said.items() if name
    )


def facts(rule: Rule, found: RuleBase) -> str:
    """Return the table of every fact that the levels rest on, and those that these are made of."""
    named_ = [name for one in rule.levels for name in facts_in(one.when)]
    named_ += list(rule.ask.facts if rule.ask else ())
    return markdown.table(
        ("fact", "in words", "true when", "from"),
        [
            (
                markdown.code(name),
                markdown.plain(found.facts[name].label),
                meanings.meaning(found.facts[name], found),
                markdown.plain(found.facts[name].source),
            )
            for name in meanings.reached(named_, found)
        ],
    )


def numbers(rule: Rule, found: RuleBase) -> str:
    """Return the table of every threshold that a rule reaches."""
    names = [name for section, name in content.reached()[rule.id] if section == "thresholds"]
    if not names:
        return "It has none."
    return markdown.table(
        ("name", "value", "source", "standing"),
        [
            (
                markdown.code(name),
                meanings.values(found.thresholds[name]),
                markdown.plain(found.thresholds[name].source),
                found.thresholds[name].standing,
            )
            for name in names
        ],
    )


def sources(rule: Rule) -> str:
    """Return the table of a rule's sources."""
    return markdown.table(
        ("source", "publisher, year", "place", "grade", "known", "reviewed"),
        [source_row(source, rule) for source in rule.sources],
    )


def source_row(source: Source, rule: Rule) -> tuple[str, ...]:
    """Return the line of one source."""
    title = markdown.plain(source.title)
    return (
        markdown.link(title, source.url) if source.url else title,
        f"{markdown.plain(source.publisher)}, {source.year}",
        markdown.plain(source.locator),
        markdown.plain(source.grade),
        f"**{source.read}**" if source.read == "recalled" else source.read,
        source.reviewed or rule.reviewed,
    )


def cases(rule: Rule) -> Iterator[str]:
    """Return the cases by what they prove, each by its name and what it expects."""
    ordered = sorted(content.cases(rule), key=lambda case: list(PROVES).index(case["proves"]))
    for proves, some in groupby(ordered, key=lambda case: case["proves"]):
        yield f"### {PROVES[proves]}"
        yield markdown.bullets(_case(case) for case in some)


def _case(case: Mapping[str, Any]) -> str:
    expect = case["expect"]
    said = [expect.get("outcome", ""), expect.get("indicator", "")]
    reference = f" ({case['reference']})" if case.get("reference") else ""
    return f"{markdown.plain(case['name'])}{reference}: {' '.join(filter(None, said))}"
