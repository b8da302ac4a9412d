"""Every shape of a prefetch key over HTTP, and when it ends in 412 (requirements, section D)."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from cds_service.hooks.encoding import NOT_READ
from tests.conformance.calls import (
    NAME,
    answered,
    bundle,
    outcome,
    patient,
    post,
    potassium,
    refused,
    request,
    rule,
)

RULE = "k-01-low-potassium"
NEXT = [{"relation": "next", "url": "https://elsewhere.example/fhir?page=2"}]
NOT_FHIR: list[Any] = [{}, {"x": NAME}, {"resourceType": 5}, {"resourceType": "Bundle", "entry": NAME}]
FAILED: list[Any] = [
    outcome("error"),
    outcome("warning"),
    bundle(outcome("error")),
    bundle(outcome("fatal")),
]
EPIC_EMPTY = {
    "resourceType": "Bundle",
    "type": "searchset",
    "total": 0,
    "entry": [{"resource": outcome("warning"), "search": {"mode": "outcome"}}],
}
EMPTY: list[Any] = [None, {"resourceType": "Bundle"}, bundle(), bundle(total=0), EPIC_EMPTY]


@pytest.mark.requirement(15)
@pytest.mark.parametrize(
    "value", [..., None, *EMPTY, *FAILED, *NOT_FHIR, {"resourceType": "Practitioner"}]
)
def test_without_the_patient_there_is_no_answer(client: FlaskClient, value: Any) -> None:
    issue = refused(post(client, request(prefetch={"patient": value})), 412)
    assert issue["expression"] == ["prefetch.patient"]


@pytest.mark.requirement(15, "D")
@pytest.mark.parametrize("value", [..., *FAILED, *NOT_FHIR])
def test_without_conditions_there_is_no_answer(client: FlaskClient, value: Any) -> None:
    issue = refused(post(client, request(prefetch={"conditions": value})), 412)
    assert issue["expression"] == ["prefetch.conditions"]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (..., "the key is missing from prefetch"),
        (outcome("error"), "an OperationOutcome was delivered"),
        (bundle(outcome("error")), "an OperationOutcome was delivered"),
        ({"not": "fhir"}, "is no FHIR resource"),
    ],
)
def test_a_412_says_what_happened_to_the_key_and_what_to_send(
    client: FlaskClient, value: Any, said: str
) -> None:
    told = refused(post(client, request(prefetch={"conditions": value})), 412)["diagnostics"]

    assert said in told
    assert "an empty Bundle" in told


def test_whoever_sends_neither_is_told_of_both_and_of_the_way_that_needs_neither(
    client: FlaskClient,
) -> None:
    whole = {**request(), "prefetch": {}}
    told = refused(post(client, whole), 412)["diagnostics"]
    assert "prefetch.patient" in told
    assert "`conditions` is wanting too" in told
    assert "enter the FHIR server" in told


def test_a_key_that_is_not_published_is_said_to_caller_and_operator(
    client: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    misspelt = {"laboratory": ..., "Laboratory": bundle(potassium()), "Erika Sentinelmann": bundle()}
    with caplog.at_level("WARNING"):
        body = answered(post(client, request(prefetch=misspelt)))

    assert {"what": "Laboratory", "reason": "not-a-published-key"} in body["extension"][NOT_READ]
    assert "that it does not publish: Laboratory, (not a name)" in caplog.text
    assert "Sentinelmann" not in caplog.text


@pytest.mark.requirement(15, "D")
@pytest.mark.parametrize("value", EMPTY)
def test_no_conditions_are_an_answer(client: FlaskClient, value: Any) -> None:
    assert answered(post(client, request(prefetch={"conditions": value})))["cards"]


@pytest.mark.requirement(15)
@pytest.mark.parametrize("value", [..., None, {}])
def test_without_any_prefetch_there_is_no_answer(client: FlaskClient, value: Any) -> None:
    whole = {**request(), "prefetch": value}
    if value is ...:
        del whole["prefetch"]
    refused(post(client, whole), 412)


@pytest.mark.requirement(14, "D")
@pytest.mark.parametrize("value", [..., *EMPTY, *FAILED, *NOT_FHIR, {"resourceType": "Practitioner"}])
def test_anything_else_may_be_missing(client: FlaskClient, value: Any) -> None:
    body = answered(post(client, request(prefetch={"laboratory": value})))
    assert body["cards"] == []
    assert rule(body, RULE)["outcome"] == "unknown"


@pytest.mark.requirement(14, "D")
@pytest.mark.parametrize(
    "value",
    [
        bundle(potassium()),
        bundle(potassium(), total=1),
        bundle(potassium(), total=77),
        bundle(potassium(), link=NEXT),
        bundle(potassium(), outcome("warning")),
        bundle(*(potassium(number=number) for number in range(200))),
        bundle(*(potassium(number=number) for number in range(250))),
        potassium(),
        bundle({"resourceType": "Observation", "code": NAME}, potassium()),
        bundle(None, potassium()),
    ],
)
def test_what_came_counts_even_when_it_is_not_all(client: FlaskClient, value: Any) -> None:
    body = answered(post(client, request(prefetch={"laboratory": value})))
    assert rule(body, RULE)["outcome"] == "fires"


OTHER_CODE = {"code": {"coding": [{"system": "http://loinc.org", "code": "2345-7"}], "text": "Glucose"}}
DRAWN_LONG_AGO = {"effectiveDateTime": "2009-11-22T07:40:00Z"}


@pytest.mark.requirement(14)
@pytest.mark.parametrize(
    "changed",
    [
        {"status": "entered-in-error"},
        {"status": "cancelled"},
        {"status": "registered", "valueQuantity": None},
        OTHER_CODE,
        DRAWN_LONG_AGO,
        {"subject": {"reference": "Patient/other-Q7xk"}},
    ],
)
def test_nothing_is_taken_for_filtered(client: FlaskClient, changed: Any) -> None:
    """A query that an analyst typed in may bring all there is: status, code, day and patient count."""
    wrong = {**potassium(), **changed}
    body = answered(post(client, request(prefetch={"laboratory": bundle(wrong)})))
    assert rule(body, RULE)["outcome"] != "fires"
    both = answered(post(client, request(prefetch={"laboratory": bundle(wrong, potassium(number=2))})))
    assert rule(both, RULE)["outcome"] == "fires"


@pytest.mark.requirement(26, "D")
@pytest.mark.parametrize("value", [..., outcome("error"), bundle(outcome("fatal"))])
def test_what_could_not_be_evaluated_for_want_of_data_is_said_on_a_card(
    client: FlaskClient, value: Any
) -> None:
    """Heavy legs on walking, and the findings did not come: no error, which clients show as nothing."""
    claudication = {
        "resourceType": "Condition",
        "id": "c-walk",
        "code": {"coding": [{"system": "http://snomed.info/sct", "code": "161873000"}]},
        "onsetDateTime": "2026-10-08",
    }
    whole = request(prefetch={"conditions": bundle(claudication), "findings": value})
    cards = answered(post(client, whole))["cards"]
    assert [card for card in cards if "**Not known**" in card["detail"]]


@pytest.mark.requirement(11)
@pytest.mark.parametrize("key", ["patient", "conditions", "laboratory", "unheard-of"])
@pytest.mark.parametrize("value", [NAME, 5, -0.1, True, False, [], [patient()]])
def test_a_string_a_number_and_an_array_are_refused(client: FlaskClient, key: str, value: Any) -> None:
    issue = refused(post(client, request(prefetch={key: value})), 400)
    assert issue["expression"] == [f"prefetch.{key}"]


@pytest.mark.requirement(9)
def test_a_key_that_is_none_of_ours_is_ignored(client: FlaskClient) -> None:
    assert answered(post(client, request(prefetch={"unheard-of": bundle(potassium(1.0))})))["cards"]


@pytest.mark.requirement(15)
def test_a_patient_in_a_bundle_will_do(client: FlaskClient) -> None:
    assert answered(post(client, request(prefetch={"patient": bundle(patient())})))["cards"]


def test_412_is_said_in_production_too(sober: FlaskClient) -> None:
    refused(post(sober, request(prefetch={"patient": None})), 412)
