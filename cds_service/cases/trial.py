"""Mutants tried on cases: the first case that tells a mutant from the rule base.

A case is decided again only where what was changed comes out differently for its patient.
"""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_all_start_methods, get_context
from pathlib import Path

from cds_service.cases.mutation import Mutant
from cds_service.cases.running import Case, Posed, differences, posed
from cds_service.decision import History, Policy, decide
from cds_service.facts import combinations
from cds_service.facts.model import Fact, FactSet, Reason, Side
from cds_service.rulebase.definitions import GroupFact
from cds_service.rulebase.model import RuleBase
from cds_service.rulebase.regions import for_region
from cds_service.rules.evaluation import evaluate

_POLICY = Policy(evaluation=True)


class Trial:
    """The cases of a rule base, ready to be tried on mutants; facts are assessed once per case."""

    def __init__(self, cases: Iterable[Case], rule_base: RuleBase, fixtures: Path | None) -> None:
        """Sort the cases by rule."""
        self._rule_base = rule_base
        self._fixtures = fixtures
        self._cases: dict[str, list[Case]] = {}
        for case in cases:
            self._cases.setdefault(case.rule, []).append(case)
        self._posed: dict[str, Posed] = {}

    def killer(self, mutant: Mutant) -> Case | None:
        """The first case that tells the mutant from the rule base; None when it survives."""
        cases = (case for rule in mutant.rules for case in self._cases.get(rule, ()))
        return next((case for case in cases if self._tells(case, mutant)), None)

    def _tells(self, case: Case, mutant: Mutant) -> bool:
        question, facts = self._as_it_is(case)
        if _same(mutant, facts, self._rule_base):
            return False
        if mutant.facts != ():
            question, changed = posed(case, mutant.rule_base, self._fixtures)
            if mutant.facts and _answers(mutant.facts, changed) == _answers(mutant.facts, facts):
                return False
            facts = changed
        rule_base = for_region(mutant.rule_base, case.region)
        decision = decide(question, facts, rule_base, History(), _POLICY)
        return any(True for _ in differences(case, decision, mutant.rule_base))

    def _as_it_is(self, case: Case) -> Posed:
        if case.place not in self._posed:
            self._posed[case.place] = posed(case, self._rule_base, self._fixtures)
        return self._posed[case.place]


_AT_WORK: list[tuple[Trial, Sequence[Mutant]]] = []  # what a worker process was begun with
_CHUNK = 16  # mutants that a worker takes at once


def surviving(trial: Trial, mutants: Sequence[Mutant], workers: int) -> Iterator[bool]:
    """Of each mutant, in order, whether it survives.

    Args:
        trial: the cases.
        mutants: what is tried on them.
        workers: processes to share the work; where a system cannot fork, it is one.
    """
    if workers < 2 or "fork" not in get_all_start_methods():  # noqa: PLR2004 - one shares nothing
        yield from (trial.killer(one) is None for one in mutants)
        return
    with ProcessPoolExecutor(
        workers, get_context("fork"), initializer=_AT_WORK.append, initargs=((trial, mutants),)
    ) as pool:
        yield from pool.map(_survives, range(len(mutants)), chunksize=_CHUNK)


def _survives(index: int) -> bool:
    trial, mutants = _AT_WORK[-1]
    return trial.killer(mutants[index]) is None


def _answers(names: Iterable[str], facts: FactSet) -> list[Fact]:
    return [facts.fact(name, side) for side in facts.sides for name in names]


def _same(mutant: Mutant, facts: FactSet, rule_base: RuleBase) -> bool:
    """Whether a change of a rule or of a group shows, at a glance, no difference in these facts."""
    if mutant.facts == ():
        return all(
            evaluate(mutant.rule_base.rules[one], facts) == evaluate(rule_base.rules[one], facts)
            for one in mutant.rules
        )
    for name in mutant.facts or ():
        before, after = rule_base.facts[name], mutant.rule_base.facts[name]
        if not isinstance(before, GroupFact) or not isinstance(after, GroupFact) or before is after:
            return False
        if any(_group(before, facts, side) != _group(after, facts, side) for side in facts.sides):
            return False
    return bool(mutant.facts)


def _group(definition: GroupFact, facts: FactSet, side: Side) -> tuple[Fact, Fact]:
    """A fact made of others, and the same fact if what only words say were not known."""

    def known(name: str, side: Side) -> Fact:
        return facts.fact(name, side)

    def surely(name: str, side: Side) -> Fact:
        found = facts.fact(name, side)
        return found if found.sure is found.value else Fact(name, None, Reason.ONLY_NAMED)

    return combinations.group(definition, side, known), combinations.group(definition, side, surely)
