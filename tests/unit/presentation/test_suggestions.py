"""What a card offers: valid drafts, less what is done, open, behind a gate or offered already."""

from typing import Any

import pytest

from cds_service.emission import problem_of
from cds_service.facts.model import Fact, OrderState, Reason
from cds_service.rulebase.model import RuleBase
from cds_service.rules.model import Policy
from tests.unit.facts.patients import concept, condition, lab, request
from tests.unit.rulebase.tiny import fact, order, rule, rule_base
from tests.unit.rules.deciding import answered, created, datum, decided, facts_of, question


def offering(*suggest: Any, **orders: dict[str, Any]) -> RuleBase:
    return rule_base(rules=[rule("r", suggest=list(suggest))], orders=orders)


def names(base: RuleBase, **values: Any) -> tuple[tuple[str, ...], dict[str, str]]:
    one = decided(base, **{"a": True} | values).carded[0]
    return one.orders, dict(one.withheld)


def test_an_order_is_a_valid_draft_that_nobody_has_signed() -> None:
    base = offering("x", x=order("test", category={"system": "tiny", "code": "lab", "display": "Lab"}))
    asked = question(patient="p", encounter="e1")
    resource = created(decided(base, a=True, asked=asked))[0]

    assert problem_of(resource) == ""
    assert resource["status"] == "draft"
    assert resource["intent"] == "proposal"
    assert resource["subject"] == {"reference": "Patient/p"}
    assert resource["encounter"] == {"reference": "Encounter/e1"}
    assert resource["code"]["text"] == "Text of test"


@pytest.mark.parametrize("intent", ["proposal", "plan", "order"])
def test_a_site_chooses_the_intent(intent: Any) -> None:
    decision = decided(offering("x", x=order()), a=True, policy=Policy(intent=intent))

    assert created(decision)[0]["intent"] == intent


def test_a_questionnaire_is_a_task() -> None:
    base = offering("x", x=order(kind="questionnaire", questionnaire="few"))
    resource = created(decided(base, a=True))[0]

    assert problem_of(resource) == ""
    assert resource["input"][0]["valueCanonical"] == "https://example.org/fhir/Questionnaire/few"


@pytest.mark.parametrize(
    ("kind", "label"),
    [("order", "Order test"), ("referral", "Refer to test"), ("questionnaire", "Answer test")],
)
def test_a_label_is_a_verb_and_the_order(kind: str, label: str) -> None:
    base = offering(
        "x", x=order(kind=kind, **({"questionnaire": "few"} if kind == "questionnaire" else {}))
    )
    suggestion = decided(base, a=True).cards[0].suggestions[0]

    assert suggestion.label == label
    assert suggestion.actions[0].description.startswith(label)
    assert len(suggestion.actions[0].description) < 100
    assert len(suggestion.actions) == 1


def test_the_reason_points_only_at_what_r4_allows() -> None:
    refs = (
        "Condition/1",
        "Observation/2",
        "DiagnosticReport/3",
        "MedicationRequest/4",
        "QuestionnaireResponse/5",
        "urn:uuid:6",
        "laboratory#7",
        "Procedure/8",
    )
    because = Fact("a", True, data=tuple(datum(ref=one) for one in refs))
    resource = created(decided(offering("x", x=order()), a=because))[0]

    assert [one["reference"] for one in resource["reasonReference"]] == list(refs[:3])
    assert problem_of(resource) == ""


def test_at_most_four_are_offered_the_most_useful_first() -> None:
    letters = "pqrstu"
    base = offering(*letters, **{letter: order(letter) for letter in letters})
    card = decided(base, a=True).cards[0]

    assert [one.label for one in card.suggestions] == [f"Order {letter}" for letter in "pqrs"]
    assert card.selectionBehavior == "any"


def test_without_suggestions_there_is_no_selection_behaviour() -> None:
    assert decided(rule_base(rules=[rule("r")]), a=True).cards[0].selectionBehavior == ""


def test_what_is_done_or_open_is_not_offered() -> None:
    base = offering("x", "y", "z", x=order(), y=order(), z=order())
    states = {"x": OrderState(done="Observation/1"), "y": OrderState(open="ServiceRequest/2")}
    one = decided(base, facts_of(base, {"a": True}, orders={"": states})).carded[0]

    assert one.orders == ("z",)
    assert dict(one.withheld) == {"x": "done", "y": "open"}


def test_one_order_is_offered_once_across_the_cards() -> None:
    rules = [rule("one", "a", indicator="warning", suggest=["x"]), rule("two", "a", suggest=["x", "y"])]
    decision = decided(rule_base(rules=rules, orders={"x": order("x"), "y": order("y")}), a=True)

    assert [one.orders for one in decision.carded] == [("x",), ("y",)]
    assert dict(decision.carded[1].withheld) == {"x": "offered-on-another-card"}


def test_two_orders_of_one_code_are_one_order() -> None:
    rules = [rule("one", "a", indicator="warning", suggest=["now"]), rule("two", "a", suggest=["later"])]
    orders = {"now": order("panel"), "later": order("panel")}
    decision = decided(rule_base(rules=rules, orders=orders), a=True)

    assert [one.orders for one in decision.carded] == [("now",), ()]
    assert dict(decision.carded[1].withheld) == {"later": "offered-on-another-card"}


def test_of_equal_orders_the_most_urgent_is_offered_wherever_it_stands() -> None:
    rules = [rule("one", "a", indicator="warning", suggest=["later"]), rule("two", "a", suggest=["now"])]
    orders = {"now": order("panel", priority="stat"), "later": order("panel", priority="urgent")}
    decision = decided(rule_base(rules=rules, orders=orders), a=True)

    assert [one.orders for one in decision.carded] == [(), ("now",)]
    assert dict(decision.carded[0].withheld) == {"later": "offered-more-urgently"}


def test_a_more_urgent_order_that_is_not_offered_takes_nothing_away() -> None:
    rules = [rule("one", "a", indicator="warning", suggest=["later"]), rule("two", "a", suggest=["now"])]
    orders = {
        "now": order("panel", priority="stat", must_be_clear=["b"]),
        "later": order("panel", priority="urgent"),
    }
    decision = decided(rule_base(rules=rules, orders=orders), a=True, b=None)

    assert [one.orders for one in decision.carded] == [("later",), ()]


@pytest.mark.parametrize(("value", "offered"), [(True, True), (False, False), (None, False)])
def test_a_conditional_suggestion_needs_its_criterion(value: bool | None, offered: bool) -> None:
    base = offering({"x": {"all": ["b"]}}, x=order())

    assert (names(base, b=value)[0] == ("x",)) is offered


# --- gates -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "offered", "reason"),
    [(False, ("x",), None), (True, (), "blocked: b"), (None, (), "not-clear: b")],
)
def test_what_must_be_clear_withholds_when_true_and_when_unknown(
    value: bool | None, offered: tuple[str, ...], reason: str | None
) -> None:
    base = offering("x", x=order("compression", must_be_clear=["b"]))
    orders, withheld = names(base, b=value)

    assert orders == offered
    assert withheld == ({"x": reason} if reason else {})


def test_what_must_be_clear_and_is_unknown_is_asked_for_on_the_card() -> None:
    base = offering("x", x=order("compression", must_be_clear=["b"]))
    open_gate = Fact("b", None, Reason.NOT_RECORDED, open=("c", "d"))
    detail = decided(base, a=True, b=open_gate, c=None, d=None).cards[0].detail

    assert "Compression withheld until ruled out (fact b): ask c; ask d." in detail


def test_what_settles_gates_is_asked_once_and_no_gate_is_cut_off() -> None:
    gated = {name: order(name, must_be_clear=["b"]) for name in "xyz"}
    base = rule_base(rules=[rule("r", suggest=list(gated))], orders=gated)
    open_gate = Fact("b", None, Reason.NOT_RECORDED, open=("c", "c", "d", "c"))
    detail = decided(base, a=True, b=open_gate, c=None, d=None).cards[0].detail

    assert detail.count("ask c") == detail.count("ask d") == 1
    assert detail.count("withheld until ruled out (fact b)") == 3


@pytest.mark.parametrize(
    ("value", "offered", "said"),
    [(False, ("x",), ""), (True, (), "withheld: fact b"), (None, ("x",), "sk b, check before MRI")],
)
def test_what_blocks_withholds_only_when_true_and_is_printed_when_unknown(
    value: bool | None, offered: tuple[str, ...], said: str
) -> None:
    base = offering("x", x=order("MRI", blocked_by=["b"]))
    one = decided(base, a=True, b=value).carded[0]

    assert one.orders == offered
    assert said in one.card.detail
    assert ("**Not known**" in one.card.detail) is bool(said)


# --- drafts ----------------------------------------------------------------------------------------

DELETE = {"delete": "drafting", "label": "Remove the scan"}


@pytest.fixture(scope="module")
def guard() -> RuleBase:
    return rule_base(
        {
            "drafting": fact("draft", in_=["scan"]),
            "mixed": fact("group", when={"all": ["drafting", "a"]}),
        },
        [rule("r", "drafting", suggest=[DELETE])],
    )


def deleted(base: RuleBase, *drafts: dict[str, Any], **brought: Any) -> list[str]:
    decision = answered(base, drafts=list(drafts), **brought)
    return [
        action.resourceId
        for card in decision.cards
        for suggestion in card.suggestions
        for action in suggestion.actions
        if action.type == "delete"
    ]


def test_a_draft_with_an_id_can_be_removed(guard: RuleBase) -> None:
    assert deleted(guard, request("scan", status="draft")) == ["ServiceRequest/r-scan"]


def test_a_draft_without_an_id_cannot_be_pointed_at(guard: RuleBase) -> None:
    draft = request("scan", status="draft")
    del draft["id"]

    assert deleted(guard, draft) == []


def test_each_of_several_drafts_is_removed_by_a_suggestion_of_its_own(guard: RuleBase) -> None:
    drafts = [request("scan", id=name, status="draft") for name in ("one", "two")]

    assert sorted(deleted(guard, *drafts)) == ["ServiceRequest/one", "ServiceRequest/two"]


def test_only_drafts_are_ever_removed() -> None:
    base = rule_base(
        {
            "drafting": fact("draft", in_=["scan"]),
            "mixed": fact("group", when={"all": ["a", "drafting"]}),
        },
        [rule("r", "mixed", suggest=[{**DELETE, "delete": "mixed"}])],
    )
    removed = deleted(base, request("scan", status="draft"), conditions=[condition("a")])

    assert removed == ["ServiceRequest/r-scan"]


def test_an_order_that_did_not_fit_beside_removals_may_be_offered_on_another_card() -> None:
    drafting = {"drafting": fact("draft", in_=["scan"])}
    first = rule("one", "drafting", indicator="warning", suggest=[DELETE, "x", "y"])
    second = rule("two", "a", suggest=["y"])
    base = rule_base(drafting, [first, second], orders={"x": order("x"), "y": order("y")})
    drafts = [request("scan", id=f"d{number}", status="draft") for number in range(3)]

    decision = answered(base, drafts=drafts, conditions=[condition("a")])

    offered = [one.label for card in decision.cards for one in card.suggestions]
    assert offered.count("Order y") == 1


# --- identity --------------------------------------------------------------------------------------


def test_the_same_request_gives_the_same_cards() -> None:
    base = offering("x", x=order())
    first, second = (decided(base, a=True, asked=question(digest="d")) for _ in range(2))

    assert first.cards == second.cards


@pytest.mark.parametrize(
    "other",
    [{"hook_instance": "other"}, {"digest": "other"}, {"client": "other"}, {"service": "other"}],
)
def test_another_request_gives_other_identities(other: dict[str, str]) -> None:
    base = offering("x", x=order())
    first = decided(base, a=True, asked=question(digest="d")).cards[0]
    second = decided(base, a=True, asked=question(**{"digest": "d"} | other)).cards[0]

    assert first.uuid != second.uuid
    assert first.suggestions[0].uuid != second.suggestions[0].uuid


def test_another_level_is_another_card_and_a_critical_one_another_topic() -> None:
    levels = [{"indicator": "critical", "when": "b"}, {"indicator": "info", "when": "a"}]
    base = rule_base(rules=[rule("the-rule", levels=levels)])
    low, high = decided(base, a=True).cards[0], decided(base, a=True, b=True).cards[0]

    assert low.uuid != high.uuid
    assert low.source.topic is not None
    assert high.source.topic is not None
    assert (low.source.topic.code, high.source.topic.code) == ("therule", "therulecrit")


def test_the_basis_names_rule_facts_missing_and_rule_base() -> None:
    low = fact("measurement", of="potassium", is_={"below": "potassium-low"})
    levels = [
        {"indicator": "warning", "when": {"all": ["low", "weak"]}},
        {"indicator": "info", "when": "low"},
    ]
    weak = fact("finding", in_=["weak"], within="window-30")
    base = rule_base({"low": low, "weak": weak}, [rule("r", levels=levels)])
    card = answered(base, laboratory=[lab("2.40", code=concept("k"))]).cards[0]

    basis = card.extension["org.heavylegs.basis"]
    assert basis == {
        "rules": [{"id": "r", "version": 1}],
        "cause": "cause",
        "facts": [
            {
                "name": "low",
                "value": "2.40",
                "unit": "mmol/L",
                "date": "2026-11-22T08:00:00Z",
                "resource": "Observation/o-k",
            }
        ],
        "missing": [{"name": "weak", "reason": "not-recorded"}],
        "ruleBase": {"version": "1", "digest": base.digest},
    }


def test_an_order_that_two_of_a_rule_s_entries_ask_for_is_offered_once() -> None:
    base = rule_base(
        {"a": fact(in_=["heavy"]), "b": fact(in_=["weak"])},
        rules=[rule("r", suggest=[{"x": "a"}, {"x": "b"}, "y"])],
        orders={"x": order("x"), "y": order("y")},
    )
    decision = decided(base, a=True, b=True)

    assert decision.carded[0].orders == ("x", "y")
    assert len({one.uuid for one in decision.cards[0].suggestions}) == 2
    assert len(decision.cards[0].suggestions) == 2
