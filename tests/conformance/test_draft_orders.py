"""Draft orders that are no R4, and what is still read of them: requirements 42, 69, 70, 76 and 91.

Clients send drafts as their forms hold them. What decides what is ordered, and for whom, is read as R4
has it or not at all; nothing else in a draft hides the order. Whatever could not be read is said.
"""

import json
from typing import Any

import pytest
from flask.testing import FlaskClient

from cds_service.hooks.encoding import NOT_READ
from tests.conformance.calls import (
    NAME,
    PATIENT,
    Json,
    answered,
    bundle,
    knee_mri,
    knee_order,
    post,
    request,
    rule,
)

HOOKS = ("order-select", "order-sign")
GUARD = "j04-oa-imaging-guard"
pytestmark = pytest.mark.parametrize("hook", HOOKS)
ABSENT = {
    "extension": [
        {
            "url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason",
            "valueCode": "unknown",
        }
    ]
}
EPIC_ID = "eQ7xk.Ab-9" * 19 + "eQ7x"
CODE: Json = knee_mri()["code"]
MRI: Json = CODE["coding"][0]


def draft(**changed: Any) -> Json:
    """The MRI of a knee; an element given as `...` is left out."""
    return {key: value for key, value in {**knee_mri(), **changed}.items() if value is not ...}


def called(client: FlaskClient, hook: str, *drafts: Any, **changed: Any) -> Json:
    """What is answered to drafts in a Bundle without a type, as the public sandbox sends them."""
    whole = knee_order(hook)
    entries = [one if "resource" in one else {"resource": one} for one in drafts]
    whole["context"] |= {"draftOrders": {"resourceType": "Bundle", "entry": entries}, **changed}
    return answered(post(client, whole, hook))


def deleted(body: Json) -> list[str]:
    actions = (one["actions"][0] for card in body["cards"] for one in card.get("suggestions", ()))
    return [action["resourceId"] for action in actions if action["type"] == "delete"]


def said(body: Json) -> set[tuple[str, str]]:
    """What could not be read of the drafts."""
    told = body["extension"].get(NOT_READ, ())
    found = {(one["what"], one["reason"]) for one in told}
    return {(what, why) for what, why in found if "draft" in what or "/" in what}


def assert_seen(body: Json) -> None:
    assert rule(body, GUARD)["outcome"] == "fires"
    (card,) = body["cards"]
    assert "Knee MRI" in card["summary"]


# --- what is not as R4 has it, and no rule asks for ----------------------------------------------

UNASKED: list[Json] = [
    {"category": {"coding": [{"code": "imaging"}]}},
    {"category": "imaging"},
    {"category": {}},
    {"category": [{}]},
    {"reasonCode": []},
    {"reasonCode": {"coding": [{}]}},
    {"reasonCode": [{"coding": [{}]}]},
    {"requester": ABSENT},
    {"requester": {}},
    {"performer": ABSENT, "encounter": "visit-Q7xk", "note": NAME, "insurance": None},
    {"extension": {}},
    {"extension": [{"url": "http://example.org/pama-rating"}]},
    {"meta": None, "text": {}, "identifier": {}},
    {"intent": ...},
    {"intent": "proposal"},
    {"priority": {"value": 1}, "orderDetail": {}, "occurrenceTiming": 5},
    {"code": {"coding": [{}, MRI]}},
    {"code": {"coding": [MRI, {"system": None, "code": None, "display": None}]}},
    {"code": {"coding": [{**MRI, "display": None, "userSelected": "true"}]}},
    {"code": {"coding": [{"display": NAME}, MRI, {"system": "urn:oid:1.2.3", "code": "77"}]}},
    {"doNotPerform": None},
    {"authoredOn": "today"},
    {"bodySite": []},
    {"bodySite": [{}]},
]


@pytest.mark.requirement(76, 91)
@pytest.mark.parametrize("changed", UNASKED)
def test_an_element_that_no_rule_asks_for_may_be_anything(
    client: FlaskClient, hook: str, changed: Json
) -> None:
    body = called(client, hook, draft(**changed))
    assert_seen(body)
    assert deleted(body) == ["ServiceRequest/draft-1"]
    assert said(body) == set()


ODD: list[tuple[str, Any]] = [
    ("bodySite", {"coding": [{"system": "http://snomed.info/sct", "code": "72696002"}]}),
    ("bodySite", None),
    ("bodySite", [None]),
    ("bodySite", NAME),
    ("contained", None),
    ("contained", {}),
    ("authoredOn", 1_790_000_000),
    ("authoredOn", {}),
    ("intent", ["order"]),
]


@pytest.mark.requirement(70, 76)
@pytest.mark.parametrize(("element", "value"), ODD)
def test_an_element_of_a_wrong_type_does_not_hide_the_order_and_is_named(
    client: FlaskClient, hook: str, element: str, value: Any
) -> None:
    body = called(client, hook, draft(**{element: value}))
    assert_seen(body)
    assert deleted(body) == ["ServiceRequest/draft-1"]
    assert said(body) == {("ServiceRequest/draft-1", f"unreadable: {element}")}
    assert NAME not in json.dumps(body)


@pytest.mark.requirement(76)
def test_all_that_is_wrong_with_a_draft_is_named(client: FlaskClient, hook: str) -> None:
    body = called(client, hook, draft(bodySite={}, contained=None, authoredOn=5))
    assert_seen(body)
    assert said(body) == {("ServiceRequest/draft-1", "unreadable: authoredOn, bodySite, contained")}


@pytest.mark.requirement(76, 91)
@pytest.mark.parametrize("number", [17, None, ...])
def test_a_draft_without_an_id_that_is_one_is_seen_and_not_pointed_at(
    client: FlaskClient, hook: str, number: Any
) -> None:
    body = called(client, hook, draft(id=number))
    assert_seen(body)
    assert deleted(body) == []
    assert said(body) == ({("draftOrders: ServiceRequest", "unreadable: id")} if number == 17 else set())


# --- what decides what is ordered, and for whom --------------------------------------------------

DECISIVE: list[Json] = [
    {"code": [CODE]},
    {"code": {"coding": MRI}},
    {"code": {"coding": None, "text": "MR Knee"}},
    {"code": {"coding": [None, MRI]}},
    {"code": {"coding": [{"system": "http://loinc.org", "code": 36510}, MRI]}},
    {"code": "36510-6"},
    {"subject": f"Patient/{PATIENT}"},
    {"subject": [{"reference": f"Patient/{PATIENT}"}]},
    {"status": {"value": "draft"}},
    {"doNotPerform": "true"},
]


@pytest.mark.requirement(76)
@pytest.mark.parametrize("changed", DECISIVE)
def test_a_draft_whose_matter_cannot_be_read_is_no_proof_of_its_absence(
    client: FlaskClient, hook: str, changed: Json
) -> None:
    body = called(client, hook, draft(**changed))
    assert body["cards"] == []
    assert rule(body, GUARD)["outcome"] == "unknown"
    assert ("ServiceRequest/draft-1", "unreadable") in said(body)


@pytest.mark.requirement(76)
@pytest.mark.parametrize("code", [{}, {"coding": []}, {"coding": [{}]}, {"text": ""}, None, ...])
def test_a_draft_of_nothing_in_particular_is_no_order_of_a_rule(
    client: FlaskClient, hook: str, code: Any
) -> None:
    # The sandbox's PAMA screen opens like this: nothing has been chosen yet.
    body = called(client, hook, draft(code=code, reasonCode=[]))
    assert body["cards"] == []
    assert rule(body, GUARD)["outcome"] == "silent"
    assert said(body) == set()


@pytest.mark.requirement(70, 91)
@pytest.mark.parametrize(
    "subject",
    [
        ...,
        None,
        {},
        ABSENT,
        {"reference": None, "display": NAME},
        {"reference": f"https://ehr.example/api/FHIR/R4/Patient/{PATIENT}"},
        {"identifier": {"value": "7"}},
    ],
)
def test_a_draft_is_of_the_patient_of_the_context(client: FlaskClient, hook: str, subject: Any) -> None:
    body = called(client, hook, draft(subject=subject))
    assert_seen(body)
    assert said(body) == set()


@pytest.mark.requirement(70, 91)
@pytest.mark.parametrize(
    "subject",
    [
        {"reference": "Patient/undefined"},
        {"reference": ""},
        {"reference": "https://ehr.example/fhir/Patient/other-Q7xk"},
        {"reference": f"Group/{PATIENT}"},
        {"type": "Group"},
    ],
)
def test_a_draft_for_somebody_else_is_left_out_and_counted(
    client: FlaskClient, hook: str, subject: Any
) -> None:
    body = called(client, hook, draft(subject=subject))
    assert body["cards"] == []
    assert ("draftOrders", "other-patient: 1 dropped") in said(body)


@pytest.mark.requirement(91)
@pytest.mark.parametrize(
    "kind",
    [
        "DeviceUseRequest",
        "DiagnosticOrder",
        "DiagnosticRequest",
        "MedicationOrder",
        "ProcedureRequest",
        "ReferralRequest",
    ],
)
def test_an_order_of_an_earlier_release_is_said_and_leaves_the_guard_open(
    client: FlaskClient, hook: str, kind: str
) -> None:
    body = called(client, hook, draft(resourceType=kind))
    assert rule(body, GUARD)["outcome"] == "unknown"
    assert said(body) == {("draftOrders", "unreadable-resource"), (f"{kind}/draft-1", "unreadable")}


# --- status --------------------------------------------------------------------------------------


@pytest.mark.requirement(70)
@pytest.mark.parametrize("status", ["draft", "active", "on-hold", "unknown", "pended", "", None, ...])
def test_any_status_is_an_order_being_placed(client: FlaskClient, hook: str, status: Any) -> None:
    # 2.0 at order-sign: "the FHIR Bundle ... where status is not necessarily draft"; one EHR has words
    # of its own for orders that wait.
    body = called(client, hook, draft(status=status))
    assert_seen(body)
    assert deleted(body) == ["ServiceRequest/draft-1"]


@pytest.mark.requirement(70)
@pytest.mark.parametrize("changed", [{"status": "revoked"}, {"status": "entered-in-error"}])
def test_an_order_that_is_being_taken_back_is_none(
    client: FlaskClient, hook: str, changed: Json
) -> None:
    body = called(client, hook, draft(**changed))
    assert body["cards"] == []
    assert rule(body, GUARD)["outcome"] == "silent"


@pytest.mark.requirement(70)
def test_an_order_not_to_do_it_is_none(client: FlaskClient, hook: str) -> None:
    assert called(client, hook, draft(doNotPerform=True))["cards"] == []


# --- ids, selections, neighbours -----------------------------------------------------------------


@pytest.mark.requirement(42, 91)
def test_an_id_of_194_characters_is_kept_to_the_last(client: FlaskClient, hook: str) -> None:
    assert len(EPIC_ID) == 194
    chosen = {"selections": [f"ServiceRequest/{EPIC_ID}"]} if hook == "order-select" else {}
    body = called(client, hook, draft(id=EPIC_ID), **chosen)
    assert_seen(body)
    assert deleted(body) == [f"ServiceRequest/{EPIC_ID}"]


SELECTIONS: list[Any] = [
    [],
    ["https://ehr.example/api/FHIR/R4/ServiceRequest/draft-1"],
    ["ServiceRequest/unheard-of"],
    ["draft-1"],
    ["urn:uuid:0b2a1c3d-0000-4000-8000-0123456789ab"],
    ["ServiceRequest/undefined", "ServiceRequest/draft-1", "ServiceRequest/draft-1"],
    ["MedicationRequest/draft-1/_history/2"],
    [" "],
]


@pytest.mark.requirement(69, 76)
@pytest.mark.parametrize("selections", SELECTIONS)
def test_a_selection_may_name_its_order_in_any_way_or_none(
    client: FlaskClient, hook: str, selections: list[str]
) -> None:
    assert_seen(called(client, hook, draft(), selections=selections))


@pytest.mark.requirement(76, 91)
@pytest.mark.parametrize(
    "beside",
    [
        {"fullUrl": "urn:uuid:0b2a1c3d-0000-4000-8000-0123456789ab"},
        {"resource": None},
        {"resource": {}},
        {"resource": {"resourceType": "Medication", "id": "med-1", "code": {}}},
        {"resource": {"resourceType": "NutritionOrder", "id": "n-1"}},
        {"resource": {"resourceType": "Observation", "id": "o-1", "status": []}},
        {"resource": {"resourceType": "Bundle", "entry": []}},
        {"resource": bundle(), "search": None, "request": {"method": "PUT"}, "link": {}},
        {"resource": draft(id="other", code={"coding": [{}]}), "fullUrl": None},
    ],
)
def test_what_else_is_in_the_bundle_does_not_hide_the_order(
    client: FlaskClient, hook: str, beside: Any
) -> None:
    for entries in ([beside, draft()], [draft(), beside]):
        body = called(client, hook, *({"resource": one} if "id" in one else one for one in entries))
        assert_seen(body)


@pytest.mark.requirement(76)
@pytest.mark.parametrize(
    "more",
    [
        {},
        {"type": None},
        {"type": "collection", "id": "b" * 194, "meta": {}},
        {"type": "searchset", "total": 1, "link": []},
        {"type": {"code": "x"}, "timestamp": 5},
    ],
)
def test_the_bundle_may_be_of_any_type_or_none(client: FlaskClient, hook: str, more: Json) -> None:
    whole = knee_order(hook)
    whole["context"]["draftOrders"] = {
        "resourceType": "Bundle",
        "entry": [{"resource": draft()}],
        **more,
    }
    assert_seen(answered(post(client, whole, hook)))


@pytest.mark.requirement(76)
@pytest.mark.parametrize(
    "drafts", [{"resourceType": "Bundle", "entry": None}, {"resourceType": "Bundle"}]
)
def test_a_bundle_of_nothing_is_no_error(client: FlaskClient, hook: str, drafts: Json) -> None:
    whole = request(hook)
    whole["context"]["draftOrders"] = drafts
    assert answered(post(client, whole, hook))["cards"] == []


@pytest.mark.requirement(76)
def test_beside_an_entry_that_is_none_the_others_are_seen(client: FlaskClient, hook: str) -> None:
    whole = knee_order(hook)
    entries = [draft(), {"resource": draft(), "fullUrl": 5}]
    whole["context"]["draftOrders"] = {"resourceType": "Bundle", "entry": entries}
    body = answered(post(client, whole, hook))
    assert rule(body, GUARD)["outcome"] == "fires"
    assert said(body) == {("draftOrders", "unreadable-resource")}


@pytest.mark.requirement(76)
@pytest.mark.parametrize(
    "drafts",
    [
        {"entry": {"resource": draft()}},
        {"entry": NAME},
        {"entry": [NAME]},
    ],
)
def test_a_bundle_that_cannot_be_opened_is_said_and_leaves_every_guard_open(
    client: FlaskClient, hook: str, drafts: Json
) -> None:
    whole = knee_order(hook)
    whole["context"]["draftOrders"] = {"resourceType": "Bundle", **drafts}
    found = post(client, whole, hook)
    body = answered(found)
    assert rule(body, GUARD)["outcome"] == "unknown"
    assert said(body) == {("draftOrders", "unreadable")}
    assert NAME not in found.text
