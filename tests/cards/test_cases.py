"""Every case beside every rule, one pytest item each; and what all of them say and suggest."""

import json
import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest

from cds_service import content, fitness
from cds_service.cases import running
from cds_service.cases.coverage import coverage
from cds_service.cases.running import Case
from cds_service.presentation import suggestions
from cds_service.rulebase.model import RuleBase
from tests import r4_validators

TEXTS = content.texts(content.folder("cards"))
RULE_BASE: RuleBase = fitness.load(TEXTS)
CASES = list(running.read(TEXTS, RULE_BASE))
FIXTURES = content.folder("fhir_fixtures")


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.rule}: {case.name}")
def test_case(case: Case) -> None:
    outcome = running.run(case, RULE_BASE, FIXTURES)
    assert not outcome.differences, f"{case.place}\n" + "\n".join(outcome.differences)


def test_every_rule_proves_more_than_that_it_fires() -> None:
    for rule in RULE_BASE.rules.values():
        proved = {case.proves for case in CASES if case.rule == rule.id}
        assert {"fires", "near-miss", "missing"} <= proved


def test_the_name_of_a_case_is_understood_without_the_case_before_it() -> None:
    leaning = re.compile(
        r"(the same|as before|as above|likewise|so is|so does|and not)\b", re.IGNORECASE
    )
    assert [f"{case.place}: {case.name}" for case in CASES if leaning.match(case.name)] == []


def test_no_two_cases_of_a_rule_have_one_name() -> None:
    names = Counter((case.rule, case.name) for case in CASES)
    assert [one for one, times in names.items() if times > 1] == []


@pytest.fixture(scope="module")
def outcomes() -> list[running.Outcome]:
    """Return what came of every case."""
    return [running.run(case, RULE_BASE, FIXTURES) for case in CASES]


def test_every_fact_of_every_rule_is_seen_with_every_value_it_can_take(
    outcomes: list[running.Outcome],
) -> None:
    lacking = {(one.rule, one.fact): one.lacks for one in coverage(RULE_BASE, outcomes) if one.lacks}
    assert lacking == {}


def test_every_level_of_every_rule_is_reached_by_a_case(outcomes: list[running.Outcome]) -> None:
    reached: set[tuple[str, int]] = set()
    for outcome in outcomes:
        if outcome.decision is not None:
            reached |= {
                (one.rule, one.level) for one in outcome.decision.findings if one.level is not None
            }
    every = {(rule.id, index) for rule in RULE_BASE.rules.values() for index in range(len(rule.levels))}
    assert every - reached == set()


def test_no_card_of_any_case_reads_against_the_house_style(outcomes: list[running.Outcome]) -> None:
    for outcome in outcomes:
        case = outcome.case
        for card in outcome.decision.cards if outcome.decision else ():
            where = f"{case.place}: {card.summary}"
            assert len(card.summary) < 140, where
            assert "consider" in card.summary.lower(), where
            assert "!" not in card.summary, where
            labels = [part.split("**")[1] for part in card.detail.split("\n\n")]
            order = ["Why", "Consider", "Withheld", "Not known", "Source", "Also", "Also considered"]
            assert labels == sorted(labels, key=order.index), where
            assert len(card.detail.split()) < 190, where
            assert not re.search(r"\bNone\b(?! of )", card.summary + card.detail), where
            assert "{" not in card.summary + card.detail, where


Suggested = Mapping[str, tuple[str, Mapping[str, Any]]]


@pytest.fixture(scope="module")
def suggested(outcomes: list[running.Outcome]) -> Suggested:
    """Return each resource that a card of any case suggests, ids and dates apart: (place, resource)."""
    found: dict[str, tuple[str, Mapping[str, Any]]] = {}
    for outcome in outcomes:
        for card in outcome.decision.cards if outcome.decision else ():
            for action in (action for one in card.suggestions for action in one.actions):
                if action.resource is not None:
                    found.setdefault(_kind(action.resource), (outcome.case.place, action.resource))
    return found


def _kind(resource: Mapping[str, Any]) -> str:
    """The resource with references told by their type alone, and each type once: how many is open."""
    reasons = {one["reference"].partition("/")[0] for one in resource.get("reasonReference", ())}
    told = {
        key: value for key, value in resource.items() if key not in ("reasonReference", "authoredOn")
    }
    whole = json.dumps({**told, "reasons": sorted(reasons)}, sort_keys=True)
    return re.sub(r'("reference": "[A-Za-z]+/)[^"]*', r"\1", whole)


# What a validator objects to although it is R4, with the reason. There is nothing in what we suggest.
FALSE_ALARMS: Mapping[str, Mapping[Any, str]] = {}


@pytest.mark.requirement(41)
@pytest.mark.parametrize("name", r4_validators.ALL)
def test_every_resource_that_any_case_suggests_is_valid_r4(name: str, suggested: Suggested) -> None:
    assert {one["resourceType"] for _, one in suggested.values()} == {"ServiceRequest", "Task"}
    issues = {
        place: found
        for place, resource in suggested.values()
        if (
            found := [
                one for one in r4_validators.ALL[name](resource) if one not in FALSE_ALARMS.get(name, ())
            ]
        )
    }
    assert issues == {}


def test_every_order_of_the_rule_base_is_suggested_by_a_case(outcomes: list[running.Outcome]) -> None:
    decisions = [one.decision for one in outcomes if one.decision]
    offered = {name for one in decisions for carded in one.carded for name in carded.orders}
    assert RULE_BASE.orders.keys() - offered == set()


ALL, STRUCTURE, CODES = {"models", "fhirkit", "pyrofile"}, {"models", "fhirkit"}, {"pyrofile"}
SPOILED: list[tuple[str, dict[str, Any], set[str]]] = [
    ("an element that R4 has not", {"urgency": "stat"}, ALL),
    ("no status", {"status": ...}, ALL),
    ("a status that R4 has not", {"status": "finished"}, CODES),
    ("no intent", {"intent": ...}, ALL),
    ("an intent that R4 has not", {"intent": "suggestion"}, CODES),
    ("a priority that R4 has not", {"priority": "at once"}, CODES),
    ("a list where there is one", {"code": [{"text": "ECG"}]}, ALL),
    ("one where there is a list", {"code": {"coding": {"code": "x"}}}, STRUCTURE),
    ("a date that is none", {"authoredOn": "22.11.2026"}, ALL),
    ("nothing", {"reasonReference": None}, {"fhirkit", "pyrofile"}),
]
SPOILED_ORDER: list[tuple[str, dict[str, Any], set[str]]] = [
    ("no subject", {"subject": ...}, STRUCTURE),
    ("a subject that is none", {"subject": {"reference": "Medication/1"}}, CODES),
    ("a reason that is none", {"reasonReference": [{"reference": "Patient/1"}]}, CODES),
    ("a category that is no list", {"category": {"text": "imaging"}}, STRUCTURE),
    ("two quantities", {"quantityRange": {}, "quantityQuantity": {"value": 1}}, ALL),
]


@pytest.mark.parametrize(
    ("kind", "what", "change", "finders"),
    [
        *(("ServiceRequest", *one) for one in (*SPOILED, *SPOILED_ORDER)),
        *(("Task", *one) for one in SPOILED),
    ],
)
def test_a_spoiled_resource_is_noticed(
    kind: str, what: str, change: dict[str, Any], finders: set[str]
) -> None:
    whole = next(one for _, one in suggestions.examples(RULE_BASE) if one["resourceType"] == kind)
    assert not any(check(whole) for check in r4_validators.ALL.values())
    spoiled = {name: value for name, value in {**whole, **change}.items() if value is not ...}
    assert {name for name, check in r4_validators.ALL.items() if check(spoiled)} == finders, what
