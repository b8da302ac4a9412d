"""What a card offers: draft orders as valid R4, less what is done, open, or behind a gate."""

import re
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID, uuid5

import msgspec

from cds_service.facts.model import Datum, OrderState
from cds_service.hooks.card import Action, Suggestion
from cds_service.hooks.request import Question
from cds_service.presentation.rendering import Gap, unknown_in_words
from cds_service.presentation.spoken_facts import Facts
from cds_service.presentation.text import plain
from cds_service.rulebase.criteria import truth
from cds_service.rulebase.model import Coded, Order, Rule, RuleBase, Suggest
from cds_service.rules.model import Finding, Policy

_RELATIVE = re.compile(r"[A-Za-z]+/[A-Za-z0-9.\-]+")  # the type and a FHIR id
MOST_OFFERED = 4  # ARCHITECTURE section 6
_REASONS = ("Condition", "Observation", "DiagnosticReport", "DocumentReference")
_MOST_REASONS = 3
_MOST_ASKED = 3
LONGEST_DESCRIPTION = 99  # docs/card-style.md 5
_URGENCY = ("routine", "urgent", "asap", "stat")  # FHIR request-priority, the least urgent first
COMPLETE = ("http://hl7.org/fhir/uv/sdc/CodeSystem/temp", "complete-questionnaire")


class Offer(msgspec.Struct, frozen=True):
    """What a card offers, and what it does not and why.

    `names`: the orders offered, in order; `taken`: the same, with the leg of a sided order. `withheld`:
    order → reason code. `not_known`: what the card says about gates that are not clear.
    """

    suggestions: tuple[Suggestion, ...]
    names: tuple[str, ...]
    taken: frozenset[str]
    withheld: Mapping[str, str]
    not_known: tuple[Gap, ...]


def urgency(finding: Finding, rule: Rule, facts: Facts) -> Mapping[str, int]:
    """How urgent each order is that a card offers if no other card does; the higher, the more urgent."""
    found: dict[str, int] = {}
    fitted = 0
    for entry in _holding(finding, rule, facts):
        if fitted >= MOST_OFFERED:
            break
        if entry.delete:
            fitted += len(_removable(entry, facts))
            continue
        order = facts.rule_base.orders[entry.order]
        if not gated(order, facts)[0]:
            fitted += 1
            key, own = _placed(order, finding), _URGENCY.index(order.priority)
            found[key] = max(own, found.get(key, own))
    return found


def offer(
    finding: Finding,
    rule: Rule,
    facts: Facts,
    question: Question,
    policy: Policy,
    card: UUID,
    taken: frozenset[str],
    urgent: Mapping[str, int],
) -> Offer:
    """The suggestions of one card; `taken` are orders that another card offers already.

    `urgent`: the highest `urgency` of each order on any card; where it is higher than here, the order is
    left to that place, also when that card stands further down.
    """
    suggestions: list[Suggestion] = []
    names: list[str] = []
    placed: set[str] = set()
    withheld: dict[str, str] = {}
    not_known: list[Gap] = []
    for entry in _holding(finding, rule, facts):
        if entry.delete:
            suggestions.extend(_deletions(entry, facts, card))
            continue
        order = facts.rule_base.orders[entry.order]
        key = _placed(order, finding)
        reason, gaps = gated(order, facts)
        not_known.extend(gaps)
        if not reason and urgent.get(key, 0) > _URGENCY.index(order.priority):
            reason = "offered-more-urgently"
        if not reason and key in taken:
            reason = "offered-on-another-card"
        if reason:
            withheld[order.name] = reason
            continue
        if len(suggestions) < MOST_OFFERED:  # an order that does not fit stays free for another card
            names.append(order.name)
            placed.add(key)
        suggestions.append(_suggestion(order, finding, facts, question, policy, card))
    offered = tuple(suggestions[:MOST_OFFERED])
    return Offer(offered, tuple(names), frozenset(placed), withheld, tuple(dict.fromkeys(not_known)))


def _placed(order: Order, finding: Finding) -> str:
    """An order as it would be placed: the left and the right scan are two, two ECGs are one.

    Orders that differ in urgency and words only have the same first code.
    """
    if finding.side in order.sided:
        return f"{order.name} {finding.side}"
    return order.codings[0].code if order.codings else order.name


def _holding(finding: Finding, rule: Rule, facts: Facts) -> Iterator[Suggest]:
    """The entries whose condition holds; of several with one order the first: it is one suggestion."""
    orders: set[str] = set()
    for entry in _entries(finding, rule):
        if entry.when is not None and not _holds(entry, facts):
            continue
        if not entry.delete:
            if entry.order in orders:
                continue
            orders.add(entry.order)
        yield entry


def _entries(finding: Finding, rule: Rule) -> tuple[Suggest, ...]:
    if finding.level is None:
        return rule.ask.suggest if rule.ask else ()
    return rule.suggest


def _holds(entry: Suggest, facts: Facts) -> bool:
    assert entry.when is not None
    return (
        truth(entry.when, lambda name: facts.fact(name).value, lambda name: facts.fact(name).sure)
        is True
    )


def gated(order: Order, facts: Facts) -> tuple[str, list[Gap]]:
    """Why an order is withheld (empty: it is not), and what the card must say about its gates."""
    state = _state(order, facts)
    if state.done:
        return "done", []
    if state.open:
        return "open", []
    gaps: list[Gap] = []
    for name in order.must_be_clear:
        fact = facts.fact(name)
        if fact.value is False:
            continue
        label = facts.rule_base.facts[name].label
        if fact.value is True:
            return f"blocked: {name}", [Gap(f"{order.label} withheld: {label}")]
        why = f"{order.label} withheld until ruled out ({label})"
        return f"not-clear: {name}", [Gap(why, _settles(name, facts))]
    for name in order.blocked_by:
        fact = facts.fact(name)
        if fact.value is True:
            label = facts.rule_base.facts[name].label
            return f"blocked: {name}", [Gap(f"{order.label} withheld: {label}")]
        if fact.value is None:
            gaps.append(Gap(f"{unknown_in_words(name, facts)}, check before {order.label}"))
    return "", gaps


def _settles(name: str, facts: Facts) -> tuple[str, ...]:
    """What would settle a gate: several facts may ask for it in the same words."""
    leaves = facts.fact(name).open or (name,)
    asked = dict.fromkeys(unknown_in_words(leaf, facts) for leaf in leaves)
    return tuple(asked)[:_MOST_ASKED]


def _state(order: Order, facts: Facts) -> OrderState:
    # With both legs, the order is gone only if it is gone for both.
    states = [facts.set.orders.get(side, facts.set.orders[""])[order.name] for side in facts.sides]
    return next((state for state in states if state.free), states[0])


def _suggestion(
    order: Order,
    finding: Finding,
    facts: Facts,
    question: Question,
    policy: Policy,
    card: UUID,
) -> Suggestion:
    resource = (
        task(order, question, facts.rule_base)
        if order.kind == "questionnaire"
        else service_request(order, finding, facts, question, policy)
    )
    return Suggestion(
        label=f"{_verb(order)} {order.label}",
        uuid=str(uuid5(card, order.name)),
        actions=(
            Action(
                type="create",
                description=plain(described(order), LONGEST_DESCRIPTION),
                resource=resource,
            ),
        ),
    )


def described(order: Order) -> str:
    """What an action says: in some EHRs it is all that the user reads (requirement 94)."""
    return f"{_verb(order)} {order.label}: {order.why}"


def _verb(order: Order) -> str:
    return {"order": "Order", "referral": "Refer to", "questionnaire": "Answer"}[order.kind]


def service_request(
    order: Order, finding: Finding, facts: Facts, question: Question, policy: Policy
) -> dict[str, Any]:
    """A draft ServiceRequest (R4): the clinician signs, nothing is signed for them."""
    side = finding.side if finding.side in ("left", "right") else ""
    resource = _order_resource(order, order.sided.get(side) or order.codings, question, policy)
    references = list(_reasons(finding, facts))
    if references:
        resource["reasonReference"] = [{"reference": one} for one in references]
    return resource


def _order_resource(
    order: Order, codings: tuple[Coded, ...], question: Question, policy: Policy
) -> dict[str, Any]:
    resource: dict[str, Any] = {
        "resourceType": "ServiceRequest",
        "status": "draft",
        "intent": policy.intent,
        "priority": order.priority,
        "code": _concept(codings, order.text),
        "subject": {"reference": f"Patient/{question.patient}"},
    }
    if order.category is not None:
        resource["category"] = [_concept((order.category,), "")]
    if question.encounter:
        resource["encounter"] = {"reference": f"Encounter/{question.encounter}"}
    return resource


def _concept(codings: tuple[Coded, ...], text: str) -> dict[str, Any]:
    concept: dict[str, Any] = {}
    if codings:
        concept["coding"] = [_coding(one) for one in codings]
    if text:
        concept["text"] = text
    return concept


def _coding(one: Coded) -> dict[str, str]:
    coding = {"system": one.system, "code": one.code, "display": one.display}
    return coding if one.display else {"system": one.system, "code": one.code}


def _reasons(finding: Finding, facts: Facts) -> Iterator[str]:
    """References to the evidence, only of the types that R4 allows there."""
    seen: set[str] = set()
    for name in finding.because:
        for one in facts.fact(name).data:
            kind = one.ref.partition("/")[0]
            if kind in _REASONS and _RELATIVE.fullmatch(one.ref) and one.ref not in seen:
                seen.add(one.ref)
                yield one.ref
                if len(seen) == _MOST_REASONS:
                    return


def task(order: Order, question: Question, rule_base: RuleBase) -> dict[str, Any]:
    """A draft Task (R4) to complete a questionnaire, in the form SDC uses."""
    canonical = f"{rule_base.canonical}/Questionnaire/{order.questionnaire}"
    resource: dict[str, Any] = {
        "resourceType": "Task",
        "status": "draft",
        "intent": "proposal",
        "priority": order.priority,
        "code": {"coding": [{"system": COMPLETE[0], "code": COMPLETE[1]}], "text": order.text},
        "for": {"reference": f"Patient/{question.patient}"},
        "input": [{"type": {"text": "questionnaire"}, "valueCanonical": canonical}],
    }
    if question.encounter:
        resource["encounter"] = {"reference": f"Encounter/{question.encounter}"}
    return resource


def _deletions(entry: Suggest, facts: Facts, card: UUID) -> Iterator[Suggestion]:
    """One deletion per draft that a fact names; a draft without an id cannot be pointed at."""
    data = _removable(entry, facts)
    for ref, one in data.items():
        yield Suggestion(
            label=plain(f"{entry.label}: {one.label}" if len(data) > 1 else entry.label, 100),
            uuid=str(uuid5(card, f"delete {ref}")),
            actions=(
                Action(
                    type="delete",
                    description=plain(entry.label, LONGEST_DESCRIPTION),
                    resourceId=ref,
                ),
            ),
        )


def _removable(entry: Suggest, facts: Facts) -> dict[str, Datum]:
    drafts = {draft.ref for draft in facts.set.drafts}
    named = facts.fact(entry.delete).data
    return {one.ref: one for one in named if one.ref in drafts and _RELATIVE.fullmatch(one.ref)}


def examples(rule_base: RuleBase) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every order as it would be emitted for an invented patient, for validation at start."""
    question = Question(
        service="service", hook="patient-view", hook_instance="1", patient="example", encounter="1"
    )
    for order in rule_base.orders.values():
        if order.kind == "questionnaire":
            yield order.name, task(order, question, rule_base)
            continue
        for codings in (order.codings, *order.sided.values()):
            yield order.name, _order_resource(order, codings, question, Policy())
