"""A rule's levels: the first that is true speaks, what is unknown above it is said.

ARCHITECTURE 4, 5.
"""

from typing import Any

import pytest

from cds_service.facts import findings
from cds_service.facts.model import Fact, OrderState, Reason, Side
from cds_service.rulebase.model import RuleBase
from cds_service.rules.model import Finding
from cds_service.rules.settling import ranking
from tests.unit.facts.patients import condition
from tests.unit.rulebase.tiny import fact, order, rule, rule_base
from tests.unit.rules.deciding import answered, carded, decided, facts_of

THREE = [
    {"indicator": "critical", "when": "a"},
    {"indicator": "warning", "when": "b"},
    {"indicator": "info", "when": "c"},
]
ASKING = {"ask": ["b"], "summary": "Not established: consider asking", "consider": ["Ask"]}


def finding(base: RuleBase, **values: Any) -> Finding:
    return decided(base, **values).findings[0]


@pytest.fixture(scope="module")
def graded() -> RuleBase:
    return rule_base(rules=[rule("r", levels=THREE)])


@pytest.mark.parametrize(
    ("values", "indicator", "missing"),
    [
        ({"a": True, "b": True, "c": True}, "critical", ()),
        ({"a": False, "b": True, "c": True}, "warning", ()),
        ({"a": None, "b": True}, "warning", ("a",)),
        ({"a": None, "b": None, "c": True}, "info", ("a", "b")),
        ({"a": True, "b": None, "c": None}, "critical", ()),
    ],
)
def test_the_highest_true_level_speaks_and_names_what_is_unknown_above_it(
    graded: RuleBase, values: dict[str, bool | None], indicator: str, missing: tuple[str, ...]
) -> None:
    found = finding(graded, **values)

    assert (found.outcome, found.indicator, found.missing) == ("fires", indicator, missing)


def test_a_rule_is_silent_when_every_level_is_false(graded: RuleBase) -> None:
    found = finding(graded)

    assert (found.outcome, found.reason, found.shown) == ("silent", "criteria-not-met", "nothing")


def test_a_rule_is_unknown_when_no_level_is_true_and_one_may_be(graded: RuleBase) -> None:
    found = finding(graded, a=None)

    assert (found.outcome, found.missing, found.shown) == ("unknown", ("a",), "nothing")


def test_a_level_uses_its_own_words() -> None:
    levels = [
        {"indicator": "warning", "when": "a", "text": "strong"},
        {"indicator": "info", "when": "b"},
    ]
    texts = {
        "strong": {"summary": "Strong: consider now", "consider": ["Now"]},
        "default": {"summary": "Mild: consider", "consider": ["Later"]},
    }
    base = rule_base(rules=[rule("r", levels=levels, card={"texts": texts})])

    assert decided(base, a=True).cards[0].summary == "Strong: consider now"
    assert decided(base, b=True).cards[0].summary == "Mild: consider"


def test_a_fact_that_is_ruled_out_is_no_ground() -> None:
    base = rule_base(rules=[rule("r", {"all": ["a", {"any": ["b", "c"]}, {"none": ["d"]}]})])

    assert finding(base, a=True, b=True).because == ("a", "b")


# --- only-with -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def offering() -> RuleBase:
    levels = [
        {"indicator": "warning", "when": "a", "only-with": ["x", "y"]},
        {"indicator": "info", "when": "b"},
    ]
    return rule_base(rules=[rule("r", levels=levels)], orders={"x": order(), "y": order()})


@pytest.mark.parametrize(
    ("x", "y", "expected"),
    [
        (OrderState(), OrderState(), "fires"),
        (OrderState(done="Observation/1"), OrderState(), "fires"),
        (OrderState(done="Observation/1"), OrderState(done="Observation/2"), "order-done"),
        (OrderState(open="ServiceRequest/1"), OrderState(open="ServiceRequest/2"), "order-open"),
        (OrderState(open="ServiceRequest/1"), OrderState(done="Observation/2"), "order-done"),
    ],
)
def test_a_level_that_only_offers_orders_is_silent_when_all_are_done_or_open(
    offering: RuleBase, x: OrderState, y: OrderState, expected: str
) -> None:
    facts = facts_of(offering, {"a": True}, orders={"": {"x": x, "y": y}})
    found = decided(offering, facts).findings[0]

    assert expected in (found.outcome, found.reason)
    assert (found.outcome == "fires") is (expected == "fires")


def test_a_level_below_may_still_speak(offering: RuleBase) -> None:
    gone = dict.fromkeys(("x", "y"), OrderState(done="Observation/1"))
    facts = facts_of(offering, {"a": True, "b": True}, orders={"": gone})

    assert decided(offering, facts).findings[0].indicator == "info"


# --- unknown: ask (B 7.4 J04, case C14) ------------------------------------------------------------


def test_a_rule_asks_when_the_asked_facts_alone_keep_it_from_firing() -> None:
    base = rule_base(
        rules=[rule("r", {"all": ["a", {"none": ["b"]}]}, indicator="warning", unknown=ASKING)]
    )
    decision = decided(base, a=True, b=None)

    assert decision.findings[0].outcome == "unknown"
    assert decision.findings[0].missing == ("b",)
    assert decision.cards[0].indicator == "info"
    assert decision.cards[0].summary == "Not established: consider asking"
    assert "**Not known** Ask b." in decision.cards[0].detail


def test_a_rule_does_not_ask_when_something_else_is_missing_too() -> None:
    base = rule_base(rules=[rule("r", {"all": ["a", "b"]}, unknown=ASKING)])

    assert decided(base, a=None, b=None).cards == ()
    assert decided(base, a=False, b=None).cards == ()
    assert carded(decided(base, a=True, b=None)) == ["r"]


def test_a_rule_asks_only_while_its_own_condition_for_asking_holds() -> None:
    base = rule_base(rules=[rule("r", {"all": ["a", "b"]}, unknown={**ASKING, "when": "c"})])

    assert decided(base, a=True, b=None, c=False).cards == ()
    assert decided(base, a=True, b=None, c=None).cards == ()
    assert carded(decided(base, a=True, b=None, c=True)) == ["r"]


def test_a_rule_that_says_silent_never_asks() -> None:
    base = rule_base(rules=[rule("r", {"all": ["a", "b"]})])

    assert decided(base, a=True, b=None).cards == ()


def test_a_rule_may_ask_for_a_fact_inside_a_group() -> None:
    base = rule_base(
        {"both": fact("group", when={"all": ["a", "b"]})}, [rule("r", "both", unknown=ASKING)]
    )
    open_group = Fact("both", None, Reason.NOT_RECORDED, open=("b",))
    facts = facts_of(base, {"a": True, "b": None, "both": open_group})

    assert carded(decided(base, facts)) == ["r"]


def test_a_rule_does_not_ask_for_an_order_that_is_gone() -> None:
    levels = [{"indicator": "info", "when": {"all": ["a", "b"]}, "only-with": ["x"]}]
    base = rule_base(rules=[rule("r", levels=levels, unknown=ASKING)], orders={"x": order()})
    done: dict[Side, dict[str, OrderState]] = {"": {"x": OrderState(done="Observation/1")}}

    assert decided(base, facts_of(base, {"a": True, "b": None}, orders=done)).cards == ()


# --- what would settle it --------------------------------------------------------------------------


def test_missing_facts_are_ranked_by_red_flags_then_by_how_many_rules_they_decide() -> None:
    base = rule_base(
        rules=[
            rule("flag", {"all": ["a", "c"]}, **{"red-flag": True}),
            rule("one", {"all": ["b"]}),
            rule("two", {"all": ["b"]}),
            rule("three", {"all": ["d"]}),
        ]
    )
    decision = decided(base, a=None, b=None, c=True, d=None)

    assert decision.settles == (("a", ("flag",)), ("b", ("one", "two")), ("d", ("three",)))
    assert ranking(decision.findings, base.rules) == list(decision.settles)


def test_a_fact_that_can_no_longer_flip_the_rule_is_not_missing() -> None:
    base = rule_base(rules=[rule("r", {"any": [{"all": ["a", "b"]}, "c"]})])

    assert finding(base, a=False, b=None, c=None).missing == ("c",)


# --- isolation -------------------------------------------------------------------------------------


def test_a_fact_that_raises_is_a_fault_and_the_others_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    base = rule_base(rules=[rule("bad", "a"), rule("good", "b")])
    real = findings.condition

    def condition_or_fault(definition: Any, *rest: Any) -> Fact:
        if definition.name == "a":
            raise ValueError("broken on purpose")
        found: Fact = real(definition, *rest)
        return found

    monkeypatch.setattr(findings, "condition", condition_or_fault)
    decision = answered(base, conditions=[condition("a"), condition("b")])

    assert decision.facts.fact("a").reason is Reason.FAULT
    assert carded(decision) == ["good"]


def test_a_rule_that_raises_failed_and_the_others_answer() -> None:
    base = rule_base(rules=[rule("bad", "a"), rule("good", "b")])
    facts = facts_of(base, {"a": True, "b": True})
    broken = facts_of(base, {"a": True, "b": True}, sides={"": _Without(facts.sides[""], "a")})

    decision = decided(base, broken)

    assert {one.rule: one.outcome for one in decision.findings} == {"bad": "failed", "good": "fires"}
    assert carded(decision) == ["good"]


class _Without(dict[str, Fact]):
    """Facts of which one cannot be had."""

    def __init__(self, facts: Any, name: str) -> None:
        super().__init__({key: value for key, value in facts.items() if key != name})


# --- who is asked at all ---------------------------------------------------------------------------


def test_a_rule_of_another_hook_says_so() -> None:
    base = rule_base(rules=[rule("r", hooks=["order-select", "order-sign"])])

    assert decided(base, a=True).findings[0].shown == "not-this-hook"


def test_a_retired_rule_is_not_evaluated() -> None:
    base = rule_base(rules=[rule("old", status="retired"), rule("new")])

    assert [one.rule for one in decided(base, a=True).findings] == ["new"]
