"""docs/reference/rules/hazards.md: what goes wrong when a rule is wrong, from `cards/`."""

from cds_service.rulebase.model import Rule, RuleBase
from scripts.docs import markdown, rule_pages
from scripts.docs.content import rule_base

INTRODUCTION = """\
For whoever answers for the safety of patients. Each line says what happens when a rule speaks and should
not, or is silent and should not be, what the rule does against it, and which of its cases tests that;
the case leads to the rule's page, which says what each of its cases expects. The rules stand in the
order in which their cards do, the most urgent first. How likely a hazard is, and how grave, is not
said: that depends on where the service is used, and is for whoever puts it to use there.

What the service as a whole does against hazards (what did not arrive is said, a fault of one rule does
not silence the others, nothing is ever ordered by itself) is in
[the architecture](../../../ARCHITECTURE.md)."""


def page() -> str:
    """Return the table for the shipped rule base."""
    return written(rule_base())


def written(found: RuleBase) -> str:
    """Return the table for a rule base, the most urgent rules first."""
    ordered = sorted(found.rules.values(), key=found.globals.rank_of)
    return markdown.page(
        "Hazards",
        "`cards/`",
        INTRODUCTION,
        markdown.table(
            ("rule", "if it speaks wrongly", "if it is silent wrongly", "control", "tested by the case"),
            [_row(rule) for rule in ordered],
        ),
    )


def _row(rule: Rule) -> tuple[str, ...]:
    told = (rule.hazards.fires_wrongly, rule.hazards.silent_wrongly, rule.hazards.control)
    case = markdown.link(markdown.plain(rule.hazards.case), f"{rule.id}.md#the-patients-that-prove-it")
    return (f"{rule_pages.named(rule)} {markdown.plain(rule.title)}", *map(markdown.plain, told), case)
