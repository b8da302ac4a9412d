"""What was overridden before, and how long that keeps a card quiet.

A critical card and a red flag are never quiet. Quiet ends early when the rule now speaks more
strongly, or when something it rests on is newer than the override (reconciliation, "Suppression").
"""

from datetime import datetime, timedelta

import msgspec

from cds_service.facts.model import FactSet
from cds_service.rulebase.model import SEVERITY, Indicator, Rule, RuleBase
from cds_service.rules.model import Finding

_DEFAULT_QUIET = {"info": 90, "warning": 7}  # days; reference A 2.8


class Override(msgspec.Struct, frozen=True):
    """One card of this patient that a user of this client overrode; `side` where it was about a leg."""

    rule: str
    indicator: Indicator
    reason: str
    at: datetime
    side: str = ""


class History(msgspec.Struct, frozen=True):
    """What was shown and overridden before, for this client and patient."""

    overrides: tuple[Override, ...] = ()


def quiet_until(
    finding: Finding, rule: Rule, facts: FactSet, history: History, rule_base: RuleBase
) -> datetime | None:
    """Until when an earlier override keeps this finding quiet; None when it may speak."""
    if finding.indicator == "critical" or rule.red_flag or finding.indicator is None:
        return None
    latest: datetime | None = None
    for override in history.overrides:
        if override.rule != rule.id:
            continue
        if SEVERITY[finding.indicator] > SEVERITY[override.indicator]:
            continue
        if {finding.side, override.side} == {"left", "right"}:
            continue  # the other leg's card is not the one that was overridden
        if _news(finding, facts, override.at):
            continue
        until = override.at + timedelta(days=_days(override.reason, finding.indicator, rule_base))
        if until > facts.now and (latest is None or until > latest):
            latest = until
    return latest


def _days(reason: str, indicator: Indicator, rule_base: RuleBase) -> int:
    for known in rule_base.override_reasons.values():
        if reason in (known.coding.code, known.name):
            return known.quiet.get(indicator, 0)
    return _DEFAULT_QUIET[indicator]


def _news(finding: Finding, facts: FactSet, since: datetime) -> bool:
    return any(
        one.when is not None and one.when.start > since
        for name in finding.because
        for one in facts.fact(name).data
    )
