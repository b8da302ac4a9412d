"""What is no FHIR server is said to be none; pages are followed, or it is said that some are missing."""

import json
from typing import Any

import pytest

from cds_service.as_ehr import fhir_server
from cds_service.as_ehr.fhir_server import FhirServer
from cds_service.failures import Failure
from tests.unit.as_ehr.answering import Said, answering

CAPABLE = {
    "resourceType": "CapabilityStatement",
    "fhirVersion": "4.0.1",
    "software": {"name": "Some\x1b[2J Server", "version": "1.2"},
}


def page(number: int, further: str = "", **more: Any) -> Said:
    link = [{"relation": "self", "url": "x"}]
    if further:
        link.append({"relation": "next", "url": further})
    entry = [{"resource": {"resourceType": "Observation", "id": str(number)}}]
    return Said(200, json.dumps({"resourceType": "Bundle", "link": link, "entry": entry, **more}))


def test_a_server_is_introduced_by_name_without_its_control_characters() -> None:
    with answering({"/metadata": Said(200, json.dumps(CAPABLE))}) as (base, _):
        assert FhirServer(base).introduced() == "Some [2J Server 1.2, FHIR 4.0.1"


@pytest.mark.parametrize(
    ("said", "message"),
    [
        (Said(200, "<html>", "text/html; charset=utf-8"), "/metadata answers 200, text/html and"),
        (Said(502, "<html>", "text/html"), "is no FHIR server: /metadata answers 502, text/html"),
        (Said(200, "[]"), "is no FHIR server"),
        (Said(200, '{"resourceType": "Patient"}'), "is no FHIR server: /metadata answers Patient"),
        (Said(301, "", "text/plain", "https://a.example/metadata"), "redirects to https://a.ex"),
        (Said(401, "{}"), "wants a token"),
        (Said(200, json.dumps({**CAPABLE, "fhirVersion": "5.0.0"})), "speaks FHIR 5.0.0, and"),
        (Said(200, json.dumps({**CAPABLE, "fhirVersion": "1.0.2"})), "speaks FHIR 1.0.2, and"),
    ],
)
def test_what_is_no_r4_server_is_said_to_be_none(said: Said, message: str) -> None:
    with answering({"/metadata": said}) as (base, _), pytest.raises(Failure) as failure:
        FhirServer(base).introduced()
    assert message in str(failure.value)


def test_where_nobody_listens_that_is_said() -> None:
    with answering({}) as (base, _):
        pass
    with pytest.raises(Failure, match="nobody answers"):
        FhirServer(base).introduced()


def test_pages_are_followed_on_the_servers_own_origin_with_the_token() -> None:
    answers = {
        "/fhir/Observation?patient=1": page(
            1, "https://elsewhere.example:444/fhir?_getpages=a&_offset=1"
        ),
        "/fhir?_getpages=a&_offset=1": page(2, "http://127.0.0.1:1/fhir?_getpages=a&_offset=2"),
        "/fhir?_getpages=a&_offset=2": page(3),
    }
    with answering(answers) as (base, asked):
        found = FhirServer(f"{base}/fhir", "secret").read("Observation?patient=1")
    assert (found.entries, found.pages, found.why) == (3, 3, "")
    assert found.body is not None
    assert [one["relation"] for one in found.body["link"]] == ["self"]
    assert {one.headers["Authorization"] for one in asked} == {"Bearer secret"}
    assert {one.headers["Cache-Control"] for one in asked} == {"no-cache"}


def test_a_page_that_is_gone_leaves_the_next_link_in() -> None:
    outcome = {"resourceType": "OperationOutcome", "issue": [{"diagnostics": "HAPI-0417: gone"}]}
    gone = json.dumps(outcome)
    answers = {"/Observation?a=1": page(1, "/?_getpages=a"), "/?_getpages=a": Said(410, gone)}
    with answering(answers) as (base, _):
        found = FhirServer(base).read("Observation?a=1")
    assert (found.entries, found.pages, found.why) == (1, 1, "page 2: 410 HAPI-0417: gone")
    assert found.body is not None
    assert [one["relation"] for one in found.body["link"]] == ["self", "next"]


def test_pages_without_an_end_are_cut_off_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fhir_server, "MOST_PAGES", 3)
    answers = {"/Observation?a=1": page(1, "/?again"), "/?again": page(2, "/?again")}
    with answering(answers) as (base, _):
        found = FhirServer(base).read("Observation?a=1")
    assert (found.pages, found.why) == (3, "page 4: there is no end to them")
    assert found.body is not None
    assert found.body["link"][-1]["relation"] == "next"


def test_numbers_stay_as_they_are_written() -> None:
    body = '{"resourceType": "Observation", "valueQuantity": {"value": 1.40}}'
    with answering({"/Observation/1": Said(200, body)}) as (base, asked):
        server = FhirServer(base)
        found = server.read("Observation/1")
        assert found.body is not None
        server.send(found.body)
    assert b'"value":1.40' in asked[-1].body


def test_a_refused_query_says_what_the_server_says() -> None:
    outcome = {"resourceType": "OperationOutcome", "issue": [{"details": {"text": "not \x07 allowed"}}]}
    with answering({"/Device?a=1": Said(403, json.dumps(outcome))}) as (base, _):
        found = FhirServer(base).read("Device?a=1")
    assert found == fhir_server.Found(None, 0, "403 not allowed")
