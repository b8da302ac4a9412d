"""HL7's logical models and their invariants: every answer holds to them, and each spoilt one is found.

`calls.answered` checks every answer of this suite in the same way.
"""

import copy
import json
from typing import Any

import pytest
from flask.testing import FlaskClient

from cds_service.hooks.encoding import NOT_READ
from tests.conformance import logical_models
from tests.conformance.calls import Json, answered, knee_order, post, request
from tests.conformance.conftest import Call

CARD = "4e0a3a1e-3283-4575-ab82-028d55fe2719"
TOKEN: Json = {
    "access_token": "t",
    "token_type": "Bearer",
    "expires_in": 300,
    "scope": "patient/*.read",
    "subject": "s",
    "patient": "p",
}
FEEDBACK: Json = {
    "feedback": [
        {"card": CARD, "outcome": "accepted", "acceptedSuggestions": [{"id": CARD}]}
        | {"outcomeTimestamp": "2026-11-22T12:01:00Z"},
        {"card": CARD, "outcome": "overridden", "outcomeTimestamp": "2026-11-22T12:01:00.5Z"}
        | {"overrideReason": {"userComment": "c"}},
    ]
}
CODING: Json = {"system": "https://x.example", "code": "c", "display": "d"}
LINKS: list[Json] = [
    {"label": "l", "url": "https://x.example/a", "type": "absolute"},
    {"label": "l", "url": "https://x.example/a", "type": "smart", "appContext": "x"},
]


@pytest.fixture
def card(client: FlaskClient) -> Json:
    """Return a card of ours, with links beside what it has."""
    found: Json = answered(post(client, knee_order(), "order-sign"))["cards"][0]
    assert found["suggestions"]
    assert found["overrideReasons"]
    return {**copy.deepcopy(found), "links": copy.deepcopy(LINKS)}


def spoilt(found: Json, path: str, value: Any) -> Json:
    *before, last = [int(one) if one.isdigit() else one for one in path.split(".")]
    here: Any = found
    for step in before:
        here = here[step]
    if value is ...:
        del here[last]
    else:
        here[last] = value
    return found


SUGGESTED = [{"label": "a", "isRecommended": True}, {"label": "b", "isRecommended": True}]
ACTIONS = "suggestions.0.actions.0"


@pytest.mark.requirement(33, 34, 36, 38, 40)
@pytest.mark.parametrize(
    ("key", "changes"),
    [
        ("cds-resp-1", {"selectionBehavior": "at-most-one", "suggestions": SUGGESTED}),
        ("cds-resp-2", {f"{ACTIONS}.type": "delete", f"{ACTIONS}.resourceId": ...}),
        ("cds-resp-2", {f"{ACTIONS}.type": "delete", f"{ACTIONS}.resource": {"resourceType": "Task"}}),
        ("cds-resp-3", {"links.0.appContext": "x"}),
        ("cds-resp-4", {"overrideReasons.1.display": ...}),
        ("cds-resp-5", {f"{ACTIONS}.description": ...}),
        ("cds-resp-6", {"selectionBehavior": ...}),
        ("cds-resp-7", {"suggestions.0.actionSelectionBehavior": "some"}),
    ],
)
def test_each_invariant_of_a_response_finds_a_spoilt_card(
    card: Json, key: str, changes: dict[str, Any]
) -> None:
    assert list(logical_models.broken("response", {"cards": [card]})) == []
    for path, value in changes.items():
        spoilt(card, path, value)
    assert {one.partition(" ")[0] for one in logical_models.broken("response", {"cards": [card]})} == {
        key
    }


@pytest.mark.requirement(45)
@pytest.mark.parametrize(
    ("key", "path", "value"),
    [
        ("cds-fb-1", "feedback.1.outcome", "ignored"),
        ("cds-fb-2", "feedback.0.acceptedSuggestions", ...),
        ("cds-fb-3", "feedback.1.overrideReason", {"extension": {"x": 1}}),
    ],
)
def test_each_invariant_of_feedback_finds_a_spoilt_entry(key: str, path: str, value: Any) -> None:
    assert list(logical_models.broken("feedback", FEEDBACK)) == []
    wrong = spoilt(copy.deepcopy(FEEDBACK), path, value)
    assert {one.partition(" ")[0] for one in logical_models.broken("feedback", wrong)} == {key}


@pytest.mark.requirement(10, 21)
def test_each_invariant_of_a_request_finds_a_spoilt_one() -> None:
    whole = request(fhirServer="https://ehr.example/fhir", fhirAuthorization=TOKEN)
    assert list(logical_models.broken("request", whole)) == []
    del whole["fhirServer"]
    whole["fhirAuthorization"] = {**TOKEN, "scope": "Patient/*.read"}
    del whole["fhirAuthorization"]["patient"]
    assert list(logical_models.broken("request", whole)) == [
        "cds-r-1 at ",
        "cds-r-2 at fhirAuthorization",
    ]


def test_every_invariant_was_tried() -> None:
    numbers = {"cds-resp": 7, "cds-fb": 3, "cds-r": 2}
    wanted = [f"{name}-{number}" for name, last in numbers.items() for number in range(1, last + 1)]
    assert logical_models.invariants() == wanted


@pytest.mark.requirement(2, 25, 28, 29, 30, 32, 33, 34, 35, 38, 40)
def test_every_answer_to_every_patient_holds_to_model_and_invariants(every_call: list[Call]) -> None:
    found = {
        f"{call.patient} at {call.hook}": wrong
        for call in every_call
        if (
            wrong := [
                *logical_models.problems("response", call.body),
                *logical_models.broken("response", call.body),
            ]
        )
    }
    assert found == {}
    assert sum(len(call.body["cards"]) for call in every_call) > 500


@pytest.mark.parametrize(
    ("path", "value", "found"),
    [
        ("uuid", CARD.upper(), "cards.0.uuid is no uuid"),
        ("summary", ..., "cards.0.summary is missing"),
        ("summary", " ", "cards.0.summary is no string"),
        ("detail", None, "cards.0.detail is no markdown"),
        ("indicator", "success", "cards.0.indicator is none of info, warning, critical"),
        ("source", {}, "cards.0.source is no object, or empty"),
        ("source.url", "x.example", "cards.0.source.url is no url"),
        ("source.topic", {"code": "c"}, "cards.0.source.topic is no Coding"),
        ("suggestions", [], "cards.0.suggestions is empty"),
        ("suggestions", SUGGESTED[0], "cards.0.suggestions is no array"),
        ("suggestions.0.isRecommended", 1, "cards.0.suggestions.0.isRecommended is no boolean"),
        ("suggestions.0.actions", [], "cards.0.suggestions.0.actions is empty"),
        (f"{ACTIONS}.resource", "1", f"cards.0.{ACTIONS}.resource is no Resource"),
        (f"{ACTIONS}.resourceId", "/a", f"cards.0.{ACTIONS}.resourceId is no reference"),
        ("links.0.type", "relative", "cards.0.links.0.type is none of absolute, smart"),
        ("links.0.url", "/a", "cards.0.links.0.url is no url"),
        ("extension", {}, "cards.0.extension is no object, or empty"),
        ("extension", [{"url": "x"}], "cards.0.extension is no object, or empty"),
        ("hint", "h", "cards.0.hint is unknown"),
    ],
)
def test_the_model_of_a_response_finds_a_spoilt_card(
    card: Json, path: str, value: Any, found: str
) -> None:
    assert list(logical_models.problems("response", {"cards": [card]})) == []
    body = {"cards": [spoilt(card, path, value)]}
    assert list(logical_models.problems("response", body)) == [found]


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ([], "not an object"),
        ({}, "cards is missing"),
        ({"cards": None}, "cards is no array"),
        ({"cards": [], "systemActions": []}, "systemActions is empty"),
        ({"cards": [], "resourceType": "Bundle"}, "resourceType is unknown"),
    ],
)
def test_the_model_of_a_response_finds_a_spoilt_body(body: Any, found: str) -> None:
    assert list(logical_models.problems("response", {"cards": []})) == []
    assert list(logical_models.problems("response", body)) == [found]


@pytest.mark.requirement(5, 6)
def test_discovery_holds_to_its_model(client: FlaskClient) -> None:
    found = answered(client.get("/cds-services"))
    assert list(logical_models.problems("services", found)) == []
    del found["services"][0]["description"]
    found["services"][1]["prefetch"]["patient"] = None
    assert list(logical_models.problems("services", found)) == [
        "services.0.description is missing",
        "services.1.prefetch is no map of string",
    ]


@pytest.mark.requirement("patient-view", "encounter-start", "order-select", "order-sign")
def test_the_requests_of_the_demonstration_hold_to_the_models_of_request_and_context(
    every_call: list[Call],
) -> None:
    """What is answered with 200 below is what a conforming client sends."""
    found = {
        f"{call.patient} at {call.hook}": wrong
        for call in every_call
        if (
            wrong := [
                *logical_models.problems("request", call.request),
                *logical_models.broken("request", call.request),
                *logical_models.problems(call.hook, call.request["context"]),
            ]
        )
        and wrong != ["selections is empty"]  # a patient without a draft order
    }
    assert found == {}


@pytest.mark.requirement(2, 62)
def test_an_answer_that_names_what_was_not_read_holds_to_the_model_too(client: FlaskClient) -> None:
    whole = request(prefetch={"Laboratory": None, "laboratory": {"resourceType": "Practitioner"}})
    body = answered(post(client, json.loads(json.dumps(whole))))
    assert body["extension"][NOT_READ]
    assert list(logical_models.problems("response", body)) == []
