"""Rules changed on purpose, to see whether their cases notice.

A mutant that no case tells from the rule shows a criterion or a number that nothing proves.
"""

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path

import msgspec

from cds_service.cases.running import Case, Posed, differences, posed
from cds_service.decision import Decision, History, Policy, decide
from cds_service.rulebase import logic, reading
from cds_service.rulebase.changes import changed
from cds_service.rulebase.definitions import Threshold
from cds_service.rulebase.model import Rule, RuleBase
from cds_service.rulebase.regions import for_region

_POLICY = Policy(evaluation=True)


class Mutant(msgspec.Struct, frozen=True):
    """One change: of a rule, or of a threshold that the rules in `rules` reach."""

    what: str
    rule_base: RuleBase
    rules: tuple[str, ...]
    facts_differ: bool = False


def listed(texts: Mapping[str, str]) -> dict[str, str]:
    """The changes that are known to change nothing, as the case files list them, and why."""
    return {
        one["change"]: one["because"]
        for file in sorted(texts)
        if file.endswith(".cases.yaml")
        for one in reading.read(file, texts[file])[0].value.get("survivors", ())
    }


def of_rule(rule: Rule, rule_base: RuleBase) -> Iterator[Mutant]:
    """Every criterion of every level left out, and every word swapped: all/any, none/unless.

    What no patient can tell from the rule, whatever the facts are, is no change and left out.
    """
    for index, level in enumerate(rule.levels):
        for change in changed(level.when):
            if not logic.tells(rule, index, change.criterion):
                continue
            levels = list(rule.levels)
            levels[index] = msgspec.structs.replace(level, when=change.criterion)
            mutant = msgspec.structs.replace(rule, levels=tuple(levels))
            yield Mutant(
                f"{rule.id} level {index + 1}: {change.what}",
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
        return decide(question, facts, for_region(mutant.rule_base, case.region), History(), _POLICY)
