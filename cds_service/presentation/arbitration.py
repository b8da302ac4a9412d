"""Which findings are shown: yields, what stands alone, tips, overrides, the cap.

Each step only ever settles `shown` with a reason, so that the evaluation can say for every rule why
its card is or is not there (ARCHITECTURE 5.5).
"""

from collections.abc import Mapping
from operator import attrgetter

import msgspec

from cds_service.facts.model import FactSet
from cds_service.hooks.request import Question
from cds_service.presentation.general import spent
from cds_service.presentation.suppression import History, quiet_until
from cds_service.rulebase.model import Rule, RuleBase
from cds_service.rules.model import Finding, Policy, Showing

_CLINICIANS = ("Practitioner", "PractitionerRole", "")


def settle(
    findings: list[Finding],
    facts: FactSet,
    rule_base: RuleBase,
    question: Question,
    history: History,
    policy: Policy,
) -> list[Finding]:
    """The findings with `shown` settled: `card` for those that get one, the first ones first."""
    outside = _outside(facts, rule_base, question)
    if outside:
        return [_kept(one, "not-assessed", outside) for one in findings]
    rules = rule_base.rules
    graver_last = sorted(findings, key=attrgetter("severity"))
    heard = {one.rule: one for one in graver_last if _may_speak(one, rules, policy)}
    settled = [_one(one, rules[one.rule], heard, facts, rule_base, history, policy) for one in findings]
    settled = _alone(settled, rules)
    settled = _merged(settled, rules)
    ordered = sorted(_beside_critical(settled, rules), key=lambda one: _order(one, rule_base))
    ordered = _tips(ordered, rules, policy)
    capped = _capped(ordered, rules, rule_base, policy)
    gone = spent(capped, facts, rule_base)
    if not gone:
        return capped
    left = [_kept(one, "withheld", "nothing-left") if one.rule in gone else one for one in ordered]
    return _capped(left, rules, rule_base, policy)


def _kept(finding: Finding, shown: Showing, reason: str) -> Finding:
    if finding.shown == "not-this-hook":
        return finding
    return msgspec.structs.replace(finding, shown=shown, shown_reason=reason)


def _outside(facts: FactSet, rule_base: RuleBase, question: Question) -> str:
    """Why nobody is assessed here at all; empty when the patient is."""
    for name in rule_base.globals.silent_when:
        if facts.sure(name) is True:
            return name
    if question.user_type not in _CLINICIANS:
        return "not-a-clinicians-view"
    return ""


def _may_speak(finding: Finding, rules: Mapping[str, Rule], policy: Policy) -> bool:
    """Whether a rule's card could be seen: one that is off or silent silences nobody."""
    off = policy.disabled | policy.silent
    return rules[finding.rule].status in policy.statuses and finding.rule not in off


def _one(
    finding: Finding,
    rule: Rule,
    heard: Mapping[str, Finding],
    facts: FactSet,
    rule_base: RuleBase,
    history: History,
    policy: Policy,
) -> Finding:
    if finding.shown == "not-this-hook":
        return finding
    if rule.id in policy.disabled:
        return _kept(finding, "not-assessed", "client: switched-off")
    if rule.status not in policy.statuses:
        return _kept(finding, "not-assessed", f"status-{rule.status}")
    if not finding.speaks:
        return finding
    if policy.silent_mode or rule.id in policy.silent:
        return _kept(finding, "silent-mode", "client" if policy.silent_mode else "client: this rule")
    if finding.indicator == "info":
        for name in rule_base.globals.info_silent_when:
            if facts.sure(name) is True:
                return _kept(finding, "withheld", name)
    for other in () if rule.red_flag else rule.yields_to:
        if _outranks(heard.get(other.rule), finding, other.also_when_unknown):
            return _kept(finding, "yielded", other.rule)
    until = quiet_until(finding, rule, facts, history, rule_base)
    if until is not None:
        return _kept(finding, "suppressed", f"overridden, quiet until {until:%Y-%m-%d}")
    return _kept(finding, "card", "")


def _outranks(other: Finding | None, finding: Finding, also_when_unknown: bool) -> bool:
    if other is None:
        return False
    if other.outcome != "fires":
        return also_when_unknown and other.outcome == "unknown"
    return other.severity >= finding.severity


def _alone(findings: list[Finding], rules: Mapping[str, Rule]) -> list[Finding]:
    """Beside a rule that stands alone only criticals and red flags are shown."""
    alone = next(
        (
            one.rule
            for one in findings
            if one.shown == "card" and one.outcome == "fires" and rules[one.rule].alone
        ),
        "",
    )
    if not alone:
        return findings
    return [
        _kept(one, "yielded", alone)
        if one.shown == "card"
        and one.rule != alone
        and one.indicator != "critical"
        and not rules[one.rule].red_flag
        else one
        for one in findings
    ]


def _merged(findings: list[Finding], rules: Mapping[str, Rule]) -> list[Finding]:
    """A rule that merges into another has no card of its own while that one has, as grave at least."""
    hosts = {one.rule: one for one in findings if one.shown == "card"}
    settled = []
    for one in findings:
        host = hosts.get(rules[one.rule].merges_into)
        joins = one.shown == "card" and host is not None and host.severity >= one.severity
        settled.append(_kept(one, "merged", host.rule) if joins and host is not None else one)
    return settled


def _tips(findings: list[Finding], rules: Mapping[str, Rule], policy: Policy) -> list[Finding]:
    """Tips become one card, the last, in the order they have; none beside a critical.

    Nor beside one that a client has chosen not to see: whoever wants no card of a clot still must not
    be told to walk more by us.
    """
    unseen = policy.disabled | policy.silent
    critical = any(
        one.indicator == "critical" and one.speaks and (one.shown == "card" or one.rule in unseen)
        for one in findings
    )
    first = next((one.rule for one in findings if one.shown == "card" and rules[one.rule].tip), "")
    settled = []
    for one in findings:
        if one.shown != "card" or not rules[one.rule].tip:
            settled.append(one)
        elif critical:
            settled.append(_kept(one, "withheld", "critical-card"))
        elif one.rule != first:
            settled.append(_kept(one, "merged", first))
        else:
            settled.append(one)
    return settled


def _beside_critical(findings: list[Finding], rules: Mapping[str, Rule]) -> list[Finding]:
    """A general rule has nothing to inform of beside a critical card, nor one that yields to any."""
    if not any(one.shown == "card" and one.indicator == "critical" for one in findings):
        return findings
    return [
        _kept(one, "withheld", "critical-card")
        if one.shown == "card" and one.indicator == "info" and _waits(rules[one.rule])
        else one
        for one in findings
    ]


def _waits(rule: Rule) -> bool:
    return rule.general or rule.yields_to_critical


def _order(finding: Finding, rule_base: RuleBase) -> tuple[bool, int, bool, bool, int, bool, str]:
    """Critical first; then what stands alone, red flags, rank; answers before questions.

    A question ranks with its indicator: an open clot goes before a vein that is certain.
    """
    rule = rule_base.rules[finding.rule]
    rank = rule_base.globals.rank_of(rule)
    asked = finding.outcome != "fires"
    return bool(rule.tip), -finding.severity, not rule.alone, not rule.red_flag, rank, asked, rule.id


def _capped(
    findings: list[Finding], rules: Mapping[str, Rule], rule_base: RuleBase, policy: Policy
) -> list[Finding]:
    """At most so many cards beyond red flags and criticals; the rest is folded into the last."""
    cap = policy.card_cap if policy.card_cap is not None else rule_base.globals.card_cap
    shown = 0
    settled = []
    for one in findings:
        exempt = one.indicator == "critical" or rules[one.rule].red_flag
        if one.shown == "card" and not exempt:
            shown += 1
            if shown > cap:
                settled.append(_kept(one, "folded", "card-cap"))
                continue
        settled.append(one)
    return settled
