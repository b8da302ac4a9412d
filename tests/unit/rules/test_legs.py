"""A rule per leg: each leg by its own facts and by those without a side; the card names the leg."""

from typing import Any

import pytest

from cds_service.facts.model import Fact
from cds_service.rulebase.model import RuleBase
from tests.unit.facts.patients import concept, condition, observation
from tests.unit.rulebase.tiny import fact, order, rule, rule_base
from tests.unit.rules.deciding import answered, created, datum, decided, facts_of

LEVELS = [
    {"indicator": "critical", "when": {"all": ["heavy", "a"]}},
    {"indicator": "info", "when": "heavy"},
]


@pytest.fixture(scope="module")
def base() -> RuleBase:
    return rule_base(
        {"heavy": fact(in_=["heavy"])},
        [rule("r", levels=LEVELS, per="leg", summary="{side}: consider it", suggest=["scan"])],
        orders={
            "scan": order(
                sided={
                    "left": [{"system": "tiny", "code": "scan-left", "display": "left"}],
                    "right": [{"system": "tiny", "code": "scan-right", "display": "right"}],
                }
            )
        },
    )


def sited(code: str, site: str) -> dict[str, Any]:
    return condition(code, id=f"{code}-{site}", bodySite=[concept(f"{site}-leg")])


def said(base: RuleBase, *conditions: dict[str, Any]) -> list[tuple[str, str, str]]:
    decision = answered(base, conditions=list(conditions))
    return [(one.finding.side, one.card.indicator, one.card.summary) for one in decision.carded]


def test_the_leg_with_the_complaint_is_named(base: RuleBase) -> None:
    assert said(base, condition("heavy-left")) == [("left", "info", "Left leg: consider it")]
    assert said(base, condition("heavy-right")) == [("right", "info", "Right leg: consider it")]


def test_both_legs_alike_give_one_card(base: RuleBase) -> None:
    both = [condition("heavy-left"), condition("heavy-right")]

    assert said(base, *both) == [("both", "info", "Both legs: consider it")]


def test_one_code_for_both_legs_names_both(base: RuleBase) -> None:
    # A 2.1: bilateral = both sides coded, or one code that says bilateral.
    assert said(base, condition("heavy-both")) == [("both", "info", "Both legs: consider it")]


def test_legs_that_differ_give_two_cards_the_graver_first(base: RuleBase) -> None:
    differing = [condition("heavy-left"), condition("heavy-right"), sited("a", "right")]

    assert said(base, *differing) == [
        ("right", "critical", "Right leg: consider it"),
        ("left", "info", "Left leg: consider it"),
    ]


def test_a_finding_of_the_other_leg_does_not_raise_this_one(base: RuleBase) -> None:
    assert said(base, condition("heavy-left"), sited("a", "right")) == [
        ("left", "info", "Left leg: consider it")
    ]


def test_without_any_side_no_leg_is_named(base: RuleBase) -> None:
    assert said(base, condition("heavy")) == [("unknown", "info", "Leg: consider it")]


def test_what_has_no_side_counts_for_the_leg_that_has_one(base: RuleBase) -> None:
    assert said(base, condition("heavy-left"), condition("a")) == [
        ("left", "critical", "Left leg: consider it")
    ]


def test_a_leg_told_apart_by_something_else_is_not_named(base: RuleBase) -> None:
    other_side_only = [condition("heavy"), sited("a", "left")]
    # On the left "a" is true and heavy has no side: the left-sided fact makes it critical there.
    assert said(base, *other_side_only) == [("left", "critical", "Left leg: consider it")]


def test_the_graver_finding_is_not_lost_because_it_names_no_leg() -> None:
    levels = [
        {"indicator": "critical", "when": {"all": ["heavy", {"none": ["b"]}]}},
        {"indicator": "info", "when": {"all": ["heavy", "a"]}},
    ]
    base = rule_base({"heavy": fact(in_=["heavy"])}, [rule("r", levels=levels, per="leg")])
    # Heavy legs without a side; on the left something rules the emergency out, on the right nothing.
    record = [condition("heavy"), sited("a", "left"), sited("b", "left")]

    indicators = [one.card.indicator for one in answered(base, conditions=record).carded]

    assert "critical" in indicators


def test_the_order_is_of_the_leg(base: RuleBase) -> None:
    decision = answered(base, conditions=[condition("heavy-left")])

    assert [one["code"]["coding"][0]["code"] for one in created(decision)] == ["scan-left"]


def test_each_of_two_legs_that_differ_gets_its_own_order(base: RuleBase) -> None:
    differing = [condition("heavy-left"), condition("heavy-right"), sited("a", "right")]
    decision = answered(base, conditions=differing)

    assert [one["code"]["coding"][0]["code"] for one in created(decision)] == [
        "scan-right",
        "scan-left",
    ]


def test_both_legs_get_the_order_without_a_side(base: RuleBase) -> None:
    decision = answered(base, conditions=[condition("heavy-left"), condition("heavy-right")])

    assert [one["code"]["coding"][0]["code"] for one in created(decision)] == ["test"]


def test_a_rule_per_patient_names_no_leg() -> None:
    base = rule_base({"heavy": fact(in_=["heavy"])}, [rule("r", "heavy")])
    found = answered(base, conditions=[condition("heavy-left")]).findings[0]

    assert found.side == ""


def test_the_other_leg_s_test_does_not_clear_this_leg() -> None:
    base = rule_base(
        {"heavy": fact(in_=["heavy"]), "scanned": fact("done", in_=["scan"])},
        [rule("r", {"all": ["heavy", {"none": ["scanned"]}]}, per="leg")],
    )
    scanned_left = [observation("scan-left", valueString="clear")]
    decision = answered(base, conditions=[condition("heavy-right")], findings=scanned_left)

    assert [one.finding.side for one in decision.carded] == ["right"]


def test_yielding_looks_at_the_graver_leg_of_the_other_rule() -> None:
    base = rule_base(
        rules=[
            rule(
                "grave",
                levels=[
                    {"indicator": "critical", "when": "a"},
                    {"indicator": "info", "when": "b"},
                ],
                per="leg",
            ),
            rule("mild", "c", indicator="warning", **{"yields-to": [{"rule": "grave"}]}),
        ]
    )
    left, right = (
        Fact("a", True, data=(datum(side="left"),)),
        Fact("b", True, data=(datum(side="right"),)),
    )
    facts = facts_of(base, {"c": True}, legs={"left": {"a": left}, "right": {"b": right}})

    decision = decided(base, facts)

    assert [one.finding.rule for one in decision.carded] == ["grave", "grave"]
