"""What would settle it: the missing facts that could still flip an undecided rule.

Ranked over all undecided rules, they are the next best question or test (ARCHITECTURE 5.6).
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import product

from cds_service.facts.model import FactSet, Side
from cds_service.rulebase.criteria import Criterion, facts_in, open_facts, truth
from cds_service.rulebase.model import Rule
from cds_service.rules.model import Finding

_MOST_ASKED = 6  # 2**6 assignments at most


def leaves(names: Iterable[str], facts: FactSet, side: Side) -> Iterator[str]:
    """The facts at the bottom of unknown ones: those that can be asked or measured."""
    for name in names:
        fact = facts.fact(name, side)
        yield from fact.open or (name,)


def missing(criterion: Criterion, facts: FactSet, side: Side) -> Iterator[str]:
    """The bottom facts that leave a criterion unknown."""
    named = open_facts(criterion, facts.truths(side), facts.sures(side))
    yield from leaves(dict.fromkeys(named), facts, side)


def would_fire(criteria: Iterable[Criterion], asked: Iterable[str], facts: FactSet, side: Side) -> bool:
    """Whether some answer to the asked facts alone would make one of the criteria true."""
    criteria = list(criteria)
    asked = set(asked)
    named = dict.fromkeys(name for criterion in criteria for name in facts_in(criterion))
    # A group is open to an answer when all that leaves it open is asked.
    names = [
        name
        for name in named
        if facts.value(name, side) is None
        and (
            name in asked
            or (facts.fact(name, side).open and asked.issuperset(facts.fact(name, side).open))
        )
    ][:_MOST_ASKED]
    if not names:
        return False
    for answers in product((True, False), repeat=len(names)):
        supposed: Mapping[str, bool] = dict(zip(names, answers, strict=True))

        def value_of(name: str, supposed: Mapping[str, bool] = supposed) -> bool | None:
            return supposed.get(name, facts.value(name, side))

        def sure_of(name: str, supposed: Mapping[str, bool] = supposed) -> bool | None:
            return supposed.get(name, facts.sure(name, side))

        if any(truth(criterion, value_of, sure_of) is True for criterion in criteria):
            return True
    return False


def ranking(findings: Iterable[Finding], rules: Mapping[str, Rule]) -> list[tuple[str, tuple[str, ...]]]:
    """Missing facts, the most deciding first, each with the rules it could still flip."""
    wanted: dict[str, list[str]] = {}
    for finding in findings:
        for name in finding.missing:
            wanted.setdefault(name, []).append(finding.rule)

    def weight(entry: tuple[str, list[str]]) -> tuple[int, int, str]:
        name, ids = entry
        flagged = sum(rules[one].red_flag for one in ids)
        return -flagged, -len(ids), name

    return [(name, tuple(dict.fromkeys(ids))) for name, ids in sorted(wanted.items(), key=weight)]
