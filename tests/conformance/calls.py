"""Calls as an EHR makes them, and what every answer has in common."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from fhir.resources.R4B.operationoutcome import OperationOutcome
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.conformance import logical_models

NOW = "2026-11-22T12:00:00Z"
PATIENT = "pat-Q7xk"  # ids that stand out: none of them may be seen where it does not belong
NAME = "Sentinelmann"
INSTANCE = "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea"
HOOKS = ("patient-view", "encounter-start", "order-select", "order-sign")
ISSUES = {400: "invalid", 403: "forbidden", 404: "not-found", 405: "not-supported"} | {
    412: "incomplete",
    413: "too-long",
    429: "throttled",
    500: "exception",
    503: "transient",
}
Json = dict[str, Any]


def patient(**more: Any) -> Json:
    return {
        "resourceType": "Patient",
        "id": PATIENT,
        "name": [{"family": NAME, "given": ["Erika"]}],
        "gender": "female",
        "birthDate": "1955-03-04",
    } | more


def bundle(*found: Any, **more: Any) -> Json:
    return {
        "resourceType": "Bundle",
        "type": "searchset",
        "entry": [{"resource": one} for one in found],
    } | more


def outcome(severity: str) -> Json:
    return {"resourceType": "OperationOutcome", "issue": [{"severity": severity, "code": "processing"}]}


def potassium(value: Any = 2.4, *, number: int = 1, **more: Any) -> Json:
    return {
        "resourceType": "Observation",
        "id": f"k-{number}",
        "status": "final",
        "category": [
            {
                "coding": [
                    {
                        "system": "http://terminology.hl7.org/CodeSystem/observation-category",
                        "code": "laboratory",
                    }
                ]
            }
        ],
        "code": {"coding": [{"system": "http://loinc.org", "code": "2823-3"}], "text": "Potassium"},
        "subject": {"reference": f"Patient/{PATIENT}"},
        "effectiveDateTime": "2026-11-22T07:40:00Z",
        "valueQuantity": {
            "value": value,
            "unit": "mmol/L",
            "system": "http://unitsofmeasure.org",
            "code": "mmol/L",
        },
    } | more


def medicine(text: str = "furosemide 40 mg") -> Json:
    rxnorm = {"system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": "4603", "display": text}
    return {
        "resourceType": "MedicationRequest",
        "id": "m-1",
        "status": "active",
        "intent": "order",
        "medicationCodeableConcept": {"coding": [rxnorm], "text": text},
        "subject": {"reference": f"Patient/{PATIENT}"},
        "authoredOn": "2026-10-01",
    }


def knee_mri(text: str = "MR Knee - right WO contrast") -> Json:
    return {
        "resourceType": "ServiceRequest",
        "id": "draft-1",
        "status": "draft",
        "intent": "order",
        "code": {
            "coding": [{"system": "http://loinc.org", "code": "36510-6", "display": text}],
            "text": text,
        },
        "subject": {"reference": f"Patient/{PATIENT}"},
    }


def knee_order(hook: str = "order-sign", /, text: str = "MR Knee - right WO contrast") -> Json:
    """Return a request with the MRI of a knee that hurts and is not locked: a warning can remove it."""
    knee = {
        "resourceType": "Condition",
        "id": "c-knee",
        "code": {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "M25.561"}]},
        "subject": {"reference": f"Patient/{PATIENT}"},
        "onsetDateTime": "2026-06-25",
    }
    own = "https://heavy-legs-cds.example/fhir/CodeSystem/heavy-legs"
    locked = {
        "resourceType": "Observation",
        "id": "o-locked",
        "status": "final",
        "code": {"coding": [{"system": own, "code": "knee-locked-cannot-extend"}]},
        "subject": {"reference": f"Patient/{PATIENT}"},
        "effectiveDateTime": "2026-11-21",
        "valueBoolean": False,
    }
    empty = ("laboratory", "vitals", "diagnosticReports", "procedures", "serviceRequests", "devices")
    nothing: Json = {key: bundle() for key in (*empty, "medicationRequests", "questionnaireResponses")}
    found = request(hook, prefetch={**nothing, "conditions": bundle(knee), "findings": bundle(locked)})
    found["context"]["draftOrders"] = bundle(knee_mri(text))
    if hook == "order-select":
        found["context"]["selections"] = ["ServiceRequest/draft-1"]
    return found


def request(hook: str = "patient-view", /, prefetch: Any = ..., **members: Any) -> Json:
    """Return a good request: a potassium of 2.4, for which there is a critical card at patient-view.

    A member given as `...` is left out; `prefetch` replaces single keys of the good one.
    """
    context: Json = {"userId": "Practitioner/doc-Q7xk", "patientId": PATIENT}
    if hook.startswith("order-"):
        context["draftOrders"] = bundle()
    if hook == "order-select":
        context["selections"] = []
    if hook == "encounter-start":
        context["encounterId"] = "visit-Q7xk"
    brought: Any = {
        "patient": patient(),
        "conditions": bundle(),
        "laboratory": bundle(potassium()),
    }
    if isinstance(prefetch, Mapping):
        brought = {key: one for key, one in {**brought, **prefetch}.items() if one is not ...}
    elif prefetch is not ...:
        brought = prefetch
    whole = {
        "hook": hook,
        "hookInstance": INSTANCE,
        "context": context,
        "prefetch": brought,
        "extension": {"org.heavylegs.now": NOW},
        **members,
    }
    return {key: value for key, value in whole.items() if value is not ...}


def with_context(hook: str = "patient-view", /, **changed: Any) -> Json:
    whole = request(hook)
    context = {**whole["context"], **changed}
    return {**whole, "context": {key: one for key, one in context.items() if one is not ...}}


def address(hook: str = "patient-view") -> str:
    return f"/cds-services/heavy-legs-{hook}"


def post(client: FlaskClient, body: Any, hook: str = "patient-view", **more: Any) -> TestResponse:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return client.post(address(hook), data=raw, content_type="application/json", **more)


def answered(response: TestResponse) -> Json:
    """Check what every answer has in common, HL7's models and invariants among it; return its body."""
    assert response.status_code == 200, response.text
    assert response.mimetype == "application/json"
    found: Json = json.loads(response.data)
    for member, model in (("cards", "response"), ("services", "services")):
        if member in found:
            assert list(logical_models.problems(model, found)) == []
            assert list(logical_models.broken(model, found)) == []
    return found


def refused(response: TestResponse, status: int, *secrets: str) -> Json:
    """Check the one form of an error, and that nothing of the request is in it; return its issue."""
    assert response.status_code == status, response.text
    assert response.mimetype == "application/json"
    found: Json = json.loads(response.data)
    assert found.keys() == {"resourceType", "issue"}
    assert found["resourceType"] == "OperationOutcome"
    (issue,) = found["issue"]
    assert (issue["severity"], issue["code"]) == ("error", ISSUES[status])
    assert issue["diagnostics"]
    assert list(empties(found)) == []
    OperationOutcome.model_validate(found)
    for secret in (NAME, PATIENT, "doc-Q7xk", "1955-03-04", *secrets):
        assert secret not in response.text
    return dict(issue)


def walk(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every value of a JSON document with its path."""
    yield path, value
    if isinstance(value, dict):
        for key, one in value.items():
            yield from walk(one, f"{path}.{key}")
    elif isinstance(value, list):
        for number, one in enumerate(value):
            yield from walk(one, f"{path}.{number}")


def empties(document: Any) -> Iterator[str]:
    """Every path at which stands null, an empty text, list or object."""
    for path, value in walk(document):
        if value is None or value in ("", [], {}):
            yield path


def rule(body: Json, name: str) -> Json:
    """What the evaluation says of one rule."""
    (found,) = (one for one in body["extension"]["org.heavylegs.evaluation"] if one["id"] == name)
    return dict(found)
