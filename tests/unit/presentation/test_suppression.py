"""What was overridden stays quiet for its days, and not when it matters (reconciliation 1)."""

from datetime import timedelta

import pytest

from cds_service.decision import Decision, History
from cds_service.facts.model import Fact
from cds_service.presentation.suppression import Override
from cds_service.rulebase.model import Indicator
from tests.unit.rulebase.tiny import NOW, rule, rule_base
from tests.unit.rules.deciding import datum, decided


def after(
    days: float,
    *,
    reason: str = "",
    was: Indicator = "info",
    now: Indicator = "info",
    flag: bool = False,
    value: Fact | bool = True,
) -> Decision:
    """The decision so many days after an override."""
    base = rule_base(rules=[rule("r", indicator=now, **{"red-flag": flag})])
    history = History((Override("r", was, reason, NOW - timedelta(days=days)),))
    return decided(base, a=value, history=history)


@pytest.mark.parametrize(
    ("indicator", "reason", "days"),
    [
        ("info", "", 90),
        ("warning", "", 7),
        ("info", "declined", 30),
        ("warning", "declined", 3),
        ("info", "of-another-system", 90),
    ],
)
def test_an_override_keeps_quiet_for_the_days_of_its_reason(
    indicator: Indicator, reason: str, days: int
) -> None:
    quiet = after(days - 0.1, reason=reason, was=indicator, now=indicator)
    over = after(days + 0.1, reason=reason, was=indicator, now=indicator)

    assert (len(quiet.cards), len(over.cards)) == (0, 1)
    assert quiet.findings[0].shown == "suppressed"
    assert "quiet until" in quiet.findings[0].shown_reason


def test_a_reason_without_days_keeps_nothing_quiet() -> None:
    assert len(after(0.1, reason="not-now").cards) == 1


def test_a_critical_card_is_never_quiet() -> None:
    assert len(after(0.1, was="critical", now="critical").cards) == 1


def test_a_red_flag_is_never_quiet() -> None:
    assert len(after(0.1, flag=True).cards) == 1


def test_quiet_ends_when_the_indicator_rises_and_not_when_it_falls() -> None:
    assert len(after(1, was="info", now="warning").cards) == 1
    assert len(after(1, was="warning", now="info").cards) == 0


@pytest.mark.parametrize(
    ("when", "cards"),
    [("2026-11-20T09:00:00Z", 0), ("2026-11-21T12:00:00Z", 1), ("2026-11-22", 1), ("2026-11", 0)],
)
def test_quiet_ends_when_a_newer_value_arrives(when: str, cards: int) -> None:
    value = Fact("a", True, data=(datum(when=when),))  # overridden on 21 November at nine

    assert len(after(1, value=value).cards) == cards


def test_another_rule_s_override_is_no_concern() -> None:
    base = rule_base(rules=[rule("r"), rule("other")])
    history = History((Override("other", "info", "", NOW - timedelta(days=1)),))

    assert [one.finding.rule for one in decided(base, a=True, history=history).carded] == ["r"]


def test_the_longest_of_several_overrides_counts() -> None:
    base = rule_base(rules=[rule("r")])
    old = Override("r", "info", "", NOW - timedelta(days=50))  # 90 days
    late = Override("r", "info", "not-now", NOW - timedelta(days=1))

    for overrides in ((old, late), (late, old)):
        assert decided(base, a=True, history=History(overrides)).cards == ()
