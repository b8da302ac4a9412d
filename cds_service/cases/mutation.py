"""Rules changed on purpose, to see whether their cases notice (`cases.trial`).

A mutant that no case tells from the rule shows a criterion or a number that nothing proves.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal

import msgspec

from cds_service.cases.coverage import can_be_unknown
from cds_service.rulebase import logic, reading
from cds_service.rulebase.changes import changed
from cds_service.rulebase.definitions import GroupFact, Threshold
from cds_service.rulebase.model import Rule, RuleBase
from cds_service.rulebase.uses import Reached


class Mutant(msgspec.Struct, frozen=True):
    """One change: of a rule, of a fact made of others, or of a threshold.

    `rules` reach what is changed. `facts`: those that the change is about, nothing but them and what
    is made of them can differ; None when that is not known.
    """

    what: str
    rule_base: RuleBase
    rules: tuple[str, ...]
    facts: tuple[str, ...] | None = ()


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


def of_reached(
    section: str, one: Reached, rules: tuple[str, ...], rule_base: RuleBase
) -> Iterator[Mutant]:
    """Every change of a fact or a threshold, to be tried on the cases of these of its rules."""
    if section == "thresholds":
        yield from of_threshold(rule_base.thresholds[one.name], rules, rule_base, one.facts)
        return
    fact = rule_base.facts[one.name]
    if isinstance(fact, GroupFact):
        yield from of_fact(fact, rules, rule_base)


def of_fact(fact: GroupFact, rules: tuple[str, ...], rule_base: RuleBase) -> Iterator[Mutant]:
    """Every part of a fact made of others left out, and every word swapped.

    `none` and `unless` differ in what is unknown: over facts that are always known they are the same,
    and so is the outer one of `unless: [{unless: [x]}]`, for an `unless` is never unknown.
    """
    for change in changed(fact.when):
        if change.unknown and not (
            any(can_be_unknown(one, rule_base) for one in change.unknown)
            and logic.differ(fact.when, change.criterion)
        ):
            continue
        mutant = msgspec.structs.replace(fact, when=change.criterion)
        yield Mutant(
            f"{fact.name}: {change.what}",
            msgspec.structs.replace(rule_base, facts={**rule_base.facts, fact.name: mutant}),
            rules,
            facts=(fact.name,),
        )


def of_threshold(
    threshold: Threshold,
    rules: tuple[str, ...],
    rule_base: RuleBase,
    facts: tuple[str, ...] | None = None,
) -> Iterator[Mutant]:
    """A threshold one step higher and one lower: a step is one in the last place it is written with.

    The number of a region moves by itself, and the others stay.
    """
    for moved, what in _moved(threshold):
        yield Mutant(
            f"{threshold.name} {what}",
            msgspec.structs.replace(
                rule_base, thresholds={**rule_base.thresholds, threshold.name: moved}
            ),
            rules,
            facts,
        )


def _moved(threshold: Threshold) -> Iterator[tuple[Threshold, str]]:
    for sign, word in ((1, "higher"), (-1, "lower")):
        values = {unit: value + sign * _step(value) for unit, value in threshold.values.items()}
        told = ", ".join(f"{value} {unit}" for unit, value in values.items())
        yield msgspec.structs.replace(threshold, values=values), f"{word}: {told}"
    for region, own in threshold.regions.items():
        for moved, what in _moved(own):
            regions = {**threshold.regions, region: moved}
            yield msgspec.structs.replace(threshold, regions=regions), f"in {region} {what}"


def _step(value: Decimal) -> Decimal:
    exponent = value.as_tuple().exponent
    assert isinstance(exponent, int)
    return Decimal(1).scaleb(min(exponent, 0))
