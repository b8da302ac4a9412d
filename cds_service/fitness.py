"""Is a rule base fit to serve? What the loader cannot see: it lies below facts and cards."""

from collections.abc import Iterator, Mapping

from cds_service.emission import problem_of
from cds_service.facts.derived import BY_NAME, Formula
from cds_service.failures import BrokenRuleBase, ContentProblem
from cds_service.presentation.suggestions import LONGEST_DESCRIPTION, described, examples
from cds_service.rulebase import loader
from cds_service.rulebase.definitions import DerivedFact
from cds_service.rulebase.model import RuleBase


def load(texts: Mapping[str, str], *, locked: bool = True) -> RuleBase:
    """The rule base of content files, fit to serve.

    Args:
        texts: the content files, as `rulebase.loader` takes them.
        locked: whether it must be the one that `cards.lock` names.

    Raises:
        BrokenRuleBase: with everything that is wrong; a broken rule base does not start.
    """
    rule_base = loader.load(texts, locked=locked)
    found = problems(rule_base, texts)
    if found:
        raise BrokenRuleBase(found)
    return rule_base


def problems(rule_base: RuleBase, texts: Mapping[str, str]) -> list[ContentProblem]:
    """Orders that would be emitted as invalid resources; derived facts that cannot be computed."""
    return [*_unfit_orders(rule_base, texts), *_uncomputed(rule_base, texts)]


def _at(texts: Mapping[str, str], folder: str, name: str, what: str) -> ContentProblem:
    """A problem at the line where `name` is defined in one of the files of a folder."""
    for file, text in texts.items():
        if file.startswith(f"{folder}/"):
            for number, line in enumerate(text.splitlines(), start=1):
                if line.rstrip() == f"  {name}:":
                    return ContentProblem(file, number, what)
    return ContentProblem(folder, 1, f"{name}: {what}")


def _unfit_orders(rule_base: RuleBase, texts: Mapping[str, str]) -> Iterator[ContentProblem]:
    for name, resource in examples(rule_base):
        wrong = problem_of(resource)
        if wrong:
            yield _at(texts, "orders", name, f"would be sent as invalid R4: {wrong}")
    for order in rule_base.orders.values():
        length = len(described(order))
        if length > LONGEST_DESCRIPTION:
            what = f"label and why make {length} characters; {LONGEST_DESCRIPTION} are allowed"
            yield _at(texts, "orders", order.name, what)


def _uncomputed(rule_base: RuleBase, texts: Mapping[str, str]) -> Iterator[ContentProblem]:
    for fact in rule_base.facts.values():
        if not isinstance(fact, DerivedFact):
            continue
        formula = BY_NAME.get(fact.by)
        if formula is None:
            known = ", ".join(sorted(BY_NAME))
            yield _at(texts, "facts", fact.name, f"nothing computes {fact.by!r}; there are: {known}")
            continue
        measured, others = fact.of[: formula.analytes], fact.of[formula.analytes :]
        fits = (
            len(fact.of) == formula.analytes + formula.facts
            and all(name in rule_base.analytes for name in measured)
            and all(name in rule_base.facts for name in others)
            and len(fact.limits) in formula.limits
            and (bool(fact.paired_within) or not formula.paired)
        )
        if not fits:
            yield _at(texts, "facts", fact.name, f"{fact.by} needs {_needs(formula)}")


def _needs(formula: Formula) -> str:
    limits = " or ".join(str(number) for number in formula.limits)
    facts = f" and then {formula.facts} facts" if formula.facts else ""
    paired = ", and `paired-within`" if formula.paired else ""
    return f"{formula.analytes} analytes{facts} in `of` and {limits} limits in `is`{paired}"
