"""Is a rule base fit to serve? What the loader cannot see: it lies below facts and cards."""

from collections.abc import Iterator, Mapping

from cds_service.emission import problem_of
from cds_service.facts import answers, postures, samples, statements
from cds_service.facts.derived import BY_NAME, Formula
from cds_service.failures import BrokenRuleBase, ContentProblem
from cds_service.presentation.suggestions import LONGEST_DESCRIPTION, described, examples
from cds_service.rulebase import loader, logic, reading, twins, unused
from cds_service.rulebase.definitions import DerivedFact
from cds_service.rulebase.model import RuleBase

# Code sets that the engine reads by their names, whatever the rules name.
_ENGINE_SETS = (*answers.SETS, *postures.SETS, *samples.SETS, *statements.SETS)


def load(texts: Mapping[str, str], *, locked: bool = True, cases: bool | str = False) -> RuleBase:
    """The rule base of content files, fit to serve.

    Args:
        texts: the content files, as `rulebase.loader` takes them.
        locked: whether it must be the one that `cards.lock` names.
        cases: whether the cases beside its rules must be sound as well; or those of one rule, by its id.

    Raises:
        BrokenRuleBase: with everything that is wrong; a broken rule base does not start.
    """
    rule_base = loader.load(texts, locked=locked, cases=cases)
    found = problems(rule_base, texts)
    if found:
        raise BrokenRuleBase(found)
    return rule_base


def problems(rule_base: RuleBase, texts: Mapping[str, str]) -> list[ContentProblem]:
    """Orders that would be emitted as invalid resources; derived facts that cannot be computed."""
    return [*_unfit_orders(rule_base, texts), *_uncomputed(rule_base, texts)]


def oversights(
    rule_base: RuleBase, documents: Mapping[str, list[reading.Document]]
) -> list[ContentProblem]:
    """What an author overlooked, and a service that starts can live with.

    Parts of rules that can never matter, definitions that no rule reaches, or that say the same twice.
    """
    return [
        *logic.problems(rule_base, documents),
        *unused.problems(documents, _ENGINE_SETS),
        *twins.problems(rule_base, documents),
    ]


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
        wrong = _unmet(fact, formula, rule_base)
        if wrong:
            yield _at(texts, "facts", fact.name, f"{fact.by} needs {wrong}")


def _unmet(fact: DerivedFact, formula: Formula, rule_base: RuleBase) -> str:
    """What a function needs that the definition of its fact does not bring; empty when it has all."""
    coded = formula.analytes + formula.sets
    named = (fact.of[: formula.analytes], fact.of[formula.analytes : coded], fact.of[coded:])
    sections = (rule_base.analytes, rule_base.code_sets, rule_base.facts)
    wanted = (formula.analytes, formula.sets, formula.facts)
    known = all(one in section for names, section in zip(named, sections, strict=True) for one in names)
    short = any(len(names) < count for names, count in zip(named, wanted, strict=True))
    long = len(named[2]) > formula.facts and not formula.more_facts
    if not known or short or long:
        kinds = zip(wanted, ("analytes", "code sets", "facts"), strict=True)
        order = ", then ".join(f"{count} {kind}" for count, kind in kinds if count)
        return f"{order}{' or more' if formula.more_facts else ''} in `of`"
    if len(fact.limits) not in formula.limits:
        return f"{' or '.join(map(str, formula.limits))} limits in `is`"
    if formula.paired and not fact.paired_within:
        return "`paired-within`"
    if formula.windowed and not fact.within:
        return "`within`"
    if fact.parameters.keys() != formula.parameters:
        return f"in `with`: {', '.join(sorted(formula.parameters)) or 'nothing'}"
    return ""
