"""Decisions on a tiny rule base: from a record, or from facts given by name."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from cds_service.decision import Decision, History, Policy, answer, decide
from cds_service.facts.model import Datum, Fact, FactSet, OrderState, Reason, Side
from cds_service.fhir import dates
from cds_service.hooks.request import Question
from cds_service.rulebase.model import RuleBase
from tests.unit.facts.patients import evidence
from tests.unit.rulebase.tiny import NOW, Json


def question(**fields: Any) -> Question:
    """A question at patient-view."""
    return Question(
        **{"service": "tiny-view", "hook": "patient-view", "hook_instance": "i", "patient": "p"} | fields
    )


def answered(
    base: RuleBase,
    *,
    asked: Question | None = None,
    history: History | None = None,
    policy: Policy | None = None,
    now: datetime = NOW,
    **brought: Any,
) -> Decision:
    """The decision for a record."""
    one = asked or question()
    brought_in = evidence(base, **brought)
    return answer(one, brought_in, base, now, UTC, history or History(), policy or Policy())


def datum(
    text: str = "an entry", ref: str = "Condition/c", when: str | None = None, **fields: Any
) -> Datum:
    """Something in a record that a fact rests on."""
    return Datum(label=text, text=text, ref=ref, when=dates.parse(when, UTC), **fields)


def facts_of(
    base: RuleBase,
    values: Mapping[str, Fact | bool | None],
    legs: Mapping[Side, Mapping[str, Fact | bool | None]] | None = None,
    orders: Mapping[Side, Mapping[str, OrderState]] | None = None,
    **fields: Any,
) -> FactSet:
    """A fact set with these values; what is not named is false."""

    def whole(given: Mapping[str, Fact | bool | None]) -> dict[str, Fact]:
        return {name: _as_fact(name, given.get(name, False)) for name in base.facts}

    sides: dict[Side, Mapping[str, Fact]] = {"": whole(values)}
    for side, given in (legs or {}).items():
        sides[side] = whole({**values, **given})
    states: dict[Side, Mapping[str, OrderState]] = {
        side: {**dict.fromkeys(base.orders, OrderState()), **((orders or {}).get(side, {}))}
        for side in sides
    }
    whole_set: dict[str, Any] = {
        "now": NOW,
        "zone": UTC,
        "sides": sides,
        "orders": states,
        "readings": {},
        "age": (60, 60),
    }
    return FactSet(**whole_set | fields)


def _as_fact(name: str, value: Fact | bool | None) -> Fact:
    if isinstance(value, Fact):
        return msgspec.structs.replace(value, name=name)
    return Fact(name, value, None if value is not None else Reason.NOT_RECORDED)


def decided(
    base: RuleBase,
    facts: FactSet | None = None,
    *,
    asked: Question | None = None,
    history: History | None = None,
    policy: Policy | None = None,
    **values: Fact | bool | None,
) -> Decision:
    """The decision from facts given by name."""
    return decide(
        asked or question(),
        facts or facts_of(base, values),
        base,
        history or History(),
        policy or Policy(),
    )


def shown(decision: Decision) -> dict[str, str]:
    """Rule → whether it is shown; of two legs the last."""
    return {one.rule: one.shown for one in decision.findings}


def carded(decision: Decision) -> list[str]:
    """The rules with a card, in order."""
    return [one.finding.rule for one in decision.carded]


def created(decision: Decision) -> list[Json]:
    """Every resource that a card offers to create."""
    return [
        dict(action.resource)
        for card in decision.cards
        for suggestion in card.suggestions
        for action in suggestion.actions
        if action.resource is not None
    ]
