"""A resource of another patient is dropped and said; the Patient itself must be the right one."""

import json
from typing import Any

import msgspec
import pytest

from cds_service.failures import Failure, Kind
from cds_service.fhir.evidence import Arrival, Evidence
from cds_service.fhir.resources import Observation
from cds_service.hooks import prefetch

PATIENT = "pat-1"
TEMPLATES = {"patient": "Patient/{{context.patientId}}", "conditions": "Condition?_count=250"}
UUID = "0b2a1c3d-0000-4000-8000-0123456789ab"

MINE = [
    "Patient/pat-1",
    "pat-1",
    "Patient/pat-1/_history/2",
    "https://ehr.example/fhir/Patient/pat-1",
    "https://ehr.example/fhir/Patient/pat-1/_history/17",
    "urn:uuid:pat-1",
]
NOT_MINE = [
    "Patient/pat-2",
    "Patient/pat-10",
    "Patient/xpat-1",
    "Patient/pat-2/_history/pat-1",
    "https://ehr.example/fhir/Patient/pat-2",
    "https://ehr.example/fhir/Patient/pat-2/_history/1",
    "https://pat-1/fhir/Patient/pat-2",
    "Group/pat-1",
    "https://ehr.example/fhir/Group/pat-1",
    "Device/pat-1",
    "Location/pat-1/_history/1",
]
NOBODY_KNOWS = [
    "#pat-1",
    "#p",
    "",
    " ",
    "Patient/pat-1 ",
    " Patient/pat-1",
    "Patient/ pat-1",
    "Patient/pat-1\n",
    "patient/pat-1",
    "PATIENT/pat-1",
    "https://ehr.example/fhir/patient/pat-1",
    "Patient/PAT-1",
    "Patinet/pat-1",
    "Patinet/pat-2",
    "patient/pat-2",
    "pat-2",
    "PAT-1",
    "Patient/",
    "Patient?identifier=7",
    "Patient/pat-2:pat-1",
    f"urn:uuid:{UUID}",
    "urn:oid:1.2.3.4",
    "urn:Group:pat-1",
    "urn:pat-1",
]


def read(**values: Any) -> Evidence:
    raw = {key: msgspec.Raw(json.dumps(value).encode()) for key, value in values.items()}
    return prefetch.read(raw, TEMPLATES, PATIENT)


def with_subjects(kind: str, member: str, references: list[Any]) -> dict[str, Any]:
    return {
        "resourceType": "Bundle",
        "entry": [
            {"resource": {"resourceType": kind, "id": f"r{number}", member: reference}}
            for number, reference in enumerate(references)
        ],
    }


def arrival(evidence: Evidence, key: str) -> Arrival:
    found = evidence.arrival(key)
    assert found is not None
    return found


KINDS = [
    ("Condition", "subject"),
    ("Observation", "subject"),
    ("MedicationRequest", "subject"),
    ("MedicationStatement", "subject"),
    ("Procedure", "subject"),
    ("ServiceRequest", "subject"),
    ("DiagnosticReport", "subject"),
    ("Device", "patient"),
    ("Encounter", "subject"),
    ("QuestionnaireResponse", "subject"),
    ("Specimen", "subject"),
]


@pytest.mark.parametrize(("kind", "member"), KINDS)
def test_a_resource_of_another_patient_is_dropped_and_counted(kind: str, member: str) -> None:
    references = [{"reference": one} for one in MINE + NOT_MINE]
    found = arrival(read(conditions=with_subjects(kind, member, references)), "conditions")
    assert len(found.items) == len(MINE)
    assert (found.other_patient, found.complete) == (len(NOT_MINE), True)


@pytest.mark.parametrize(("kind", "member"), KINDS)
@pytest.mark.parametrize("reference", NOBODY_KNOWS)
def test_what_names_nobody_is_not_counted_on_and_leaves_the_list_in_doubt(
    kind: str, member: str, reference: str
) -> None:
    subjects = [{"reference": "Patient/pat-1"}, {"reference": reference}]
    found = arrival(read(conditions=with_subjects(kind, member, subjects)), "conditions")
    assert (len(found.items), found.other_patient, found.complete) == (1, 1, False)
    assert found.incomplete == ("contained-subject" if reference[:1] == "#" else "unclear-subject")


@pytest.mark.parametrize("reference", [*NOBODY_KNOWS, "Patient/pat-2"])
def test_a_focus_is_looked_at_as_a_subject_is(reference: str) -> None:
    one = {"resourceType": "Observation", "subject": {"reference": "Patient/pat-1"}}
    about = {**one, "focus": [{"reference": "Patient/pat-1"}, {"reference": reference}]}
    found = delivered(read(conditions={"resourceType": "Bundle", "entry": [{"resource": about}]}))
    assert (found.items, found.other_patient) == ((), 1)
    assert found.complete is (reference == "Patient/pat-2")


def test_a_list_cut_by_its_count_is_not_known_back_to_a_day_where_one_is_in_doubt() -> None:
    cut = {"conditions": "Observation?_sort=-date&_count=2"}
    dated = {"resourceType": "Observation", "effectiveDateTime": "2026-11-20"}
    for reference, known in (("Patient/pat-1", True), ("Patient/pat-2", True), ("patient/pat-1", False)):
        both = [{**dated, "subject": {"reference": one}} for one in ("Patient/pat-1", reference)]
        raw = {"resourceType": "Bundle", "entry": [{"resource": one} for one in both]}
        found = prefetch.read({"conditions": msgspec.Raw(json.dumps(raw).encode())}, cut, PATIENT)
        assert delivered(found).incomplete == "cut-by-count"
        assert (delivered(found).back_to is not None) is known


# --- named by the place in the Bundle ----------------------------------------------------------------

URN = f"urn:uuid:{UUID}"


def beside(*people: dict[str, Any], reference: str = URN, focus: str = "") -> Arrival:
    """What is left of a result whose subject is this reference, in a Bundle with these entries."""
    result: dict[str, Any] = {"resourceType": "Observation", "subject": {"reference": reference}}
    if focus:
        result |= {"subject": {"reference": "Patient/pat-1"}, "focus": [{"reference": focus}]}
    entries = [{"fullUrl": "urn:uuid:r", "resource": result}, *people]
    return delivered(read(conditions={"resourceType": "Bundle", "entry": entries}))


def person(identity: str | None, kind: str = "Patient", url: str = URN) -> dict[str, Any]:
    named = {"id": identity} if identity else {}
    return {"fullUrl": url, "resource": {"resourceType": kind, **named}}


@pytest.mark.parametrize("focus", ["", URN])
def test_the_full_url_of_the_patients_entry_names_the_patient(focus: str) -> None:
    found = beside(person("pat-1"), focus=focus)
    assert (len(found.items), found.other_patient, found.complete) == (2, 0, True)


@pytest.mark.parametrize("focus", ["", URN])
@pytest.mark.parametrize("other", [person("pat-2"), person("pat-1", "Group"), person("s", "Specimen")])
def test_the_full_url_of_another_entry_names_another(other: dict[str, Any], focus: str) -> None:
    found = beside(other, focus=focus)
    assert not any(isinstance(item.resource, Observation) for item in found.items)
    assert found.complete is (other["resource"]["resourceType"] != "Group")  # not asked for in a list


@pytest.mark.parametrize("focus", ["", URN])
@pytest.mark.parametrize(
    "people",
    [
        [],
        [person("pat-1", url="urn:uuid:0b2a1c3d-0000-4000-8000-0123456789ac")],
        [person("pat-1", url=f" {URN}")],
        [person(None)],
        [person("pat-1"), person("pat-2")],
        [person("pat-1"), person("pat-1")],
        [{"fullUrl": URN}],
        [{"fullUrl": URN, "resource": {"resourceType": "Patient", "id": 1}}],
    ],
)
def test_a_full_url_that_leads_to_nobody_for_certain_is_in_doubt(
    people: list[dict[str, Any]], focus: str
) -> None:
    found = beside(*people, focus=focus)
    assert not any(isinstance(item.resource, Observation) for item in found.items)
    assert not found.complete


@pytest.mark.parametrize("reference", MINE)
def test_each_way_to_name_the_patient(reference: str) -> None:
    found = arrival(
        read(conditions=with_subjects("Condition", "subject", [{"reference": reference}])), "conditions"
    )
    assert (len(found.items), found.other_patient) == (1, 0)


@pytest.mark.parametrize("reference", NOT_MINE)
def test_each_way_to_name_somebody_else(reference: str) -> None:
    found = arrival(
        read(conditions=with_subjects("Condition", "subject", [{"reference": reference}])), "conditions"
    )
    assert (len(found.items), found.other_patient) == (0, 1)


@pytest.mark.parametrize("subject", [{}, {"display": "somebody"}, {"identifier": {"value": "7"}}])
def test_without_a_literal_reference_the_search_is_believed(subject: dict[str, Any]) -> None:
    found = arrival(read(conditions=with_subjects("Condition", "subject", [subject])), "conditions")
    assert (len(found.items), found.other_patient) == (1, 0)


@pytest.mark.parametrize(
    "patient",
    [
        {"resourceType": "Patient", "id": "pat-2"},
        {"resourceType": "Patient", "id": "pat-1 "},
        {"resourceType": "Patient", "id": ""},
        {"resourceType": "Bundle", "entry": [{"resource": {"resourceType": "Patient", "id": "pat-2"}}]},
    ],
)
def test_another_patient_under_the_key_patient_is_forbidden(patient: dict[str, Any]) -> None:
    with pytest.raises(Failure) as caught:
        read(patient=patient)
    assert (caught.value.kind, caught.value.where) == (Kind.FORBIDDEN, "prefetch.patient.id")
    assert "pat-" not in str(caught.value)


def test_another_patient_under_another_key_is_dropped() -> None:
    found = read(
        patient={"resourceType": "Patient", "id": PATIENT},
        conditions={
            "resourceType": "Bundle",
            "entry": [{"resource": {"resourceType": "Patient", "id": "mother"}}],
        },
    )
    assert arrival(found, "conditions").other_patient == 1
    assert found.patient is not None
    assert found.patient.id == PATIENT


def test_the_draft_orders_of_another_patient_are_dropped() -> None:
    drafts = with_subjects("ServiceRequest", "subject", [{"reference": "Patient/pat-2"}])
    found = prefetch.read({}, TEMPLATES, PATIENT, msgspec.Raw(json.dumps(drafts).encode()))
    assert arrival(found, "draftOrders").other_patient == 1


@pytest.mark.parametrize(("kind", "others"), [("Patient", 0), ("Group", 1), ("Device", 1)])
def test_an_identifier_of_another_type_is_no_patient(kind: str, others: int) -> None:
    subject = {"type": kind, "identifier": {"system": "urn:x", "value": "7"}}
    found = delivered(read(conditions=with_subjects("Condition", "subject", [subject])))
    assert found.other_patient == others


def test_an_observation_about_somebody_else_is_not_the_patients() -> None:
    one = {"resourceType": "Observation", "subject": {"reference": "Patient/pat-1"}}
    about = [{**one, "focus": [{"reference": who}]} for who in ("Patient/pat-2", "Patient/pat-1")]
    found = delivered(
        read(conditions={"resourceType": "Bundle", "entry": [{"resource": r} for r in about]})
    )
    assert (len(found.items), found.other_patient) == (1, 1)


@pytest.mark.parametrize("focus", [{"display": "left leg"}, {"reference": "#p"}])
def test_a_focus_that_nobody_can_look_up_leaves_the_list_in_doubt(focus: dict[str, str]) -> None:
    one = {"resourceType": "Observation", "subject": {"reference": "Patient/pat-1"}, "focus": [focus]}
    found = delivered(read(conditions={"resourceType": "Bundle", "entry": [{"resource": one}]}))
    assert (found.items, found.other_patient, found.complete) == ((), 1, False)


def test_a_panel_that_holds_somebody_elses_result_is_dropped_whole() -> None:
    members = [{"resourceType": "Observation", "subject": {"reference": "Patient/pat-2"}}]
    panel = {
        "resourceType": "Observation",
        "subject": {"reference": "Patient/pat-1"},
        "contained": members,
    }
    found = delivered(read(conditions={"resourceType": "Bundle", "entry": [{"resource": panel}]}))
    assert (found.items, found.other_patient, found.complete) == ((), 1, False)


def test_only_the_key_patient_says_who_the_patient_is() -> None:
    nameless = {"resourceType": "Patient", "deceasedBoolean": True}
    found = read(conditions=nameless, patient={"resourceType": "Patient", "id": PATIENT})
    assert found.patient is not None
    assert found.patient.id == PATIENT
    assert delivered(found).other_patient == 1


def delivered(evidence: Evidence) -> Arrival:
    found = evidence.arrival("conditions")
    assert found is not None
    return found


def test_the_reasons_of_another_encounter_are_not_those_of_today() -> None:
    brought = [{"resourceType": "Encounter", "id": "e-1"}, {"resourceType": "Condition", "id": "c-1"}]
    whole = {"resourceType": "Bundle", "entry": [{"resource": one} for one in brought]}
    raw = {"encounter": msgspec.Raw(json.dumps(whole).encode())}
    same, other = (prefetch.read(raw, TEMPLATES, PATIENT, encounter=one) for one in ("e-1", "e-2"))
    assert [len(one.items) for one in (*same.delivered(), *other.delivered())] == [2, 1]
    assert next(other.delivered()).incomplete == "other-encounter"
