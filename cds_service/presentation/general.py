"""Has a general card an order left that no other card offers?"""

from cds_service.facts.model import FactSet
from cds_service.presentation import suggestions
from cds_service.presentation.spoken_facts import Facts
from cds_service.rulebase.model import RuleBase
from cds_service.rules.model import Finding


def spent(findings: list[Finding], facts: FactSet, rule_base: RuleBase) -> frozenset[str]:
    """The general rules among the cards whose level lives on orders, and all of them are elsewhere.

    An order that is done, open or behind a gate is no order of a card (reconciliation 6, X02).
    """
    cards = [one for one in findings if one.shown == "card"]
    general = [one for one in cards if _lives_on_orders(one, rule_base)]
    if not general:
        return frozenset()
    offered = {one.rule: _orders(one, facts, rule_base) for one in cards}
    specific = frozenset().union(*(offered[one.rule] for one in cards if one not in general))
    return frozenset(one.rule for one in general if offered[one.rule] <= specific)


def _lives_on_orders(finding: Finding, rule_base: RuleBase) -> bool:
    rule = rule_base.rules[finding.rule]
    return rule.general and finding.level is not None and bool(rule.levels[finding.level].only_with)


def _orders(finding: Finding, facts: FactSet, rule_base: RuleBase) -> frozenset[str]:
    try:
        wanted = suggestions.urgency(
            finding, rule_base.rules[finding.rule], Facts(facts, rule_base, finding)
        )
    except Exception:  # noqa: BLE001 - its card will fail alone, and says so
        return frozenset()
    return frozenset(wanted)
