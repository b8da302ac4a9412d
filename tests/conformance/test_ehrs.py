"""What EHRs send, as their public documentation has it: requirements 87 to 92 and 99 to 107.

Requests are built as Epic builds them, whole: absolute references, ids of 194 characters, an `extension`
of its own, Medication entries among the drafts, a search without results as a warning. The poorer
clients (Oracle, athenahealth, a 1.0 client) come after. No shape ends in a 4xx.
"""

import json
from typing import Any

import pytest
from flask.testing import FlaskClient

from cds_service.hooks.encoding import NOT_READ
from tests.conformance.calls import (
    HOOKS,
    Json,
    answered,
    bundle,
    knee_order,
    outcome,
    post,
    potassium,
    refused,
    request,
    rule,
)

BASE = "https://epic.example.org/interconnect/api/FHIR/R4"
PATIENT = "ePat.7xk-Q" * 19 + "ePat"  # 194 characters, where FHIR allows 64
ENCOUNTER = "eEnc" * 40
INSTANCE = "a5da1d57-4d5e-11ee-be56-0242ac120002"  # a UUID of version 1
TRIGGERS = ("60", "18", "23", "6", "7", "26", "27", "29")
SPECIFICATION = ("1.0", "1.1")
ABSENT_REQUESTER = {
    "extension": [
        {"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown"}
    ]
}
TOKEN = {
    "access_token": "token-Sentinelmann",
    "token_type": "Bearer",
    "expires_in": 3600,
    "scope": "PATIENT.READ (R4) CONDITION.SEARCH (PROBLEMS) (R4) epic.unsignedorder",
    "subject": "heavy-legs-at-epic",
}
NOTHING_FOUND = {
    "resourceType": "Bundle",
    "type": "searchset",
    "total": 0,
    "link": [{"relation": "self", "url": f"{BASE}/Observation?patient={PATIENT}"}],
    "entry": [
        {
            "fullUrl": "urn:uuid:00000000-0003-0192-3e87-d2d6a5b7c3f1",
            "resource": {
                "resourceType": "OperationOutcome",
                "issue": [
                    {
                        "severity": "warning",
                        "code": "processing",
                        "details": {"text": "Resource request returns no results."},
                    }
                ],
            },
            "search": {"mode": "outcome"},
        }
    ],
}


def told(trigger: str, version: str = "1.1") -> Json:
    """The extension that comes with every request of Epic's."""
    ours = "com.epic.cdshooks.request"
    return {
        f"{ours}.bpa-trigger-action": trigger,
        f"{ours}.cds-hooks-specification-version": version,
        f"{ours}.cds-hooks-implementation-version": "1.0",
        f"{ours}.fhir-version": "R4",
        f"{ours}.criteria-id": "102345",
        f"{ours}.epic-version": "10.5",
        "internal-id": "ePracticeAdvisory",
        "org.heavylegs.now": "2026-11-22T12:00:00Z",
    }


def as_epic(whole: Json, *, trigger: str = "60", version: str = "1.1", **members: Any) -> Json:
    """A request of ours as Epic sends it: its ids, its references, its members."""
    text = json.dumps(whole).replace("pat-Q7xk", PATIENT)
    text = text.replace('{"reference": "', '{"reference": "' + BASE + "/")
    found: Json = json.loads(text)
    found |= {"hookInstance": INSTANCE, "fhirServer": BASE, "fhirAuthorization": TOKEN}
    found["extension"] = told(trigger, version)
    found["context"]["userId"] = "PractitionerRole/eRole.1-Q7xk"
    found["context"]["encounterId"] = ENCOUNTER
    visit = {"resourceType": "Encounter", "id": ENCOUNTER, "status": "in-progress"}
    found["prefetch"] = {"encounter": visit, **found["prefetch"]}
    return found | members


def gravis(hook: str, *drafts: Json) -> Json:
    """A patient with myasthenia gravis, for whom something is being ordered."""
    subject = {"reference": "Patient/pat-Q7xk"}
    coded = {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "G70.00"}]}
    problem = {"resourceType": "Condition", "id": "c-1", "code": coded, "subject": subject}
    whole = request(hook, prefetch={"conditions": bundle(problem), "laboratory": bundle()})
    whole["context"]["draftOrders"] = bundle(*drafts)
    return whole


def prescribed(**more: Any) -> Json:
    """A MedicationRequest as Epic drafts it: no code of its own, and no requester."""
    return {
        "resourceType": "MedicationRequest",
        "id": "eRx7" * 48 + "e7",
        "status": "draft",
        "intent": "order",
        "subject": {"reference": "Patient/pat-Q7xk"},
        "requester": ABSENT_REQUESTER,
        "medicationReference": {"reference": "Medication/eMed.1-Q7xk", "display": "a product"},
        **more,
    }


LEVOFLOXACIN = {
    "coding": [{"system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": "82122"}],
    "text": "levofloxacin 500 mg tablet",
}
MEDICATION = {"resourceType": "Medication", "id": "eMed.1-Q7xk", "code": LEVOFLOXACIN}
GUARD = "m13-myasthenia-drug-guard"

# --- Epic ----------------------------------------------------------------------------------------


@pytest.mark.requirement(87, 88, 89, 90)
@pytest.mark.parametrize("trigger", TRIGGERS)
@pytest.mark.parametrize("version", SPECIFICATION)
def test_any_trigger_of_patient_view_is_answered_like_an_opened_chart(
    client: FlaskClient, trigger: str, version: str
) -> None:
    found = post(client, as_epic(request(), trigger=trigger, version=version))
    (card,) = answered(found)["cards"]
    assert (card["indicator"], "2.4 mmol/L" in card["summary"]) == ("critical", True)
    assert "token-Sentinelmann" not in found.text


@pytest.mark.requirement(90, 91)
@pytest.mark.parametrize("hook", ["order-select", "order-sign"])
def test_an_order_of_epics_is_seen_and_pointed_at_by_its_own_id(client: FlaskClient, hook: str) -> None:
    whole = knee_order(hook)
    order = whole["context"]["draftOrders"]["entry"][0]["resource"]
    order |= {"id": "eOrd" * 48 + "e7", "requester": ABSENT_REQUESTER, "category": []}
    sent = as_epic(whole, trigger="23" if hook == "order-sign" else "18")
    if hook == "order-select":
        sent["context"]["selections"] = [f"ServiceRequest/{order['id']}"]
    (card,) = answered(post(client, sent, hook))["cards"]
    assert "Knee MRI" in card["summary"]
    actions = [one["actions"][0] for one in card["suggestions"]]
    assert f"ServiceRequest/{order['id']}" in [one.get("resourceId") for one in actions]


@pytest.mark.requirement(91)
@pytest.mark.parametrize("hook", ["order-select", "order-sign"])
@pytest.mark.parametrize(
    ("reference", "url"),
    [
        ("Medication/eMed.1-Q7xk", ""),
        ("Medication/eMed.1-Q7xk/_history/3", ""),
        (f"{BASE}/Medication/eMed.1-Q7xk", f"{BASE}/Medication/eMed.1-Q7xk"),
        ("urn:uuid:2b1a1c3d-0000-4000-8000-0123456789ab",) * 2,
    ],
)
@pytest.mark.parametrize("first", [True, False])
def test_a_medication_that_is_an_entry_of_the_same_bundle_tells_what_is_ordered(
    client: FlaskClient, hook: str, reference: str, url: str, *, first: bool
) -> None:
    whole = as_epic(gravis(hook))
    order = prescribed(medicationReference={"reference": reference, "display": "a product"})
    order["subject"]["reference"] = f"{BASE}/Patient/{PATIENT}"
    medication = {"fullUrl": url, "resource": MEDICATION} if url else {"resource": MEDICATION}
    entries = [medication, {"resource": order}] if first else [{"resource": order}, medication]
    whole["context"]["draftOrders"]["entry"] = entries
    body = answered(post(client, whole, hook))
    assert rule(body, GUARD)["outcome"] == "fires"
    (card,) = body["cards"]
    assert "levofloxacin" in card["detail"].lower()
    deleted = [one["actions"][0].get("resourceId") for one in card["suggestions"]]
    assert deleted == [f"MedicationRequest/{order['id']}"]


@pytest.mark.requirement(91)
@pytest.mark.parametrize("name", ["", "eMed.1-Q7xk"])
def test_a_medication_without_an_id_is_found_by_the_url_of_its_entry(
    client: FlaskClient, name: str
) -> None:
    urn = "urn:uuid:2b1a1c3d-0000-4000-8000-0123456789ab"
    whole = gravis("order-sign", prescribed(medicationReference={"reference": urn}))
    medication = (
        {**MEDICATION, "id": name} if name else {"resourceType": "Medication", "code": LEVOFLOXACIN}
    )
    whole["context"]["draftOrders"]["entry"].append({"fullUrl": urn, "resource": medication})
    assert rule(answered(post(client, whole, "order-sign")), GUARD)["outcome"] == "fires"


@pytest.mark.requirement(91)
@pytest.mark.parametrize("medication", [None, {"resourceType": "Medication", "id": "eMed.1-Q7xk"}])
def test_a_medication_that_is_not_there_is_no_error_and_its_display_still_counts(
    client: FlaskClient, medication: Any
) -> None:
    named = {"reference": "Medication/eMed.1-Q7xk", "display": "levofloxacin 500 mg tablet"}
    order = prescribed(medicationReference=named)
    whole = gravis("order-sign", order, *([medication] if medication else []))
    assert rule(answered(post(client, whole, "order-sign")), GUARD)["outcome"] == "fires"


@pytest.mark.requirement(70, 76)
@pytest.mark.parametrize("hook", ["order-select", "order-sign"])
def test_a_prescription_without_intent_is_seen(client: FlaskClient, hook: str) -> None:
    order = prescribed(medicationCodeableConcept=LEVOFLOXACIN, category={"text": "outpatient"})
    for name in ("intent", "medicationReference"):
        del order[name]
    assert rule(answered(post(client, gravis(hook, order), hook)), GUARD)["outcome"] == "fires"


@pytest.mark.requirement(70, 76)
@pytest.mark.parametrize("hook", ["order-select", "order-sign"])
@pytest.mark.parametrize("sig", [{"text": "one a day"}, [None], None, "one a day"])
def test_a_dosage_that_is_no_list_does_not_hide_the_prescription(
    client: FlaskClient, hook: str, sig: Any
) -> None:
    order = prescribed(medicationCodeableConcept=LEVOFLOXACIN, dosageInstruction=sig)
    body = answered(post(client, gravis(hook, order), hook))
    assert rule(body, GUARD)["outcome"] == "fires"
    reasons = [one["reason"] for one in body["extension"][NOT_READ]]
    assert "unreadable: dosageInstruction" in reasons


@pytest.mark.requirement(14, "D")
@pytest.mark.parametrize("hook", HOOKS)
def test_a_search_of_epics_without_results_is_an_empty_list(client: FlaskClient, hook: str) -> None:
    lists = ("conditions", "laboratory", "vitals", "findings", "procedures", "medicationRequests")
    whole = as_epic(request(hook, prefetch=dict.fromkeys(lists, NOTHING_FOUND)))
    body = answered(post(client, whole, hook))
    assert body["cards"] == []
    missing = {one["what"] for one in body["extension"].get(NOT_READ, ())}
    assert missing.isdisjoint(lists)  # delivered, and there is nothing


@pytest.mark.requirement(89, 107)
@pytest.mark.parametrize(
    "changed", [{"expires_in": 300}, {"patient": PATIENT}, {"scope": ""}, {"extension": {"x": 1}}]
)
def test_the_authorization_of_epic_is_taken_as_it_comes(client: FlaskClient, changed: Json) -> None:
    whole = as_epic(request(), fhirAuthorization={**TOKEN, **changed})
    assert answered(post(client, whole))["cards"]


@pytest.mark.requirement(92, 15)
@pytest.mark.parametrize("hook", HOOKS)
@pytest.mark.parametrize("prefetch", [..., None, {}])
def test_a_call_that_brings_no_data_and_no_token_is_said_to_the_operator(
    client: FlaskClient, caplog: pytest.LogCaptureFixture, hook: str, prefetch: Any
) -> None:
    # Where the address differs from the registered one by a letter, Epic calls and sends no data.
    whole = as_epic(request(hook), prefetch=prefetch)
    for name in ("fhirAuthorization", *(["prefetch"] if prefetch is ... else [])):
        del whole[name]
    with caplog.at_level("WARNING"):
        refused(post(client, whole, hook), 412)
    assert "neither prefetch nor fhirAuthorization" in caplog.text
    assert PATIENT not in caplog.text
    caplog.clear()
    with caplog.at_level("WARNING"):
        answered(post(client, as_epic(request(hook)), hook))
    assert "neither prefetch" not in caplog.text


# --- the others ----------------------------------------------------------------------------------


@pytest.mark.requirement(99, 107)
@pytest.mark.parametrize(
    "prefetch",
    [
        {},
        {"laboratory": potassium()},
        {"vitals": outcome("error"), "findings": None},
        {"laboratory": bundle(potassium(), link=[{"relation": "next", "url": f"{BASE}?page=2"}])},
    ],
)
def test_a_client_of_1_0_that_calls_patient_view_alone_gets_a_card(
    client: FlaskClient, prefetch: Json
) -> None:
    whole = request("patient-view", prefetch=prefetch, fhirServer=BASE)
    whole["context"] |= {"encounterId": "97953483"}
    whole |= {"user": "Practitioner/4464007", "patient": "pat-Q7xk", "redirect": "", "oauth": None}
    (card,) = answered(post(client, whole))["cards"]
    for word in ("2.4 mmol/L", "22 Nov 2026", "consider"):  # suggestions may not be shown at all
        assert word.lower() in (card["summary"] + card["detail"]).lower()


@pytest.mark.requirement(103)
def test_an_order_that_joins_a_group_is_seen_beside_those_that_are_in_it(client: FlaskClient) -> None:
    whole = knee_order("order-select")
    blood = {"coding": [{"system": "http://loinc.org", "code": "58410-2"}]}
    others = [
        {"resourceType": "ServiceRequest", "id": f"o-{number}", "status": "draft", "code": blood}
        for number in range(12)
    ]
    entries = whole["context"]["draftOrders"]["entry"]
    entries[:0] = [{"resource": one} for one in others]
    whole["context"]["selections"] = ["ServiceRequest/draft-1"]
    (card,) = answered(post(client, whole, "order-select"))["cards"]
    assert "Knee MRI" in card["summary"]


@pytest.mark.requirement(104)
def test_calls_without_any_feedback_are_answered_the_same_every_time(client: FlaskClient) -> None:
    # Silent tracking: the cards are never shown, so nothing is ever heard of them.
    first = answered(post(client, request(hookInstance="silent-1")))["cards"]
    for number in range(2, 12):
        again = answered(post(client, request(hookInstance=f"silent-{number}")))["cards"]
        assert [card["summary"] for card in again] == [card["summary"] for card in first]
