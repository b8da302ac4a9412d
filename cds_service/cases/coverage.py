"""What the cases of a rule have shown: each fact it names seen true, false and unknown."""

from collections.abc import Iterable, Iterator

import msgspec

from cds_service.cases.running import Outcome
from cds_service.facts.derived import BY_NAME
from cds_service.rulebase.criteria import Truth, facts_in
from cds_service.rulebase.definitions import (
    AnsweredFact,
    CountFact,
    DerivedFact,
    GroupFact,
    HookFact,
    PatientFact,
    RegionFact,
    ScoreFact,
)
from cds_service.rulebase.model import Rule, RuleBase
from cds_service.rulebase.possible import Values, possible

ALL: tuple[Truth, ...] = (True, False, None)
WORDS: dict[Truth, str] = {True: "true", False: "false", None: "unknown"}


class Seen(msgspec.Struct, frozen=True):
    """One fact that a rule's levels name, and the values its cases met; `lacks` those they did not."""

    rule: str
    fact: str
    values: tuple[Truth, ...]
    lacks: tuple[Truth, ...]


def coverage(rule_base: RuleBase, outcomes: Iterable[Outcome]) -> tuple[Seen, ...]:
    """Which values the facts of every rule took over the rule's own cases, on any leg."""
    met: dict[tuple[str, str], set[Truth]] = {}
    for outcome in outcomes:
        if outcome.decision is None:
            continue
        for name in _named(rule_base.rules[outcome.case.rule]):
            values = {outcome.decision.facts.value(name, side) for side in outcome.decision.facts.sides}
            met.setdefault((outcome.case.rule, name), set()).update(values)
    return tuple(
        _seen(rule, name, met.get((rule.id, name), set()), rule_base)
        for rule in rule_base.rules.values()
        if rule.status != "retired"
        for name in _named(rule)
    )


def _named(rule: Rule) -> Iterator[str]:
    yield from dict.fromkeys(name for level in rule.levels for name in facts_in(level.when))


def _seen(rule: Rule, name: str, met: set[Truth], rule_base: RuleBase) -> Seen:
    possible = ALL if can_be_unknown(name, rule_base) else (True, False)
    return Seen(
        rule.id,
        name,
        tuple(value for value in ALL if value in met),
        tuple(value for value in possible if value not in met),
    )


def can_be_unknown(name: str, rule_base: RuleBase) -> bool:
    """Whether a fact can be unknown: some are settled by the request, by counting, or by `unless`."""
    definition = rule_base.facts[name]
    match definition:
        case HookFact() | RegionFact() | AnsweredFact():
            return False
        case PatientFact():
            return definition.attribute != "deceased"  # not said is not deceased (ARCHITECTURE 5.1)
        case DerivedFact():
            return not BY_NAME[definition.by].settled
        case ScoreFact():
            return not definition.undecided
        case GroupFact():
            # What reads only "is on record" or "is not" is settled whatever is known (`unless`).
            return possible((definition.when,), _unknown) and any(
                can_be_unknown(one, rule_base) for one in facts_in(definition.when)
            )
        case CountFact():
            return any(can_be_unknown(one, rule_base) for one in definition.of)
        case _:
            return True


def _unknown(values: Values) -> bool:
    return values == (None,)
