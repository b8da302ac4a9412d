"""Whom the service asks, what, and with which token."""

import json
from collections.abc import Iterator

import pytest
import requests

from tests.conformance.calls import NAME, PATIENT, request
from tests.ehr_client import canned, fault_proxy, faults, habits
from tests.ehr_client.fault_proxy import Answer
from tests.ehr_client.habits import Paging
from tests.ehr_client.staging import TOKEN, Stage, called, staged

pytestmark = pytest.mark.server


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Return the service and its servers."""
    with staged(tmp_path_factory.mktemp("faults")) as running:
        yield running


@pytest.mark.requirement(23)
def test_a_server_that_is_not_the_clients_is_not_asked(stage: Stage) -> None:
    stage.elsewhere.behave(fault_proxy.well_behaved)
    answered = called(stage, fhirServer=stage.elsewhere.base)
    assert answered.status == 412
    assert "none that may be asked for this client" in answered.body["issue"][0]["diagnostics"]
    assert stage.elsewhere.asked == []


@pytest.mark.requirement(21, 22)
def test_an_expired_token_is_not_sent(stage: Stage) -> None:
    stage.server.behave(fault_proxy.well_behaved)
    expired = {
        "access_token": TOKEN,
        "token_type": "Bearer",
        "expires_in": 0,
        "scope": "",
        "subject": "heavy-legs",
    }
    answered = called(stage, fhirAuthorization=expired)
    assert answered.status == 412
    assert "has expired" in answered.body["issue"][0]["diagnostics"]
    assert stage.server.asked == []


@pytest.mark.requirement(22)
def test_an_open_server_is_asked_without_a_token(stage: Stage) -> None:
    stage.server.behave(fault_proxy.well_behaved)
    assert called(stage, fhirAuthorization=...).warns
    assert all("authorization" not in one.headers for one in stage.server.asked)
    # A server that needs no token was asked and has answered: nothing is wrong with the EHR's address.
    assert "neither prefetch" not in stage.service.log()


@pytest.mark.requirement(23)
def test_what_is_asked_is_what_is_published(stage: Stage) -> None:
    stage.server.behave(fault_proxy.well_behaved)
    called(stage)
    (service,) = (
        one
        for one in requests.get(stage.service.discovery, timeout=20).json()["services"]
        if one["hook"] == "patient-view"
    )
    published = {
        "/fhir/" + template.replace("{{context.patientId}}", PATIENT)
        for key, template in service["prefetch"].items()
        if key != "encounter"  # the context names none: that query cannot be filled
    }
    assert {one.target for one in stage.server.asked} == published
    assert {one.headers["accept"] for one in stage.server.asked} == {
        "application/fhir+json, application/json;q=0.9"
    }
    assert all("cookie" not in one.headers for one in stage.server.asked)


@pytest.mark.requirement(14, 24)
def test_nothing_is_asked_when_nothing_is_missing(stage: Stage) -> None:
    stage.server.behave(fault_proxy.well_behaved)
    everything = {**request()["prefetch"]} | {
        key: {"resourceType": "Bundle", "type": "searchset"}
        for key in (
            *("specimens", "vitals", "findings", "medicationRequests", "medicationRequestsEnded"),
            *("medicationStatements", "procedures", "serviceRequests", "diagnosticReports"),
            *("devices", "questionnaireResponses"),
        )
    }
    assert called(stage, everything).status == 200
    assert stage.server.asked == []


@pytest.mark.requirement(14)
def test_a_list_that_prefetch_began_is_read_to_its_end(stage: Stage) -> None:
    stage.server.behave(habits.paging(Paging(), stage.server.base))
    query = f"{stage.server.base}/Observation?patient={PATIENT}&category=laboratory"
    first = requests.get(query, timeout=20).json()
    stage.server.asked = []

    answered = called(stage, {"laboratory": first})

    assert "laboratory" not in answered.why
    assert answered.warns
    assert not any(canned.is_laboratory(one) for one in stage.server.asked)  # only the further pages
    assert len([one for one in stage.server.asked if "_getpages" in one.target]) == 2


@pytest.mark.requirement(14)
def test_a_list_that_cannot_be_read_on_stays_as_it_was_sent(stage: Stage) -> None:
    stage.server.behave(habits.paging(Paging(), stage.server.base))
    query = f"{stage.server.base}/Observation?patient={PATIENT}&category=laboratory"
    first = requests.get(query, timeout=20).json()
    stage.server.behave(lambda *_: Answer(500))
    sent = {
        "laboratory": first,
        **{key: request()["prefetch"][key] for key in ("patient", "conditions")},
    }

    answered = called(stage, sent)

    assert answered.why["laboratory"] == "server-error"
    assert answered.warns


def test_the_audit_has_the_reasons(stage: Stage) -> None:
    stage.server.behave(faults.laboratory(faults.web_page))
    called(stage)
    raw = b"".join(path.read_bytes() for path in stage.service.audit.parent.glob("audit.sqlite3*"))
    assert json.dumps({"what": "laboratory", "why": "not-fhir"}, separators=(",", ":")).encode() in raw
    assert TOKEN.encode() not in raw
    assert NAME.encode() not in raw
