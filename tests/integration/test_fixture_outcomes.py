"""What each rule makes of each fixture patient, reasoned from the clinical reference.

The way is that of a request: bundle → hook request → parse → prefetch → answer. What is expected
stands in `fhir_fixtures/expected/`, one file per patient: what the reference asks for, with the reason,
not what the engine happens to do.
"""

from datetime import UTC, datetime
from functools import cache

import msgspec
import pytest
import yaml

from cds_service import content
from cds_service.cases import fixtures
from cds_service.decision import Decision, History, Policy, answer
from cds_service.facts.model import Reason
from cds_service.hooks import prefetch
from cds_service.hooks import request as requests
from cds_service.rulebase.loader import examine
from cds_service.rulebase.model import RuleBase

FOLDER = content.folder("fhir_fixtures")
NAMES = fixtures.names(FOLDER)
HOOKS = ("patient-view", "encounter-start", "order-select", "order-sign")
NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
OTHER_NOWS = [
    datetime(2026, 11, 22, 0, 30, tzinfo=UTC),
    datetime(2028, 2, 29, 12, 0, tzinfo=UTC),
    datetime(2031, 7, 1, 23, 59, 59, tzinfo=UTC),
]

EXPECTED_FOLDER = FOLDER / "expected"
SHOWN = ("card", "merged", "folded")
PAD_01, K_01, DVT_01 = "pad-01-resting-abi", "k-01-low-potassium", "dvt-01-wells-likely"

Line = tuple[str, str, str, str]  # outcome, indicator, side, shown


class ExpectedCard(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="kebab"):
    """One card, in its place; `shown` when it is part of another: merged or folded."""

    rule: str
    indicator: str
    side: str = ""
    asks: bool = False
    shown: str = "card"
    first_order: str = ""

    def line(self) -> Line:
        return ("unknown" if self.asks else "fires", self.indicator, self.side, self.shown)


class ExpectedHook(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="kebab"):
    """What the rules make of a patient at one hook: the cards in their order, and what is not one.

    The tips card is none of `cards` (reconciliation 5 #44); `tips`, where given, names the tips on it in
    their order, and `tips_withheld` those that a gate keeps back, each with the reason.
    """

    cards: tuple[ExpectedCard, ...] = ()
    tips: tuple[str, ...] | None = None
    tips_withheld: dict[str, str] = {}
    silent: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    yielded: tuple[str, ...] = ()
    withheld: tuple[str, ...] = ()
    not_assessed: tuple[str, ...] = ()
    not_this_hook: tuple[str, ...] = ()


class Expected(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="kebab"):
    """What the clinical reference asks for, and why. A hook that is not named has no card."""

    why: str
    patient_view: ExpectedHook = ExpectedHook()
    encounter_start: ExpectedHook | None = None  # as at patient-view, unless said
    order_select: ExpectedHook = ExpectedHook()
    order_sign: ExpectedHook = ExpectedHook()

    def at(self, hook: str) -> ExpectedHook:
        if hook == "encounter-start":
            return self.encounter_start or self.patient_view
        return {
            "patient-view": self.patient_view,
            "order-select": self.order_select,
            "order-sign": self.order_sign,
        }[hook]


def expected(name: str) -> Expected:
    text = (EXPECTED_FOLDER / f"{name}.yaml").read_text(encoding="utf-8")
    return msgspec.convert(yaml.safe_load(text), Expected)


@cache
def rule_base() -> RuleBase:
    built, problems = examine(content.texts(content.folder("cards")), check_lock=False)
    assert built is not None, problems
    return built


@cache
def decided(name: str, hook: str, now: datetime) -> Decision:
    service = rule_base().services_for(hook)[0]
    bundle = fixtures.shifted(fixtures.load(FOLDER, name), now)
    body = fixtures.encoded(fixtures.hook_request(bundle, service))
    parsed = requests.parse(body, service=service.id, hook=hook)
    evidence = prefetch.read(
        parsed.prefetch,
        service.prefetch,
        parsed.question.patient,
        parsed.draft_orders,
        parsed.question.encounter,
    )
    policy = Policy(evaluation=True)
    return answer(parsed.question, evidence, rule_base(), now, UTC, History(), policy)


def lines(decision: Decision) -> dict[str, list[Line]]:
    found: dict[str, list[Line]] = {}
    for one in decision.findings:
        line = (one.outcome, one.indicator or "", one.side, one.shown)
        found.setdefault(one.rule, []).append(line)
    return found


def orders(decision: Decision, rule: str) -> tuple[str, ...]:
    return next(tuple(one.orders) for one in decision.carded if one.finding.rule == rule)


@pytest.mark.parametrize("hook", HOOKS)
@pytest.mark.parametrize("name", NAMES)
def test_the_cards_are_those_of_the_reference_in_its_order(name: str, hook: str) -> None:
    wanted = expected(name).at(hook)
    decision = decided(name, hook, NOW)
    found = {rule: all_ for rule, all_ in lines(decision).items() if not rule_base().rules[rule].tip}
    assert [one.finding.rule for one in decision.carded if one.finding.rule in found] == [
        one.rule for one in wanted.cards if one.shown == "card"
    ]
    shown = {rule: line for rule, all_ in found.items() for line in all_ if line[3] in SHOWN}
    assert shown == {one.rule: one.line() for one in wanted.cards}
    for one in wanted.cards:
        assert not one.first_order or orders(decision, one.rule)[0].startswith(one.first_order)


@pytest.mark.parametrize("hook", HOOKS)
@pytest.mark.parametrize("name", NAMES)
def test_the_tips_are_one_card_the_last_and_say_what_is_withheld(name: str, hook: str) -> None:
    wanted = expected(name).at(hook)
    decision = decided(name, hook, NOW)
    rules = rule_base().rules
    tips = [one for one in decision.findings if rules[one.rule].tip]
    carded = [one.finding.rule for one in decision.carded]
    hosts = [rule for rule in carded if rules[rule].tip]
    assert hosts == carded[-1:] or hosts == []
    assert not hosts or all(one.card.indicator != "critical" for one in decision.carded)
    if wanted.tips is not None:
        assert tuple(one.rule for one in tips if one.shown in SHOWN) == wanted.tips
    kept = {one.rule: one.shown_reason for one in tips if one.shown == "withheld"}
    assert wanted.tips_withheld.items() <= kept.items()


@pytest.mark.parametrize("hook", HOOKS)
@pytest.mark.parametrize("name", NAMES)
def test_what_is_no_card_is_none_for_the_reason_of_the_reference(name: str, hook: str) -> None:
    wanted = expected(name).at(hook)
    found = lines(decided(name, hook, NOW))
    for rule in (*wanted.silent, *wanted.unknown):
        outcome = "silent" if rule in wanted.silent else "unknown"
        assert {(line[0], line[3]) for line in found[rule]} == {(outcome, "nothing")}, rule
    for shown in ("yielded", "withheld", "not-assessed", "not-this-hook"):
        for rule in getattr(wanted, shown.replace("-", "_")):
            assert {line[3] for line in found[rule]} == {shown}, rule
    assert not any(line[0] == "failed" for all_ in found.values() for line in all_)


def test_every_patient_has_an_expectation_and_every_expectation_a_patient() -> None:
    assert {path.stem for path in EXPECTED_FOLDER.glob("*.yaml")} == set(NAMES)


@pytest.mark.parametrize("now", OTHER_NOWS, ids=str)
@pytest.mark.parametrize("name", NAMES)
def test_the_outcome_does_not_depend_on_the_day(name: str, now: datetime) -> None:
    for hook in HOOKS:
        assert lines(decided(name, hook, now)) == lines(decided(name, hook, NOW))


def test_a_critical_card_stands_alone_where_the_leg_is_at_stake() -> None:
    assert len(decided("acute-limb", "patient-view", NOW).cards) == 1


def test_the_index_is_withheld_while_a_clot_is_not_excluded() -> None:
    for hook in ("patient-view", "order-sign"):
        found = decided("pad-swollen-calf", hook, NOW)
        assert found.facts.value("dvt-not-excluded") is True
        assert not any("resting-abi" in one.orders for one in found.carded)


def test_the_index_is_not_withheld_where_signs_of_a_clot_were_looked_for() -> None:
    found = decided("pad-risk", "patient-view", NOW).carded
    assert [one.withheld for one in found if one.finding.rule == PAD_01] == [{}]


def test_a_scan_is_ordered_for_the_leg_that_is_named() -> None:
    (made,) = [
        one.card
        for one in decided("dvt-likely", "patient-view", NOW).carded
        if one.finding.rule == DVT_01
    ]
    ordered = made.suggestions[0].actions[0].resource
    assert ordered is not None
    assert [one["code"] for one in ordered["code"]["coding"]] == ["48692-8"]
    assert ordered["priority"] == "stat"


def test_nothing_is_ordered_for_want_of_data() -> None:
    offered = orders(decided("symptom-no-data", "patient-view", NOW), PAD_01)
    assert {rule_base().orders[one].kind for one in offered} <= {"questionnaire"}


def test_what_would_make_a_low_potassium_critical_is_named_below_3() -> None:
    missing = {
        name: next(
            one.missing for one in decided(name, "patient-view", NOW).findings if one.rule == K_01
        )
        for name in ("k-2-99", "k-3-0")
    }
    assert missing == {"k-2-99": ("qtc-over-500",), "k-3-0": ()}


def test_what_cannot_be_used_of_a_messy_record_is_said() -> None:
    facts = decided("messy", "patient-view", NOW).facts
    assert set(facts.undelivered) == {
        ("Observation/messy-k-wrong-type", "unreadable"),
        ("laboratory", "other-patient: 1 dropped"),
    }
    assert facts.fact("potassium-low").reason is Reason.UNIT_NOT_DECLARED
    assert facts.fact("potassium-low").data[0].text == "3.1 mg/dL"
    assert facts.fact("claudication-coded").value is False  # entered in error
    assert facts.fact("diabetes").value is False  # refuted
    assert facts.fact("abi-done").value is False  # a Procedure without a status


def test_hidden_characters_and_markup_do_not_reach_a_card() -> None:
    for one in decided("messy", "patient-view", NOW).cards:
        assert not any(sign in one.summary + one.detail for sign in "\u200b\u202a\u202c\u202e")
        assert "<script>" not in one.detail
        assert "](http" not in one.detail


def test_nothing_of_a_deceased_patient_is_shown() -> None:
    found = decided("deceased", "patient-view", NOW)
    assert {one.shown for one in found.findings if one.shown != "not-this-hook"} == {"not-assessed"}
    assert found.cards == ()
