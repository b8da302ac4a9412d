"""The hook request over HTTP: requirements A and C. The envelope's rules in full: tests/unit/hooks."""

import json
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.conformance.calls import (
    HOOKS,
    NAME,
    PATIENT,
    address,
    answered,
    post,
    refused,
    request,
    with_context,
)
from tests.conformance.conftest import MakeApp

AUTHORIZATION = {
    "access_token": "token-Sentinelmann",
    "token_type": "Bearer",
    "expires_in": 300,
    "scope": "patient/*.read",
    "subject": "client-Sentinelmann",
    "patient": PATIENT,
}


@pytest.mark.requirement(10, 25)
@pytest.mark.parametrize("hook", HOOKS)
def test_a_good_request_is_answered(client: FlaskClient, hook: str) -> None:
    assert "cards" in answered(post(client, request(hook), hook))


@pytest.mark.requirement(10)
def test_the_patient_with_a_potassium_of_2_4_gets_a_card(client: FlaskClient) -> None:
    (card,) = answered(post(client, request()))["cards"]
    assert card["indicator"] == "critical"
    assert "2.4 mmol/L" in card["summary"]


@pytest.mark.requirement(10, 11)
@pytest.mark.parametrize("value", [..., None, "", 5, [], {}, [NAME], {"more": NAME}])
@pytest.mark.parametrize("where", ["hook", "hookInstance", "context"])
def test_what_is_required_is_there_and_of_its_type(client: FlaskClient, where: str, value: Any) -> None:
    """What a context must hold: test_hooks.py."""
    issue = refused(post(client, request("order-select", **{where: value}), "order-select"), 400)
    assert where in f"{issue['diagnostics']} {issue['expression']}"
    assert issue["expression"][0].split(".")[0] in (where, "the body")


@pytest.mark.requirement(11)
def test_the_hook_is_the_one_of_the_service(client: FlaskClient) -> None:
    issue = refused(post(client, request("order-sign"), "patient-view"), 400)
    assert issue["expression"] == ["hook"]
    assert "patient-view" in issue["diagnostics"]


@pytest.mark.requirement(10, 11)
def test_an_authorization_without_a_server_is_refused(client: FlaskClient) -> None:
    issue = refused(post(client, request(fhirAuthorization=AUTHORIZATION)), 400)
    assert "fhirServer" in issue["diagnostics"]


@pytest.mark.requirement(21, 22)
def test_a_request_with_an_authorization_is_answered_without_repeating_it(client: FlaskClient) -> None:
    whole = request(fhirServer="https://ehr.example/fhir", fhirAuthorization=AUTHORIZATION)
    found = post(client, whole)
    assert answered(found)["cards"]
    assert NAME not in found.text


@pytest.mark.requirement(21, 64)
@pytest.mark.parametrize(
    "scope",
    ["patient/*.read", "patient/*.rs", "user/Observation.rs?category=laboratory", "PATIENT.READ", ""],
)
def test_nothing_depends_on_how_a_scope_is_written(client: FlaskClient, scope: str) -> None:
    """SMART v1, SMART v2 as 3.0 has it, and Epic's names of APIs."""
    whole = request(
        fhirServer="https://ehr.example/fhir", fhirAuthorization={**AUTHORIZATION, "scope": scope}
    )
    assert answered(post(client, whole))["cards"] == answered(post(client, whole))["cards"] != []


@pytest.mark.requirement(21)
@pytest.mark.parametrize("member", ["access_token", "token_type", "expires_in", "scope", "subject"])
@pytest.mark.parametrize("value", [..., None, True, {}])
def test_an_authorization_is_whole_and_of_its_types(
    client: FlaskClient, member: str, value: Any
) -> None:
    given = {**AUTHORIZATION, member: value}
    given = {name: one for name, one in given.items() if one is not ...}
    whole = request(fhirServer="https://ehr.example/fhir", fhirAuthorization=given)
    issue = refused(post(client, whole), 400, "token-Sentinelmann")
    assert member in f"{issue['diagnostics']} {issue['expression']}"


CALL = "17171717-0000-4000-8000-000000000017"


@pytest.mark.requirement(13, 22)
def test_the_call_is_written_down_and_the_token_is_not(make_app: MakeApp) -> None:
    app = make_app()
    whole = request(
        hookInstance=CALL,
        fhirServer="https://ehr.example/fhir",
        fhirAuthorization={**AUTHORIZATION, "patient": PATIENT},
    )
    assert answered(post(app.test_client(), whole))["cards"]
    refused(post(app.test_client(), {**whole, "hook": "order-sign"}), 400)
    rows = [bytes(body) for (body,) in app.extensions["cds"].audit.select("SELECT body FROM rows")]
    assert [json.loads(row)["hookInstance"] for row in rows if CALL.encode() in row] == [CALL]
    assert len(rows) > 1
    for row in rows:
        assert b"Sentinelmann" not in row  # in token and subject


@pytest.mark.requirement(23)
def test_an_authorization_for_another_patient_is_forbidden(client: FlaskClient) -> None:
    other = {**AUTHORIZATION, "patient": "other-Q7xk"}
    whole = request(fhirServer="https://ehr.example/fhir", fhirAuthorization=other)
    issue = refused(post(client, whole), 403, "other-Q7xk")
    assert issue["expression"] == ["fhirAuthorization.patient"]


@pytest.mark.requirement(3, 87, 88)
def test_epics_extension_and_unknown_members_change_nothing(client: FlaskClient) -> None:
    plain = answered(post(client, request()))["cards"]
    epic = {
        "org.heavylegs.now": "2026-11-22T12:00:00Z",
        "com.epic.cdshooks.request.bpa-trigger-action": "60",
        "com.epic.cdshooks.request.cds-hooks-specification-version": "1.1",
        "com.epic.cdshooks.request.fhir-version": "R4",
        "internal-id": {"a": [1, {"b": None}]},
    }
    whole = request(extension=epic, user="Practitioner/1", unheard={"of": [1]})
    whole["context"]["more"] = [1]
    assert [one["summary"] for one in answered(post(client, whole))["cards"]] == [
        one["summary"] for one in plain
    ]


@pytest.mark.requirement(11, 13)
@pytest.mark.parametrize(
    "instance", ["x", "a5da1d57-4d5e-11ee-be56-0242ac120002", "not a uuid", "0" * 500]
)
def test_any_hook_instance_will_do(client: FlaskClient, instance: str) -> None:
    assert answered(post(client, request(hookInstance=instance)))["cards"]


@pytest.mark.requirement(89)
@pytest.mark.parametrize(
    "user", ["PractitionerRole/1", "Practitioner/1", "Patient/1", "RelatedPerson/1"]
)
def test_each_kind_of_user_gets_an_answer(client: FlaskClient, user: str) -> None:
    assert "cards" in answered(post(client, with_context(userId=user)))


@pytest.mark.requirement(12)
@pytest.mark.parametrize(
    "name", ["heavy-legs", "heavy-legs-patient-view2", "Sentinelmann", "a%2Fb", "%00"]
)
def test_an_unknown_service_is_not_found_and_the_known_ones_are_named(
    client: FlaskClient, name: str
) -> None:
    found = client.post(f"/cds-services/{name}", data=json.dumps(request()))
    issue = refused(found, 404)
    if "%2F" not in name:
        for hook in HOOKS:
            assert f"heavy-legs-{hook}" in issue["diagnostics"]


@pytest.mark.requirement(12)
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
@pytest.mark.parametrize("path", [address(), address() + "/feedback"])
def test_a_service_is_posted_to(client: FlaskClient, method: str, path: str) -> None:
    found = client.open(path, method=method, data=b"{}")
    refused(found, 405)
    assert "POST" in found.headers["Allow"]


@pytest.mark.requirement(12)
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_discovery_is_got(client: FlaskClient, method: str) -> None:
    found = client.open("/cds-services", method=method, data=b"{}")
    issue = refused(found, 405)
    assert "GET" in found.headers["Allow"]
    assert issue["diagnostics"].endswith("; GET it")


@pytest.mark.requirement(12)
@pytest.mark.parametrize(
    "content_type",
    [
        "application/fhir+json",
        "application/json+fhir; charset=utf-8",
        "Application/JSON",
        "",
        "application/json; charset=utf-8",
        "application/json; charset=iso-8859-1",
    ],
)
def test_json_by_any_of_its_names_is_read(client: FlaskClient, content_type: str) -> None:
    found = client.post(address(), data=json.dumps(request()), content_type=content_type)
    assert answered(found)["cards"]
    assert answered(client.post(address(), data=json.dumps(request())))["cards"]


@pytest.mark.requirement(1, 12)
@pytest.mark.parametrize("path", ["", "/feedback"])
@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "text/json", "x/y"],
)
def test_a_body_that_does_not_call_itself_json_is_refused_by_name(
    client: FlaskClient, path: str, content_type: str
) -> None:
    found = client.post(address() + path, data=json.dumps(request()), content_type=content_type)
    issue = refused(found, 400)
    assert issue["expression"] == ["Content-Type"]
    assert "send application/json" in issue["diagnostics"]


@pytest.mark.requirement(107)
def test_the_poorest_client_gets_an_answer(client: FlaskClient) -> None:
    # No extension, no authorization, patient and conditions alone.
    whole = request(extension=..., prefetch={"laboratory": ...})
    assert answered(post(client, whole))["cards"] == []
