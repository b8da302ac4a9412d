"""Is a rule base fit to serve? What the loader cannot see: it lies below facts and cards."""

from collections.abc import Iterator, Mapping

from cds_service.emission import problem_of
from cds_service.facts.derived import BY_NAME
from cds_service.failures import BrokenRuleBase, ContentProblem
from cds_service.presentation.suggestions import LONGEST_DESCRIPTION, described, examples
from cds_service.rulebase import loader
from cds_service.rulebase.definitions import DerivedFact
from cds_service.rulebase.model import RuleBase


def load(texts: Mapping[str, str]) -> RuleBase:
    """The rule base of content files, fit to serve.

    Raises:
        BrokenRuleBase: with everything that is wrong; a broken rule base does not start.
    """
    rule_base = loader.load(texts)
    found = problems(rule_base)
    if found:
        raise BrokenRuleBase(found)
    return rule_base


def problems(rule_base: RuleBase) -> list[ContentProblem]:
    """Orders that would be emitted as invalid resources; derived facts that nothing computes."""
    return [*_invalid_orders(rule_base), *_uncomputed(rule_base)]


def _invalid_orders(rule_base: RuleBase) -> Iterator[ContentProblem]:
    for name, resource in examples(rule_base):
        wrong = problem_of(resource)
        if wrong:
            yield ContentProblem("orders", 1, f"the order {name!r} is not valid R4: {wrong}")
    for order in rule_base.orders.values():
        length = len(described(order))
        if length > LONGEST_DESCRIPTION:
            what = f"the order {order.name!r} is described in {length} characters"
            yield ContentProblem("orders", 1, f"{what}; {LONGEST_DESCRIPTION} are allowed")


def _uncomputed(rule_base: RuleBase) -> Iterator[ContentProblem]:
    for fact in rule_base.facts.values():
        if isinstance(fact, DerivedFact) and fact.by not in BY_NAME:
            known = ", ".join(sorted(BY_NAME))
            what = f"the fact {fact.name!r} is derived by {fact.by!r}; there are: {known}"
            yield ContentProblem("facts", 1, what)
