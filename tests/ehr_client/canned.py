"""A record and the FHIR searches on it that the published templates need, canned."""

import json
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlsplit

from tests.conformance.calls import NOW, PATIENT, bundle, patient, potassium
from tests.ehr_client.fault_proxy import Answer, Asked

Json = dict[str, Any]
LOINC = "http://loinc.org"
RESULTS = 50  # of the laboratory, a day apart, the newest first
DOUBTFUL = "doubt-Q7xk"  # a patient whose record is never found


def records() -> dict[str, list[Json]]:
    """Return the record by resource type: a potassium of 2.4 today, a creatinine on the last page."""
    today = date.fromisoformat(NOW[:10])
    older = [
        potassium(4.1, number=number, effectiveDateTime=f"{today - timedelta(days=number)}T07:00:00Z")
        for number in range(2, RESULTS)
    ]
    last = potassium(
        90,
        number=RESULTS,
        id="creatinine",
        code={"coding": [{"system": LOINC, "code": "14682-9"}], "text": "Creatinine"},
        effectiveDateTime=f"{today - timedelta(days=RESULTS)}T07:00:00Z",
        valueQuantity={
            "value": 90,
            "unit": "umol/L",
            "system": "http://unitsofmeasure.org",
            "code": "umol/L",
        },
    )
    return {"Patient": [patient()], "Observation": [potassium(), *older, last]}


def answered(asked: Asked) -> Answer:
    """Answer a read, or a search, all of it on one page."""
    kind, _, identity = asked.path.removeprefix("/fhir/").partition("/")
    found = records().get(kind, [])
    if identity:
        read = next((one for one in found if one["id"] == identity), None)
        return _json(read) if read else Answer(404, b'{"resourceType":"OperationOutcome","issue":[]}')
    category = asked.parameters.get("category", "laboratory")
    if asked.parameters.get("patient") != PATIENT or "laboratory" not in category:
        found = []
    return _json(searchset(found))


def searchset(found: list[Json], **more: Any) -> Json:
    """Return a search result as servers write it."""
    made = bundle(*found, total=len(found), **more)
    for entry in made["entry"]:
        one = entry["resource"]
        entry |= {
            "fullUrl": f"http://server/fhir/{one['resourceType']}/{one['id']}",
            "search": {"mode": "match"},
        }
    return made


def _json(body: Json) -> Answer:
    return Answer(body=json.dumps(body).encode())


def is_laboratory(asked: Asked) -> bool:
    """Whether a request is for the laboratory results, the list on which the faults are tried."""
    return "category=laboratory" in (urlsplit(asked.target).query or "")
