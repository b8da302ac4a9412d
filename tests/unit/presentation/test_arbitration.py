"""Which findings get a card: yields, what stands alone, tips, merging, the cap (ARCHITECTURE 5.7)."""

from typing import Any

import pytest

from cds_service.failures import BrokenRuleBase
from cds_service.presentation import rendering
from cds_service.rulebase.model import RuleBase
from cds_service.rules.model import Policy
from tests.unit.facts.patients import condition
from tests.unit.rulebase.tiny import order, rule, rule_base
from tests.unit.rules.deciding import answered, carded, decided, question, shown

YIELDS = {"yields-to": [{"rule": "first"}]}
FLAG = {"red-flag": True}


def both(first: dict[str, Any], second: dict[str, Any], **values: Any) -> dict[str, str]:
    known: dict[str, Any] = {"a": True, "b": True}
    return shown(decided(rule_base(rules=[first, second]), **known | values))


# --- yields ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("warning", "warning", "yielded"),
        ("critical", "warning", "yielded"),
        ("info", "warning", "card"),
        ("warning", "critical", "card"),
    ],
)
def test_a_rule_yields_to_another_that_speaks_as_strongly(
    first: str, second: str, expected: str
) -> None:
    seen = both(rule("first", "a", indicator=first), rule("second", "b", indicator=second, **YIELDS))

    assert seen == {"first": "card", "second": expected}


def test_a_rule_does_not_yield_to_one_that_is_silent_or_unknown() -> None:
    pair = rule("first", "a"), rule("second", "b", **YIELDS)

    assert both(*pair, a=False)["second"] == "card"
    assert both(*pair, a=None)["second"] == "card"


ALSO_UNKNOWN = {"yields-to": [{"rule": "first", "also-when-unknown": True}]}


def test_a_rule_yields_to_an_undecided_one_only_where_it_says_so() -> None:
    ask = {"ask": ["c"], "summary": "Not known: consider asking", "consider": ["Ask"]}
    asking = rule("first", {"all": ["a", "c"]}, unknown=ask)

    assert both(asking, rule("second", "b", **ALSO_UNKNOWN), c=None)["second"] == "yielded"
    assert both(asking, rule("second", "b", **YIELDS), c=None)["second"] == "card"


def test_undecided_means_unknown_whether_or_not_it_asks() -> None:
    silent = rule("first", {"all": ["a", "c"]})

    assert both(silent, rule("second", "b", **ALSO_UNKNOWN), c=None)["second"] == "yielded"
    assert both(silent, rule("second", "b", **ALSO_UNKNOWN), c=False)["second"] == "card"


def test_a_red_flag_is_never_made_to_yield() -> None:
    seen = both(rule("first", "a", indicator="critical"), rule("second", "b", **YIELDS, **FLAG))

    assert seen["second"] == "card"


def test_a_rule_in_silent_mode_silences_nobody() -> None:
    base = rule_base(rules=[rule("first", "a"), rule("second", "b", **YIELDS)])
    decision = decided(base, a=True, b=True, policy=Policy(silent=frozenset({"first"})))

    assert shown(decision) == {"first": "silent-mode", "second": "card"}


@pytest.mark.parametrize(
    "policy", [Policy(disabled=frozenset({"first"})), Policy(statuses=frozenset({"active"}))]
)
def test_a_rule_that_may_not_speak_silences_nobody(policy: Policy) -> None:
    pair = [rule("first", "a"), rule("second", "b", status="active", **YIELDS)]
    decision = decided(rule_base(rules=pair), a=True, b=True, policy=policy)

    assert shown(decision) == {"first": "not-assessed", "second": "card"}


def test_beside_a_rule_that_stands_alone_only_criticals_and_red_flags_are_shown() -> None:
    base = rule_base(
        rules=[
            rule("alone", "a", indicator="critical", alone=True),
            rule("critical", "a", indicator="critical"),
            rule("flag", "a", **FLAG),
            rule("other", "a", indicator="warning"),
        ]
    )

    assert shown(decided(base, a=True)) == {
        "alone": "card",
        "critical": "card",
        "flag": "card",
        "other": "yielded",
    }


# --- merging and tips ------------------------------------------------------------------------------


def test_a_rule_merges_into_the_card_of_another_and_is_named_in_its_basis() -> None:
    base = rule_base(
        rules=[
            rule("host", "a"),
            rule("guest", "b", **{"merges-into": "host"}, summary="Guest: consider"),
        ]
    )
    decision = decided(base, a=True, b=True)

    assert shown(decision) == {"host": "card", "guest": "merged"}
    assert "**Also** Guest: consider" in decision.cards[0].detail
    assert [one["id"] for one in decision.cards[0].extension["org.heavylegs.basis"]["rules"]] == [
        "host",
        "guest",
    ]
    assert shown(decided(base, b=True)) == {"host": "nothing", "guest": "card"}


def test_a_critical_finding_is_not_hidden_in_a_weaker_card() -> None:
    guest = rule("guest", "b", indicator="critical", **{"merges-into": "host"})
    decision = decided(rule_base(rules=[rule("host", "a"), guest]), a=True, b=True)

    assert max(one.indicator == "critical" for one in decision.cards)


def tip(name: str, when: Any = "a", **fields: Any) -> dict[str, Any]:
    made = rule(name, when, tip=f"the {name}", **fields)
    made["card"]["texts"]["default"]["consider"] = [f"{name} each day"]
    return made


def test_tips_become_one_card_and_the_last() -> None:
    base = rule_base(rules=[tip("a-tip"), tip("b-tip"), rule("rule", "a")])
    decision = decided(base, a=True)

    assert carded(decision) == ["rule", "a-tip"]
    assert shown(decision)["b-tip"] == "merged"
    assert decision.cards[-1].summary.endswith("consider advice on the a-tip and the b-tip")
    assert "**Consider** A-tip each day. B-tip each day." in decision.cards[-1].detail


def test_tips_are_gone_when_any_card_is_critical() -> None:
    base = rule_base(rules=[tip("a-tip"), rule("rule", "b", indicator="critical")])

    assert shown(decided(base, a=True, b=True)) == {"a-tip": "withheld", "rule": "card"}


@pytest.mark.parametrize(
    "policy", [Policy(disabled=frozenset({"rule"})), Policy(silent=frozenset({"rule"}))]
)
def test_a_critical_that_a_client_does_not_see_holds_tips_back_all_the_same(policy: Policy) -> None:
    base = rule_base(rules=[tip("a-tip"), rule("rule", "b", indicator="critical")])

    assert shown(decided(base, a=True, b=True, policy=policy))["a-tip"] == "withheld"
    assert shown(decided(base, a=True, b=False, policy=policy))["a-tip"] == "card"


GATED = {"all": ["a", {"none": ["b", "c"]}]}


def test_a_tip_behind_a_gate_is_withheld_with_what_makes_the_gate_true() -> None:
    gated = tip("gated", GATED, **{"withheld-by": ["b", "c"]})
    decision = decided(rule_base(rules=[gated, tip("open-tip")]), a=True, c=True)

    line = next(one for one in decision.evaluation() if one["id"] == "gated")
    assert (line["outcome"], line["shown"], line["reason"]) == ("silent", "withheld", "gate: c (c)")
    (card,) = decision.cards
    assert card.summary == "Self-care for the legs: consider advice on the open-tip"
    assert "**Withheld** The gated: fact c." in card.detail


def test_a_gate_is_no_reason_where_the_tip_would_not_be_given_anyway() -> None:
    gated = tip("gated", GATED, **{"withheld-by": ["b", "c"]})
    base = rule_base(rules=[gated])

    assert shown(decided(base, a=False, c=True)) == {"gated": "nothing"}
    assert shown(decided(base, a=None, c=True)) == {"gated": "nothing"}
    assert shown(decided(base, a=True, b=None, c=False)) == {"gated": "nothing"}
    assert decided(base, a=True, c=True).cards == ()


# --- the cap ---------------------------------------------------------------------------------------


def many(count: int) -> list[dict[str, Any]]:
    return [rule(f"r{number}", "a", summary=f"r{number}: consider") for number in range(count)]


def test_what_is_beyond_the_cap_is_folded_into_the_last_card() -> None:
    decision = decided(rule_base(rules=many(6)), a=True)

    assert carded(decision) == ["r0", "r1", "r2", "r3"]
    assert shown(decision)["r4"] == shown(decision)["r5"] == "folded"
    assert "**Also considered** R4: consider; R5: consider" in decision.cards[-1].detail


def test_criticals_and_red_flags_neither_count_nor_fold() -> None:
    extra = [rule("crit", "a", indicator="critical"), rule("flag", "a", **FLAG)]
    decision = decided(rule_base(rules=[*many(5), *extra]), a=True, policy=Policy(card_cap=1))

    assert carded(decision) == ["crit", "flag", "r0"]


def test_the_graver_come_first_then_red_flags() -> None:
    base = rule_base(
        rules=[
            rule("a-info", "a"),
            rule("b-warning", "a", indicator="warning"),
            rule("c-critical", "a", indicator="critical"),
            rule("d-flag", "a", **FLAG),
        ]
    )

    assert carded(decided(base, a=True)) == ["c-critical", "b-warning", "d-flag", "a-info"]


# --- the order of equals -----------------------------------------------------------------------------


def caused(name: str, cause: str, **fields: Any) -> dict[str, Any]:
    return rule(name, "a", summary=f"{name}: consider", cause=cause, **fields)


def test_cards_of_one_indicator_stand_by_rank_and_a_rule_s_own_place_goes_before_its_cause_s() -> None:
    rules = [caused("a", "joint"), caused("b", "vein"), caused("c", "clot"), caused("d", "joint")]
    base = rule_base(rules=rules, rank=["d", "clot", "vein", "joint"])

    assert carded(decided(base, a=True)) == ["d", "c", "b", "a"]


def test_rank_never_goes_before_the_indicator() -> None:
    rules = [caused("a", "clot"), caused("b", "joint", indicator="warning")]

    assert carded(decided(rule_base(rules=rules, rank=["clot", "joint"]), a=True)) == ["b", "a"]


def test_the_last_in_rank_is_what_is_folded() -> None:
    rules = [caused("a", "joint"), caused("b", "clot")]
    base = rule_base(rules=rules, rank=["clot", "joint"])
    decision = decided(base, a=True, policy=Policy(card_cap=1))

    assert carded(decision) == ["b"]
    assert "**Also considered** A: consider" in decision.cards[-1].detail


def test_a_question_ranks_with_its_indicator() -> None:
    ask = {"ask": ["c"], "summary": "Not known: consider asking", "consider": ["Ask"]}
    open_clot = rule("z", {"all": ["a", "c"]}, unknown=ask, cause="clot")
    base = rule_base(rules=[caused("a", "vein"), open_clot], rank=["clot", "vein"])

    assert carded(decided(base, a=True, c=None)) == ["z", "a"]


def test_every_rule_must_have_a_rank_and_every_rank_a_rule() -> None:
    with pytest.raises(BrokenRuleBase, match="no place for 'a': put its cause 'joint' here"):
        rule_base(rules=[caused("a", "joint")], rank=[])
    with pytest.raises(BrokenRuleBase, match="no rule and no rule's cause is called 'ghost'"):
        rule_base(rules=[caused("a", "joint")], rank=["joint", "ghost"])


# --- who gets none ---------------------------------------------------------------------------------


def test_a_deceased_patient_is_not_assessed_and_the_evaluation_says_why() -> None:
    base = rule_base(rules=[rule("r", "a", indicator="critical")])
    decision = answered(base, patient={"deceasedBoolean": True}, conditions=[condition("a")])

    assert decision.cards == ()
    assert decision.evaluation()[0] | {"outcome": ""} == {
        "id": "r",
        "version": 1,
        "outcome": "",
        "shown": "not-assessed",
        "reason": "deceased",
        "indicator": "critical",
    }


@pytest.mark.parametrize(
    ("user", "cards"),
    [
        ("Practitioner/1", 1),
        ("PractitionerRole/1", 1),
        ("", 1),
        ("Patient/p", 0),
        ("RelatedPerson/1", 0),
    ],
)
def test_what_is_no_clinician_s_view_is_not_assessed(user: str, cards: int) -> None:
    decision = decided(rule_base(rules=[rule("r")]), a=True, asked=question(user=user))

    assert len(decision.cards) == cards
    if not cards:
        assert decision.findings[0].shown_reason == "not-a-clinicians-view"


def test_comfort_care_withholds_information_keeps_warnings_and_adds_to_criticals() -> None:
    base = rule_base(
        rules=[rule("i", "a"), rule("w", "a", indicator="warning"), rule("c", "a", indicator="critical")]
    )
    facts: dict[str, Any] = {"a": True, "comfort-care": True}
    decision = decided(base, **facts)

    assert shown(decision) == {"i": "withheld", "w": "card", "c": "card"}
    assert "In line with the goals of care." in decision.cards[0].detail
    assert "goals of care" not in decision.cards[1].detail


def test_silent_mode_evaluates_and_shows_nothing() -> None:
    decision = decided(rule_base(rules=[rule("r")]), a=True, policy=Policy(silent_mode=True))

    assert decision.cards == ()
    assert (decision.findings[0].outcome, decision.findings[0].shown) == ("fires", "silent-mode")


def test_a_rule_of_a_status_that_is_not_admitted_is_not_assessed() -> None:
    decision = decided(
        rule_base(rules=[rule("r")]), a=True, policy=Policy(statuses=frozenset({"active"}))
    )

    assert (decision.findings[0].shown, decision.findings[0].shown_reason) == (
        "not-assessed",
        "status-draft",
    )


# --- a card that cannot be built -------------------------------------------------------------------


@pytest.fixture
def breaking(monkeypatch: pytest.MonkeyPatch) -> RuleBase:
    """A rule base in which the words of `bad` cannot be found."""
    real = rendering.text_of

    def text_of(finding: Any, one: Any) -> Any:
        if one.id == "bad":
            raise RuntimeError("broken on purpose")
        return real(finding, one)

    monkeypatch.setattr(rendering, "text_of", text_of)
    return rule_base(rules=[rule("bad", "a", indicator="warning"), rule("good", "a")])


def test_a_card_that_cannot_be_built_fails_alone(breaking: RuleBase) -> None:
    decision = decided(breaking, a=True)

    assert carded(decision) == ["good"]
    assert next(one for one in decision.evaluation() if one["id"] == "bad")["outcome"] == "failed"


@pytest.mark.usefixtures("breaking")
def test_what_a_broken_card_would_have_offered_another_one_offers() -> None:
    orders = {"now": order("panel", priority="stat"), "later": order("panel")}
    rules = [rule("good", "a", suggest=["later"]), rule("bad", "a", suggest=["now"])]

    assert decided(rule_base(rules=rules, orders=orders), a=True).carded[0].orders == ("later",)


@pytest.mark.usefixtures("breaking")
def test_a_folded_rule_that_cannot_be_worded_takes_nobody_down() -> None:
    base = rule_base(rules=[rule("bad", "a"), rule("also", "a")])
    decision = decided(base, a=True, policy=Policy(card_cap=1))

    assert carded(decision) == ["also"]


@pytest.mark.usefixtures("breaking")
def test_a_merged_rule_that_cannot_be_worded_leaves_its_host_alone() -> None:
    base = rule_base(rules=[rule("host", "a"), rule("bad", "a", **{"merges-into": "host"})])

    assert carded(decided(base, a=True)) == ["host"]
