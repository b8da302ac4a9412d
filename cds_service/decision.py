"""The core's one door: evidence and a question in, a decision out.

Pure: no clock, file, environment, socket or log is read here or anywhere below (the build enforces
it). The same arguments always give the same decision.
"""

from datetime import datetime, tzinfo
from typing import Any

import msgspec

from cds_service.facts.assessment import assess as _assess
from cds_service.facts.model import FactSet, Reason, Side
from cds_service.fhir.evidence import Evidence
from cds_service.hooks.card import Card
from cds_service.hooks.request import Question
from cds_service.presentation import arbitration
from cds_service.presentation.cards import Carded, build
from cds_service.presentation.suppression import History
from cds_service.presentation.text import plain
from cds_service.rulebase.model import RuleBase
from cds_service.rules.evaluation import evaluate_all
from cds_service.rules.model import Finding, Policy
from cds_service.rules.settling import ranking

__all__ = ["Decision", "History", "Policy", "answer", "assess", "decide"]


class Decision(msgspec.Struct, frozen=True):
    """All that one request led to.

    `settles` ranks what is missing: the fact, and the rules it could still flip.
    """

    question: Question
    facts: FactSet
    findings: tuple[Finding, ...]
    carded: tuple[Carded, ...]
    settles: tuple[tuple[str, tuple[str, ...]], ...]
    version: str
    digest: str

    @property
    def cards(self) -> tuple[Card, ...]:
        """The cards, in the order to be shown."""
        return tuple(one.card for one in self.carded)

    def evaluation(self) -> list[dict[str, Any]]:
        """Every rule: outcome, whether it is shown, and why."""
        return [_line(one) for one in sorted(self.findings, key=lambda one: one.rule)]

    def faults(self, finding: Finding) -> list[str]:
        """The facts that a finding lacks because the code failed, whatever is on record."""
        return [
            name
            for name in finding.missing
            if any(self.facts.fact(name, leg).reason is Reason.FAULT for leg in self.legs(finding))
        ]

    def legs(self, finding: Finding) -> tuple[Side, ...]:
        """The legs whose facts a finding has read; "" is the patient."""
        if finding.side == "both":
            return self.facts.legs or ("",)
        if finding.side in ("left", "right"):
            return (finding.side,)
        # A rule that is asked per leg and names none has still read the legs' facts.
        return ("", *self.facts.legs) if finding.side == "unknown" else ("",)

    def not_read(self) -> list[dict[str, str]]:
        """What the decision had to do without: not delivered, dropped or unreadable, and why."""
        return [{"what": plain(what), "reason": plain(why)} for what, why in self.facts.undelivered]


def _line(finding: Finding) -> dict[str, Any]:
    line: dict[str, Any] = {
        "id": finding.rule,
        "version": finding.version,
        "outcome": finding.outcome,
        "shown": finding.shown,
        "reason": finding.shown_reason or finding.reason,
        "indicator": finding.indicator or "",
        "side": finding.side,
        "missing": list(finding.missing),
    }
    return {key: value for key, value in line.items() if value not in ("", [])}


def assess(evidence: Evidence, rule_base: RuleBase, now: datetime, zone: tzinfo, hook: str) -> FactSet:
    """Evidence into facts.

    Args:
        evidence: what arrived.
        rule_base: what may be asked about it.
        now: the time of the question; aware.
        zone: for dates without a zone and for calendar days.
        hook: where the question comes from.
    """
    return _assess(evidence, rule_base, now, zone, hook)


def decide(
    question: Question, facts: FactSet, rule_base: RuleBase, history: History, policy: Policy
) -> Decision:
    """Facts into a decision: the only way to a card."""
    findings = evaluate_all(rule_base, facts, question.hook)
    settled = arbitration.settle(findings, facts, rule_base, question, history, policy)
    carded, outcome = build(settled, facts, rule_base, question, policy)
    return Decision(
        question=question,
        facts=facts,
        findings=tuple(outcome),
        carded=tuple(carded),
        settles=tuple(ranking(outcome, rule_base.rules)),
        version=rule_base.version,
        digest=rule_base.digest,
    )


def answer(
    question: Question,
    evidence: Evidence,
    rule_base: RuleBase,
    now: datetime,
    zone: tzinfo,
    history: History,
    policy: Policy,
) -> Decision:
    """`assess` and `decide`, composed: what HTTP, the command line and cases call."""
    facts = assess(evidence, rule_base, now, zone, question.hook)
    return decide(question, facts, rule_base, history, policy)
