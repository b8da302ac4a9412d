"""Which medicines a patient takes now (reconciliation 1, "Active medicine")."""

from typing import Any

import pytest

from cds_service.facts.model import Fact, Reason
from cds_service.rulebase.model import RuleBase
from tests.unit.facts.patients import assessed, concept, medicine
from tests.unit.rulebase.tiny import fact, rule_base


@pytest.fixture(scope="module")
def base() -> RuleBase:
    return rule_base(
        {
            "hazard": fact("medication", in_=["pill"]),
            "benefit": fact("medication", in_=["pill"], use="benefit"),
            "by-class": fact("medication", in_=["class"]),
            "drafting": fact("draft", in_=["pill"]),
            "drafting-by-mouth": fact("draft", in_=["pill"], route="mouth"),
            "drafting-otherwise": fact("draft", in_=["pill"], route="other"),
        },
        terminology={
            "class": {
                "title": "t",
                "source": "s",
                "licence": "l",
                "include": [{"system": "icd-10-cm", "codes": [["I73", "stem"]]}],
            }
        },
    )


def taken(base: RuleBase, name: str = "hazard", **fields: Any) -> Fact:
    return assessed(base, medicationRequests=[medicine(**fields)]).fact(name)


def statement(**fields: Any) -> dict[str, Any]:
    return {
        "resourceType": "MedicationStatement",
        "id": "ms",
        "status": "active",
        "medicationCodeableConcept": concept("pill"),
        "subject": {"reference": "Patient/p"},
    } | fields


def test_an_active_prescription_counts(base: RuleBase) -> None:
    assert taken(base).value is True


@pytest.mark.parametrize(
    "status", ["on-hold", "stopped", "completed", "cancelled", "entered-in-error", "draft", "unknown"]
)
def test_a_prescription_that_is_not_active_does_not(base: RuleBase, status: str) -> None:
    assert taken(base, status=status).value is False


@pytest.mark.parametrize(
    ("intent", "counts"),
    [
        ("order", True),
        ("original-order", True),
        ("reflex-order", True),
        ("filler-order", True),
        ("instance-order", True),
        ("plan", True),
        ("proposal", False),
        ("option", False),
    ],
)
def test_the_intent_decides(base: RuleBase, intent: str, counts: bool) -> None:
    assert taken(base, intent=intent).value is counts


def test_an_order_not_to_give_it_is_no_medicine(base: RuleBase) -> None:
    assert taken(base, doNotPerform=True).value is False


def test_a_prescription_older_than_a_year_is_a_hazard_still_and_a_benefit_no_longer_sure(
    base: RuleBase,
) -> None:
    old: dict[str, Any] = {"authoredOn": "2025-11-21"}  # 366 days

    assert taken(base, **old).value is True
    found = taken(base, "benefit", **old)
    assert (found.value, found.reason) == (None, Reason.TOO_OLD)
    assert taken(base, "benefit", authoredOn="2025-11-22").value is True  # 365 days


def test_a_refill_that_covers_today_keeps_an_old_prescription_current(base: RuleBase) -> None:
    covered = {"dispenseRequest": {"validityPeriod": {"end": "2026-12-31"}}}

    assert taken(base, "benefit", authoredOn="2024-01-01", **covered).value is True


@pytest.mark.parametrize("status", ["active", "intended"])
def test_a_statement_counts_too(base: RuleBase, status: str) -> None:
    facts = assessed(base, medicationStatements=[statement(status=status)])

    assert facts.value("hazard") is True


@pytest.mark.parametrize("status", ["not-taken", "stopped", "completed", "on-hold", "entered-in-error"])
def test_a_statement_that_it_is_not_taken_does_not(base: RuleBase, status: str) -> None:
    assert assessed(base, medicationStatements=[statement(status=status)]).value("hazard") is False


@pytest.mark.parametrize(
    "route", ["Topical route", "Cutaneous", "Ophthalmic", "Inhalation", "Nasal", "intra-articular"]
)
def test_what_stays_where_it_is_put_is_no_systemic_medicine(base: RuleBase, route: str) -> None:
    assert taken(base, dosageInstruction=[{"route": {"text": route}}]).value is False
    spoken = [{"route": {"coding": [{"code": "1", "display": route}]}}]
    assert taken(base, dosageInstruction=spoken).value is False


@pytest.mark.parametrize(
    "route",
    [
        "Oral",
        "Intravenous",
        "Subcutaneous route",
        "SUBCUTANEOUS",
        "Transdermal",
        "Percutaneous gastrostomy",
    ],
)
def test_what_reaches_the_whole_body_is(base: RuleBase, route: str) -> None:
    assert taken(base, dosageInstruction=[{"route": {"text": route}}]).value is True


def test_one_systemic_route_among_several_is_enough(base: RuleBase) -> None:
    both = [{"route": {"text": "topical"}}, {"route": {"text": "oral"}}]

    assert taken(base, dosageInstruction=both).value is True


def test_a_route_that_is_only_a_code_counts_as_systemic(base: RuleBase) -> None:
    assert taken(base, dosageInstruction=[{"route": {"coding": [{"code": "6064005"}]}}]).value is True


def test_a_contained_medication_is_found(base: RuleBase) -> None:
    prescribed = medicine(
        medicationCodeableConcept=None,
        contained=[
            {"resourceType": "Medication", "id": "other", "code": concept("nothing")},
            {"resourceType": "Medication", "id": "m1", "code": concept("pill")},
        ],
        medicationReference={"reference": "#m1"},
    )

    assert assessed(base, medicationRequests=[prescribed]).value("hazard") is True


@pytest.mark.parametrize(
    "reference", ["Medication/m1", "https://ehr.example/fhir/Medication/m1", "Medication/m1/_history/2"]
)
def test_a_medication_that_arrives_beside_is_found(base: RuleBase, reference: str) -> None:
    prescribed = medicine(medicationCodeableConcept=None, medicationReference={"reference": reference})
    beside = {"resourceType": "Medication", "id": "m1", "code": concept("pill")}

    facts = assessed(base, medicationRequests=[prescribed, beside])

    assert facts.value("hazard") is True
    assert facts.fact("hazard").data[0].ref == "MedicationRequest/m-pill"


def test_a_medication_that_cannot_be_found_is_not_the_absence_of_it(base: RuleBase) -> None:
    prescribed = medicine(
        medicationCodeableConcept=None, medicationReference={"reference": "Medication/elsewhere"}
    )

    assert assessed(base, medicationRequests=[prescribed]).value("hazard") is None


def test_a_class_matches_by_its_stem(base: RuleBase) -> None:
    coded = concept("I73.9", system="http://hl7.org/fhir/sid/icd-10-cm")

    assert taken(base, "by-class", medicationCodeableConcept=coded).value is True


def test_a_medicine_being_ordered_is_a_draft_and_not_yet_taken(base: RuleBase) -> None:
    facts = assessed(base, drafts=[medicine(status="draft")])

    assert (facts.value("drafting"), facts.value("hazard")) == (True, False)


def test_a_draft_not_to_give_it_is_no_draft_of_it(base: RuleBase) -> None:
    assert (
        assessed(base, drafts=[medicine(status="draft", doNotPerform=True)]).value("drafting") is False
    )


@pytest.mark.parametrize(
    ("routes", "by_mouth"),
    [
        ([{"text": "Oral"}], True),
        ([{"coding": [{"code": "26643006", "display": "Oral route"}]}], True),
        ([{"text": "PO"}], True),
        ([{"text": "intravenous"}], False),
        ([{"text": "Oral"}, {"text": "intravenous"}], False),
        ([{"text": "oropharyngeal"}], False),
        ([{"coding": [{"code": "26643006"}]}], False),
        ([], False),
    ],
)
def test_a_draft_by_mouth_and_any_other(base: RuleBase, routes: list[Any], by_mouth: bool) -> None:
    dosages = [{"route": one} for one in routes]
    facts = assessed(base, drafts=[medicine(status="draft", dosageInstruction=dosages)])
    assert facts.value("drafting") is True
    assert facts.value("drafting-by-mouth") is by_mouth
    assert facts.value("drafting-otherwise") is not by_mouth


# --- a code that does not say what it holds ----------------------------------------------------------

CLINICAL_DRUG = concept("197604", text="digoxin 0.125 MG Oral Tablet")


def unrecognised(base: RuleBase, **fields: Any) -> tuple[str, ...]:
    return assessed(base, medicationRequests=[medicine(**fields)]).unrecognised_medicines


def test_a_medicine_whose_code_says_nothing_is_named(base: RuleBase) -> None:
    assert unrecognised(base, medicationCodeableConcept=CLINICAL_DRUG) == (
        "digoxin 0.125 MG Oral Tablet",
    )
    assert unrecognised(base, medicationCodeableConcept={"text": "the small white one"}) == (
        "the small white one",
    )


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"status": "stopped", "medicationCodeableConcept": CLINICAL_DRUG},
        {"doNotPerform": True, "medicationCodeableConcept": CLINICAL_DRUG},
        {
            "medicationCodeableConcept": CLINICAL_DRUG,
            "dosageInstruction": [{"route": {"text": "Topical"}}],
        },
    ],
    ids=["in a code set", "stopped", "not to be given", "on the skin"],
)
def test_what_is_recognised_or_not_taken_is_not(base: RuleBase, fields: dict[str, Any]) -> None:
    assert unrecognised(base, **fields) == ()


@pytest.mark.parametrize(
    "status", ["stopped", "completed", "cancelled", "entered-in-error", "not-done", "revoked"]
)
def test_a_draft_that_ends_a_medicine_does_not_order_it(base: RuleBase, status: str) -> None:
    # "Remove the potassium order" on the very draft that stops it would keep it going.
    assert assessed(base, drafts=[medicine(status=status)]).fact("drafting").value is False
