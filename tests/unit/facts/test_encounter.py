"""The reason of the encounter is today's complaint, wherever it is written (reference A 2.1)."""

from typing import Any

import pytest

from cds_service.facts.model import Reason
from cds_service.rulebase.model import RuleBase
from tests.unit.facts.patients import assessed, concept, condition, evidence, observation, status
from tests.unit.rulebase.tiny import fact, rule, rule_base

Json = dict[str, Any]


@pytest.fixture(scope="module")
def base() -> RuleBase:
    heavy = fact(
        "finding",
        in_=["heavy"],
        within="window-30",
        condition_within="window-30",
        nothing_recorded="absent",
    )
    return rule_base({"heavy": heavy}, [rule("r", "heavy")])


def visit(**fields: Any) -> Json:
    return {"resourceType": "Encounter", "id": "e", "status": "in-progress"} | fields


def because(*references: str, **fields: Any) -> Json:
    return visit(reasonReference=[{"reference": one} for one in references], **fields)


def heavy(base: RuleBase, encounter: Json | None, **brought: Any) -> tuple[bool | None, Reason | None]:
    found = assessed(base, raw={"encounter": encounter}, **brought).fact("heavy")
    return found.value, found.reason


def test_an_observation_may_be_the_reason_however_old(base: RuleBase) -> None:
    old = observation("heavy", valueBoolean=True, effectiveDateTime="2019-01-01")

    assert heavy(base, visit(), findings=[old])[0] is not True
    assert heavy(base, because("Observation/o-heavy"), findings=[old]) == (True, None)


def test_an_observation_that_says_no_is_a_no_as_a_reason_too(base: RuleBase) -> None:
    denied = observation("heavy", valueBoolean=False)

    assert heavy(base, because("Observation/o-heavy"), findings=[denied]) == (False, None)


@pytest.mark.parametrize(("named", "expected"), [("#c", True), ("#other", False)])
def test_a_condition_inside_the_encounter_counts_when_it_is_the_reason(
    base: RuleBase, named: str, expected: bool
) -> None:
    inside = condition(clinicalStatus=status("resolved")) | {"id": "c"}

    assert heavy(base, because(named, contained=[inside])) == (expected, None)


@pytest.mark.parametrize("state", ["cancelled", "entered-in-error"])
def test_the_reason_of_an_encounter_that_is_none_does_not_count(base: RuleBase, state: str) -> None:
    resolved = condition(clinicalStatus=status("resolved"))
    none = because("Condition/c-heavy", status=state, reasonCode=[concept("heavy")])

    assert heavy(base, none, conditions=[resolved]) == (False, None)


@pytest.mark.parametrize("missing", ["Condition/elsewhere", "Observation/elsewhere", "urn:uuid:e1"])
def test_a_reason_that_was_not_delivered_leaves_the_complaint_unknown_and_is_said(
    base: RuleBase, missing: str
) -> None:
    facts = assessed(base, raw={"encounter": because(missing)})

    assert facts.fact("heavy").reason is Reason.NOT_DELIVERED
    assert ("encounter", "reason-not-delivered") in facts.undelivered


def test_a_procedure_as_the_reason_is_no_complaint(base: RuleBase) -> None:
    assert heavy(base, because("Procedure/p1", "ImmunizationRecommendation/i1")) == (False, None)


def test_a_complaint_that_is_recorded_does_not_wait_for_the_reason(base: RuleBase) -> None:
    told = condition(onsetDateTime="2026-11-10")

    assert heavy(base, because("Condition/elsewhere"), conditions=[told]) == (True, None)


def test_an_encounter_that_the_context_names_and_nobody_sent_leaves_the_complaint_unknown(
    base: RuleBase,
) -> None:
    def heavy_in(encounter: str) -> tuple[bool | None, Reason | None]:
        found = assessed(base, encounter=encounter).fact("heavy")
        return found.value, found.reason

    assert heavy_in("") == (False, None)
    assert heavy_in("e") == (None, Reason.NOT_DELIVERED)


def test_an_encounter_of_which_the_server_said_an_error_is_not_one_without_a_reason(
    base: RuleBase,
) -> None:
    refused = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "security"}]}

    assert heavy(base, refused) == (None, Reason.NOT_DELIVERED)


def test_outside_any_encounter_the_key_says_so(base: RuleBase) -> None:
    found = evidence(base).arrivals["encounter"]

    assert getattr(found, "reason", None) == "outside-any-encounter"
