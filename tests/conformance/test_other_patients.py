"""What belongs to another patient is never used, and it is said that it was dropped (ARCHITECTURE 6)."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from flask import Flask
from flask.testing import FlaskClient

from cds_service.decision import History, Policy, answer
from cds_service.hooks import prefetch
from cds_service.hooks import request as requests
from tests.conformance.calls import (
    PATIENT,
    Json,
    answered,
    bundle,
    patient,
    post,
    potassium,
    refused,
    request,
    rule,
)

OTHERS = [
    "Patient/other-Q7xk",
    "https://ehr.example/fhir/Patient/other-Q7xk",
    "urn:uuid:0b2a1c3d-0000-4000-8000-0123456789ab",
    "Patient/other-Q7xk/_history/2",
    f"Patient/other-Q7xk/_history/{PATIENT}",
    "#contained-Q7xk",
    f"#{PATIENT}",
    f"Group/{PATIENT}",
    f"https://ehr.example/fhir/Group/{PATIENT}",
]
SAME = [
    f"Patient/{PATIENT}",
    f"https://ehr.example/fhir/Patient/{PATIENT}",
    f"urn:uuid:{PATIENT}",
    f"Patient/{PATIENT}/_history/2",
]


def of(reference: str) -> Json:
    return request(prefetch={"laboratory": bundle(potassium(subject={"reference": reference}))})


@pytest.mark.parametrize("reference", OTHERS)
def test_a_result_of_another_patient_raises_no_card(client: FlaskClient, reference: str) -> None:
    found = post(client, of(reference))
    body = answered(found)
    assert body["cards"] == []
    assert rule(body, "k-01-low-potassium")["outcome"] != "fires"
    assert "other-Q7xk" not in found.text


@pytest.mark.parametrize("reference", SAME)
def test_a_result_of_this_patient_does(client: FlaskClient, reference: str) -> None:
    assert answered(post(client, of(reference)))["cards"]


def test_a_result_of_another_patient_does_not_spoil_the_others(client: FlaskClient) -> None:
    other = potassium(
        3.9, number=2, subject={"reference": OTHERS[0]}, effectiveDateTime="2026-11-22T09:00:00Z"
    )
    body = answered(post(client, request(prefetch={"laboratory": bundle(other, potassium())})))
    assert "2.4 mmol/L" in body["cards"][0]["summary"]


@pytest.mark.parametrize("reference", OTHERS)
def test_it_is_said_that_something_was_dropped(app: Flask, reference: str) -> None:
    rule_base = app.extensions["cds"].rule_base
    service = rule_base.services["heavy-legs-patient-view"]
    read = requests.parse(msgspec.json.encode(of(reference)), service=service.id, hook=service.hook)
    evidence = prefetch.read(read.prefetch, service.prefetch, PATIENT)
    now = datetime(2026, 11, 22, 12, tzinfo=UTC)
    decision = answer(read.question, evidence, rule_base, now, UTC, History(), Policy())
    assert ("laboratory", "other-patient: 1 dropped") in decision.facts.undelivered


@pytest.mark.parametrize(
    "other",
    [
        patient(id="other-Q7xk"),
        bundle(patient(id="other-Q7xk")),
        bundle(patient(), patient(id="other-Q7xk")),
        patient(id=PATIENT.lower()),
    ],
)
def test_the_patient_of_somebody_else_is_forbidden(client: FlaskClient, other: Any) -> None:
    issue = refused(post(client, request(prefetch={"patient": other})), 403, "other-Q7xk")
    assert issue["expression"] == ["prefetch.patient.id"]
