"""docs/reference/rules/regions.md: where practice differs between regions, from `cards/`."""

from cds_service.rulebase.definitions import RegionFact, Threshold
from cds_service.rulebase.model import RuleBase
from scripts.docs import content, markdown, meanings, rule_pages

INTRODUCTION = """\
For those who run the service where practice is not that of the country a number was written in, and
for clinicians there. Where guidelines of two countries give two numbers, both are in the content, each
with its source. The setting `CDS_REGION` chooses; without it the number in the column *otherwise*
counts. The digest in the audit and on each response tells which was in force.

All else rests on the guideline that a card names, whatever the country: most of the numbers are of one
guideline, American, British or European. Whoever takes the rules into use elsewhere compares them with
their own."""


def page() -> str:
    """Return the page for the shipped rule base."""
    return written(content.rule_base())


def written(found: RuleBase) -> str:
    """Return the page for a rule base."""
    regions = found.globals.regions
    differing = [one for one in found.thresholds.values() if one.regions]
    facts = [one for one in found.facts.values() if isinstance(one, RegionFact)]
    return markdown.page(
        "Regions",
        "`cards/`",
        INTRODUCTION,
        markdown.bullets(f"{markdown.code(name)}: {text}" for name, text in regions.items()),
        "## Numbers",
        markdown.table(
            ("number", *regions, "otherwise", "rules"),
            [
                (
                    markdown.code(one.name),
                    *(_value(one.regions.get(region)) for region in regions),
                    _value(one),
                    rules("thresholds", one.name, found),
                )
                for one in differing
            ],
        )
        if differing
        else "No number differs.",
        "## Practice",
        markdown.table(
            ("true in", "what", "source", "rules"),
            [
                (
                    ", ".join(one.regions),
                    f"{markdown.plain(one.label)} ({markdown.code(one.name)})",
                    markdown.plain(one.source),
                    rules("facts", one.name, found),
                )
                for one in facts
            ],
        )
        if facts
        else "Nothing else differs.",
    )


def _value(threshold: Threshold | None) -> str:
    if threshold is None:
        return "as otherwise"
    told = f"{meanings.values(threshold)}: {threshold.source}; {threshold.standing}"
    return markdown.plain(told)


def rules(section: str, name: str, found: RuleBase) -> str:
    """Return links to the rules that reach a definition."""
    return ", ".join(
        rule_pages.named(rule)
        for rule in found.rules.values()
        if (section, name) in content.reached().get(rule.id, ())
    )
