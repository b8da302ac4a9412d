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


UNTOLD = (None, Reason.NOT_DELIVERED)


def test_a_condition_inside_the_encounter_counts_when_it_is_the_reason(base: RuleBase) -> None:
    inside = condition(clinicalStatus=status("resolved")) | {"id": "c"}

    assert heavy(base, because("#c", contained=[inside])) == (True, None)
    assert heavy(base, visit(contained=[inside])) == (False, None)


def test_an_observation_inside_the_encounter_counts_as_one_elsewhere_does(base: RuleBase) -> None:
    inside = observation("heavy", valueBoolean=True, effectiveDateTime="2019-01-01") | {"id": "o"}

    assert heavy(base, because("#o", contained=[inside])) == (True, None)


@pytest.mark.parametrize(
    "reason",
    [
        {"reference": "#nope"},
        {"reference": "#None"},
        {"reference": "#"},
        {"identifier": {"value": "x"}},
        {"display": "heavy legs"},
        {"type": "Condition", "identifier": {"value": "x"}},
    ],
)
def test_a_reason_that_names_nothing_to_be_found_is_not_delivered(base: RuleBase, reason: Json) -> None:
    nameless = {key: value for key, value in condition().items() if key != "id"}
    facts = assessed(base, raw={"encounter": visit(reasonReference=[reason], contained=[nameless])})

    assert facts.fact("heavy").reason is Reason.NOT_DELIVERED
    assert ("encounter", "reason-not-delivered") in facts.undelivered


@pytest.mark.parametrize(
    "foreign",
    [
        {"subject": {"reference": "Patient/another"}},
        {"subject": {"reference": "#p"}},
        {"encounter": {"reference": "Encounter/another"}},
    ],
)
@pytest.mark.parametrize("make", [condition, observation])
def test_what_an_encounter_carries_of_another_counts_for_nobody(
    base: RuleBase, make: Any, foreign: Json
) -> None:
    inside = make("heavy", valueBoolean=True) | {"id": "c"}

    def told(one: Json) -> tuple[bool | None, bool]:
        facts = assessed(base, raw={"encounter": because("#c", contained=[one])})
        return facts.value("heavy"), ("encounter", "reason-not-delivered") in facts.undelivered

    assert told(inside) == (True, False)
    assert told(inside | {"encounter": {"reference": "Encounter/e"}}) == (True, False)
    assert told(inside | {"encounter": {"reference": "#"}}) == (True, False)
    assert told(inside | foreign) == (None, True)


def test_an_encounter_of_another_patient_is_not_one_without_a_reason(base: RuleBase) -> None:
    other = visit(subject={"reference": "Patient/another"}, reasonCode=[concept("heavy")])

    facts = assessed(base, raw={"encounter": other}, encounter="e")
    assert facts.fact("heavy").reason is Reason.INCOMPLETE


@pytest.mark.parametrize(("named", "of"), [("Condition", "findings"), ("Observation", "conditions")])
def test_a_reason_is_named_by_type_and_id(base: RuleBase, named: str, of: str) -> None:
    unlike = (observation if of == "findings" else condition)("other", id="7")

    assert heavy(base, because(f"{named}/7"), **{of: [unlike]}) == UNTOLD


SERVER = "https://ehr.example/fhir"


@pytest.mark.parametrize(
    ("named", "known", "expected"),
    [
        (f"{SERVER}/Condition/c-heavy", {"server": SERVER}, True),
        (f"{SERVER}/Condition/c-heavy/_history/2", {"server": f"{SERVER}/"}, True),
        (f"{SERVER}/Condition/c-heavy", {"full_url": f"{SERVER}/Condition/c-heavy"}, True),
        ("urn:uuid:0b2a", {"full_url": "urn:uuid:0b2a"}, True),
        ("https://other.example/fhir/Condition/c-heavy", {"server": SERVER}, None),
        (
            "https://other.example/fhir/Condition/c-heavy",
            {"full_url": f"{SERVER}/Condition/c-heavy"},
            None,
        ),
        (f"{SERVER}/Condition/c-heavy", {}, None),
    ],
)
def test_an_absolute_reference_names_a_resource_of_its_own_server(
    base: RuleBase, named: str, known: Json, expected: bool | None
) -> None:
    resolved = condition(clinicalStatus=status("resolved"))
    entry = {"resource": resolved} | ({"fullUrl": known["full_url"]} if "full_url" in known else {})
    brought = {"encounter": because(named), "conditions": {"resourceType": "Bundle", "entry": [entry]}}
    found = assessed(base, raw=brought, server=known.get("server", ""))

    assert found.value("heavy") is expected


OVER = {"status": "finished", "period": {"start": "2010-01-01", "end": "2010-01-01"}}


@pytest.mark.parametrize(
    ("fields", "counts"),
    [
        (OVER, False),
        ({"status": "finished"}, False),
        ({"status": "finished", "period": {"start": "2010-01-01"}}, False),
        ({"status": "unknown"}, False),
        ({"status": "finished", "period": {"start": "2026-11-20", "end": "2026-11-25"}}, True),
        ({"status": "planned"}, True),
        ({"status": "arrived"}, True),
    ],
)
def test_an_encounter_that_the_context_does_not_name_counts_while_it_lasts(
    base: RuleBase, fields: Json, counts: bool
) -> None:
    told = visit(reasonCode=[concept("heavy")]) | fields

    assert heavy(base, told) == (counts, None)
    assert assessed(base, raw={"encounter": told}, encounter="e").value("heavy") is True


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
