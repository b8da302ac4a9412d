"""Settled findings into cards: one per finding shown, with what is merged and folded into it."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid5

import msgspec

from cds_service.facts.model import Datum, FactSet
from cds_service.hooks.card import Card, Coding, Source
from cds_service.hooks.request import Question
from cds_service.presentation import rendering, suggestions, tips
from cds_service.presentation.spoken_facts import Facts
from cds_service.presentation.text import escaped, plain
from cds_service.rulebase.model import Rule, RuleBase
from cds_service.rules.model import Finding, Policy

BASIS = "org.heavylegs.basis"
_CARDS = UUID("5f0c2c1e-6d57-5c0b-9c1c-3f5f0a1d7e42")  # namespace of every card uuid


class Carded(msgspec.Struct, frozen=True):
    """A card, and the finding it is for."""

    card: Card
    finding: Finding
    orders: tuple[str, ...]
    withheld: Mapping[str, str]
    taken: frozenset[str] = frozenset()


def build(
    findings: list[Finding],
    facts: FactSet,
    rule_base: RuleBase,
    question: Question,
    policy: Policy,
) -> tuple[list[Carded], list[Finding]]:
    """The cards of settled findings, and the findings; one whose card cannot be built is `failed`."""
    cards: list[Carded] = []
    outcome: list[Finding] = []
    taken: frozenset[str] = frozenset()
    urgent = _most_urgent(findings, facts, rule_base)
    for finding in findings:
        if finding.shown != "card":
            outcome.append(finding)
            continue
        try:
            made = _card(finding, findings, facts, rule_base, question, policy, taken, urgent)
        except Exception as error:  # noqa: BLE001 - one bad rule never takes the rest down
            # Once more without it: what it would have offered, the others offer.
            settled = [_broken(one, error) if one is finding else one for one in findings]
            return build(settled, facts, rule_base, question, policy)
        taken |= made.taken
        cards.append(made)
        outcome.append(finding)
    folded = [one for one in outcome if one.shown == "folded"]
    if folded and cards:
        cards[-1] = _with_folded(cards[-1], folded, facts, rule_base)
    return cards, outcome


def _most_urgent(findings: list[Finding], facts: FactSet, rule_base: RuleBase) -> Mapping[str, int]:
    """Of each order that some card would offer, the highest urgency."""
    found: dict[str, int] = {}
    for finding in findings:
        if finding.shown != "card":
            continue
        own = Facts(facts, rule_base, finding)
        try:
            wanted = suggestions.urgency(finding, rule_base.rules[finding.rule], own)
        except Exception:  # noqa: BLE001, S112 - its card will fail alone, and says so
            continue
        for key, urgency in wanted.items():
            found[key] = max(urgency, found.get(key, urgency))
    return found


def _broken(finding: Finding, error: Exception) -> Finding:
    return msgspec.structs.replace(
        finding,
        outcome="failed",
        reason=type(error).__name__,
        shown="nothing",
        shown_reason="fault",
    )


def _card(
    finding: Finding,
    findings: list[Finding],
    facts: FactSet,
    rule_base: RuleBase,
    question: Question,
    policy: Policy,
    taken: frozenset[str],
    urgent: Mapping[str, int],
) -> Carded:
    rule = rule_base.rules[finding.rule]
    own = Facts(facts, rule_base, finding)
    identity = _identity(finding, question)
    offer = suggestions.offer(finding, rule, own, question, policy, identity, taken, urgent)
    joined = [one for one in findings if one.shown == "merged" and one.shown_reason == rule.id]
    if rule.tip:
        words = tips.render([finding, *joined], findings, facts, rule_base)
        detail = words.detail
    else:
        words = rendering.render(finding, rule, own, offer.not_known)
        detail = words.detail
        for one in joined:
            also = _summary(one, facts, rule_base)
            if also != words.summary:  # two rules of one sentence: it is said once
                detail += f"\n\n**Also** {escaped(also)}"
    source = rule.source(rendering.text_of(finding, rule))
    card = Card(
        uuid=str(identity),
        summary=words.summary,
        indicator=finding.indicator or "info",
        source=Source(
            label=plain(source.short or f"{source.publisher}: {source.title}", 120),
            url=source.url,
            topic=Coding(
                system=f"{rule_base.canonical}/CodeSystem/rule",
                code=rule.topic + ("crit" if finding.indicator == "critical" else ""),
                display=rule.title,
            ),
        ),
        detail=detail,
        suggestions=offer.suggestions,
        selectionBehavior="any" if offer.suggestions else "",
        overrideReasons=_override_reasons(rule, rule_base),
        extension={BASIS: basis([finding, *joined], facts, rule_base)},
    )
    return Carded(card, finding, offer.names, offer.withheld, offer.taken)


def _summary(finding: Finding, facts: FactSet, rule_base: RuleBase) -> str:
    """The summary of a finding without a card of its own; its title where that cannot be made."""
    rule = rule_base.rules[finding.rule]
    try:
        return rendering.summary(
            rendering.text_of(finding, rule).summary, Facts(facts, rule_base, finding)
        )
    except Exception:  # noqa: BLE001 - one bad rule never takes its host down
        return rule.title


def _identity(finding: Finding, question: Question) -> UUID:
    """Pure and replayable: the same request always gives a card the same uuid."""
    parts = (
        question.client,
        question.service,
        question.hook_instance,
        question.digest,
        finding.rule,
        str(finding.level),
        finding.side,
    )
    return uuid5(_CARDS, "\n".join(parts))


def _override_reasons(rule: Rule, rule_base: RuleBase) -> tuple[Coding, ...]:
    found = (rule_base.override_reasons[name].coding for name in rule.override_reasons)
    return tuple(Coding(one.system, one.code, one.display) for one in found)


def basis(findings: list[Finding], facts: FactSet, rule_base: RuleBase) -> dict[str, Any]:
    """What a card rests on, for a machine: rules, facts with their data, what is missing."""
    used: dict[bytes, dict[str, Any]] = {}  # by content, so that nothing stands twice
    absent: list[dict[str, str]] = []
    for finding in findings:
        own = Facts(facts, rule_base, finding)
        for name in finding.because:
            for one in own.fact(name).data or (None,):
                entry = {"name": name} if one is None else _datum(name, one)
                used.setdefault(msgspec.json.encode(entry), entry)
        for name in finding.missing:
            line = {"name": name, "reason": str(own.fact(name).reason or "unknown")}
            if line not in absent:
                absent.append(line)
    first = findings[0]
    whole: dict[str, Any] = {
        "rules": [{"id": one.rule, "version": one.version} for one in findings],
        "cause": rule_base.rules[first.rule].cause,
        "facts": list(used.values()),
        "missing": absent,
        "ruleBase": {"version": rule_base.version, "digest": rule_base.digest},
    }
    if first.side:
        whole["side"] = first.side
    return {key: value for key, value in whole.items() if value}


def _datum(name: str, one: Datum) -> dict[str, Any]:
    span = one.when or one.onset or one.recorded
    entry = {
        "name": name,
        "value": plain(one.value or one.text, 80),
        "unit": plain(one.unit, 40),
        "low": one.low,
        "high": one.high,
        "date": span.text if span else "",
        "resource": plain(one.ref, 300),
        "side": one.side or "",
    }
    return {key: value for key, value in entry.items() if value}


def _with_folded(last: Carded, folded: list[Finding], facts: FactSet, rule_base: RuleBase) -> Carded:
    lines = [_summary(one, facts, rule_base) for one in folded]
    also = "; ".join(escaped(line) for line in lines)
    card = msgspec.structs.replace(last.card, detail=f"{last.card.detail}\n\n**Also considered** {also}")
    return msgspec.structs.replace(last, card=card)
