"""Rules changed on purpose, to see whether their cases notice.

A mutant that no case tells from the rule shows a criterion or a number that nothing proves.
"""

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path

import msgspec

from cds_service.cases.running import Case, Posed, differences, posed
from cds_service.decision import Decision, History, Policy, decide
from cds_service.rulebase.criteria import All, Any_, Criterion, Is, NoneOf, Unless
from cds_service.rulebase.definitions import Threshold
from cds_service.rulebase.model import Rule, RuleBase

_POLICY = Policy(evaluation=True)
_SWAPPED: Mapping[type, type] = {All: Any_, Any_: All, NoneOf: Unless, Unless: NoneOf}
_WORDS: Mapping[type, str] = {All: "all", Any_: "any", NoneOf: "none", Unless: "unless"}


class Mutant(msgspec.Struct, frozen=True):
    """One change: of a rule (`rule`), or of a threshold that the rules in `rules` reach."""

    what: str
    rule_base: RuleBase
    rules: tuple[str, ...]
    facts_differ: bool = False


def of_rule(rule: Rule, rule_base: RuleBase) -> Iterator[Mutant]:
    """Every criterion of every level left out, and every word swapped: all/any, none/unless."""
    for index, level in enumerate(rule.levels):
        for where, changed in _changed(level.when):
            levels = list(rule.levels)
            levels[index] = msgspec.structs.replace(level, when=changed)
            mutant = msgspec.structs.replace(rule, levels=tuple(levels))
            yield Mutant(
                f"{rule.id} level {index + 1}: {where}",
                msgspec.structs.replace(rule_base, rules={**rule_base.rules, rule.id: mutant}),
                (rule.id,),
            )


def of_threshold(threshold: Threshold, rules: tuple[str, ...], rule_base: RuleBase) -> Iterator[Mutant]:
    """A threshold one step higher and one lower: a step is one in the last place it is written with."""
    for sign, word in ((1, "higher"), (-1, "lower")):
        values = {unit: value + sign * _step(value) for unit, value in threshold.values.items()}
        moved = msgspec.structs.replace(threshold, values=values)
        told = ", ".join(f"{value} {unit}" for unit, value in values.items())
        yield Mutant(
            f"{threshold.name} {word}: {told}",
            msgspec.structs.replace(
                rule_base, thresholds={**rule_base.thresholds, threshold.name: moved}
            ),
            rules,
            facts_differ=True,
        )


def _step(value: Decimal) -> Decimal:
    exponent = value.as_tuple().exponent
    assert isinstance(exponent, int)
    return Decimal(1).scaleb(min(exponent, 0))


def _changed(criterion: Criterion) -> Iterator[tuple[str, Criterion]]:
    """Every criterion that is this one with one change, and where the change is."""
    if isinstance(criterion, Is):
        return
    kind, parts = type(criterion), criterion.of
    word = _WORDS[kind]
    if len(parts) > 1 or kind in (NoneOf, Unless):
        swapped: Criterion = _SWAPPED[kind](parts)
        yield f"`{word}` is `{_WORDS[type(swapped)]}`: {_named(parts)}", swapped
    for index, part in enumerate(parts):
        rest = (*parts[:index], *parts[index + 1 :])
        if rest:
            yield f"`{word}` without {_named((part,))}", kind(rest)
        for where, changed in _changed(part):
            yield where, kind((*parts[:index], changed, *parts[index + 1 :]))


def _named(parts: Iterable[Criterion]) -> str:
    return ", ".join(
        part.fact if isinstance(part, Is) else f"{_WORDS[type(part)]}({_named(part.of)})"
        for part in parts
    )


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
        return next(
            (
                case
                for rule in mutant.rules
                for case in self._cases.get(rule, ())
                if next(differences(case, self._decided(case, mutant), mutant.rule_base), None)
            ),
            None,
        )

    def _decided(self, case: Case, mutant: Mutant) -> Decision:
        if mutant.facts_differ:
            question, facts = posed(case, mutant.rule_base, self._fixtures)
        else:
            if case.place not in self._posed:
                self._posed[case.place] = posed(case, self._rule_base, self._fixtures)
            question, facts = self._posed[case.place]
        return decide(question, facts, mutant.rule_base, History(), _POLICY)
