"""Feedback over HTTP: requirements K. What is read of a body: tests/unit/hooks/test_feedback.py."""

import json
import logging
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.conformance import logical_models
from tests.conformance.calls import (
    HOOKS,
    NAME,
    address,
    answered,
    knee_order,
    post,
    refused,
    request,
)
from tests.conformance.conftest import MakeApp

WHEN = "2026-11-22T12:01:00Z"
COMMENT = f"{NAME} does not want it, ring 0123"


@pytest.fixture(scope="module")
def own(make_app: MakeApp) -> Flask:
    """Return an application of this module's own: feedback changes what is shown later."""
    return make_app()


@pytest.fixture
def caller(own: Flask) -> FlaskClient:
    return own.test_client()


def say(client: FlaskClient, *entries: Any, hook: str = "patient-view") -> TestResponse:
    return client.post(address(hook) + "/feedback", json={"feedback": entries})


def entry(**members: Any) -> dict[str, Any]:
    whole = {"card": "c-1", "outcome": "overridden", "outcomeTimestamp": WHEN, **members}
    return {key: value for key, value in whole.items() if value is not ...}


def stored(app: Flask) -> list[dict[str, Any]]:
    """Every feedback event of the audit log."""
    found = app.extensions["cds"].audit.select("SELECT body FROM rows ORDER BY row")
    events = [json.loads(body) for (body,) in found]
    return [event for event in events if event["kind"] == "feedback"]


def card(client: FlaskClient) -> dict[str, Any]:
    found: dict[str, Any] = answered(post(client, request()))["cards"][0]
    return found


REASON = {"code": "patient-refuses", "system": "http://terminology.hl7.org/x"}
GOOD: list[dict[str, Any]] = [
    entry(),
    entry(outcome="accepted", acceptedSuggestions=[{"id": "s-1"}, {"id": "s-2"}]),
    entry(overrideReason={"reason": {**REASON, "display": "Patient declines"}, "userComment": COMMENT}),
    entry(overrideReason={"reason": {"code": "patient-refuses"}}),
    entry(overrideReason={"userComment": COMMENT}),
    entry(overrideReasons={"reason": REASON, "extension": {"com.epic.cdshooks.x": "2"}}),
    entry(card="urn:not-a-uuid:17"),
    entry(card="4E0A3A1E-3283-4575-AB82-028D55FE2719", extension={"x": 1}),
    entry(overrideReason={"reason": {**REASON, "userSelected": True, "version": "1"}}),
    entry(overrideReason=None),
    entry(overrideReason={}, overrideReasons={}),
    entry(acceptedSuggestions=[]),
    entry(outcome="accepted", acceptedSuggestions=[{"id": "s-1", "extension": {"x": 1}}]),
    entry(outcomeTimestamp="2026-11-22T12:01:00.123456+01:00"),
]


@pytest.mark.requirement(45, 46, 47, 49)
@pytest.mark.parametrize("hook", HOOKS)
@pytest.mark.parametrize("one", GOOD)
def test_feedback_is_taken_and_answered_with_an_empty_object(
    caller: FlaskClient, hook: str, one: dict[str, Any]
) -> None:
    found = say(caller, one, hook=hook)
    assert answered(found) == {}


@pytest.mark.requirement(46)
def test_one_call_may_carry_several_cards(caller: FlaskClient, own: Flask) -> None:
    shown = [card(caller)["uuid"], answered(post(caller, request(hookInstance="x")))["cards"][0]["uuid"]]
    before = len(stored(own))
    assert answered(say(caller, *(entry(card=one) for one in shown))) == {}
    assert [one["card"] for one in stored(own)[before:]] == shown


@pytest.mark.requirement(46)
def test_the_same_again_changes_nothing(make_app: MakeApp) -> None:
    app = make_app()
    client = app.test_client()
    uuid = card(client)["uuid"]
    one = entry(card=uuid, overrideReason={"reason": REASON})
    for _ in range(3):
        assert answered(say(client, one)) == {}
    assert answered(say(client, one, one)) == {}
    found = app.extensions["cds"].audit.select("SELECT card FROM feedback")
    assert found == [(uuid,)]


@pytest.mark.requirement(45, 47)
@pytest.mark.parametrize(
    ("wrong", "where"),
    [
        (entry(card=...), "feedback.0"),
        (entry(outcome=NAME), "feedback.0.outcome"),
        (entry(outcomeTimestamp=[NAME]), "feedback.0.outcomeTimestamp"),
        (entry(outcome="accepted"), "feedback.0"),
        (NAME, "feedback.0"),
        (entry(overrideReason=NAME), "feedback.0.overrideReason"),
        (entry(card=NAME * 20), "feedback.0.card"),
    ],
)
def test_a_wrong_entry_is_refused_with_its_path(caller: FlaskClient, wrong: Any, where: str) -> None:
    assert refused(say(caller, wrong), 400)["expression"] == [where]


# What HL7's model of feedback refuses and we take, and why (requirement 49).
TOLERATED = {
    "cds-fb-3 at feedback.overrideReason",  # a dismissal without a reason is a dismissal
    "feedback.0.card is no uuid",  # Epic's examples
    "feedback.0.acceptedSuggestions.0.id is no uuid",
    "feedback.0.acceptedSuggestions.1.id is no uuid",
    "feedback.0.overrideReasons is unknown",  # Epic's name for it
    "feedback.0.overrideReason.reason is no Coding",  # without a system, or with more than we need
    "feedback.0.overrideReason is no object, or empty",
    "feedback.0.acceptedSuggestions is empty",
}


@pytest.mark.requirement(45, 49)
def test_what_is_taken_is_what_hl7s_model_allows_and_what_real_clients_send() -> None:
    found: set[str] = set()
    for one in GOOD:
        body = {"feedback": [one]}
        found |= {*logical_models.problems("feedback", body), *logical_models.broken("feedback", body)}
    assert found == TOLERATED


@pytest.mark.requirement(45)
@pytest.mark.parametrize(
    ("wrong", "key"),
    [
        (entry(outcome="ignored"), "cds-fb-1"),
        (entry(outcome="Accepted", acceptedSuggestions=[{"id": "s"}]), "cds-fb-1"),
        (entry(outcome="accepted"), "cds-fb-2"),
    ],
)
def test_what_hl7s_invariants_refuse_is_refused(
    caller: FlaskClient, wrong: dict[str, Any], key: str
) -> None:
    (broken,) = logical_models.broken("feedback", {"feedback": [wrong]})
    assert broken.startswith(key)
    refused(say(caller, wrong), 400)


@pytest.mark.requirement(46, 97)
def test_a_batch_may_carry_cards_of_several_calls_and_hooks(make_app: MakeApp) -> None:
    """As Epic sends them, late and together; each is joined with the call that showed it."""
    app = make_app()
    client = app.test_client()
    first = card(client)["uuid"]
    second = answered(post(client, request(hookInstance="another")))["cards"][0]["uuid"]
    order = answered(post(client, knee_order(), "order-sign"))["cards"][0]["uuid"]
    assert len({first, second, order}) == 3
    assert answered(say(client, *(entry(card=one) for one in (first, second, order)))) == {}
    joined = "SELECT feedback.card FROM feedback JOIN cards ON cards.card = feedback.card"
    assert {one for (one,) in app.extensions["cds"].audit.select(joined)} == {first, second, order}


@pytest.mark.requirement(46)
def test_the_same_card_may_be_reported_again_with_another_outcome(make_app: MakeApp) -> None:
    """Dismissed, thought better of, accepted: all three are kept, none is overwritten."""
    app = make_app()
    client = app.test_client()
    shown = card(client)
    taken = [{"id": shown["suggestions"][0]["uuid"]}]
    for one in (
        entry(card=shown["uuid"]),
        entry(card=shown["uuid"], outcomeTimestamp="2026-11-22T12:02:00Z"),
        entry(card=shown["uuid"], outcome="accepted", acceptedSuggestions=taken),
    ):
        assert answered(say(client, one)) == {}
    assert [(one["outcome"], one["card"]) for one in stored(app)] == [
        ("overridden", shown["uuid"]),
        ("overridden", shown["uuid"]),
        ("accepted", shown["uuid"]),
    ]


@pytest.mark.requirement(49, 97)
def test_epics_feedback_is_taken_whole(caller: FlaskClient, own: Flask) -> None:
    """Its documented shape: `overrideReasons`, an object; a card that is named by no UUID."""
    shown = card(caller)
    offered = next(one for one in shown["overrideReasons"])
    epic = entry(
        card=shown["uuid"],
        overrideReasons={
            "reason": {**offered, "display": "Patient declines"},
            "userComment": COMMENT,
            "extension": {
                "com.epic.cdshooks.feedback.overrideReason.code": "2",
                "com.epic.cdshooks.feedback.overrideReason.title": COMMENT,
            },
        },
    )
    before = len(stored(own))
    assert answered(say(caller, epic)) == {}
    (event,) = stored(own)[before:]
    assert (event["card"], event["outcome"], event["reason"]) == (
        shown["uuid"],
        "overridden",
        offered["code"],
    )
    assert NAME not in json.dumps(event)


def test_of_a_call_with_one_wrong_entry_nothing_is_stored(caller: FlaskClient, own: Flask) -> None:
    before = stored(own)
    refused(say(caller, entry(card="whole"), entry(card=...)), 400)
    assert stored(own) == before


@pytest.mark.requirement(45)
@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"{}", b'{"feedback": []}', b"\xff", b'{"feedback": {}}']
)
def test_what_is_no_feedback_is_refused(caller: FlaskClient, body: bytes) -> None:
    refused(caller.post(address() + "/feedback", data=body), 400)


def test_too_much_is_refused(caller: FlaskClient) -> None:
    assert answered(say(caller, *[entry()] * 500)) == {}
    refused(say(caller, *[entry()] * 501), 400)
    refused(caller.post(address() + "/feedback", data=b" " * (17 * 1024 * 1024)), 413)


def test_a_wrong_address_is_not_found(caller: FlaskClient) -> None:
    issue = refused(caller.post("/cds-services/heavy-legs/feedback", json={"feedback": [entry()]}), 404)
    assert "heavy-legs-patient-view" in issue["diagnostics"]


def test_cards_that_nobody_knows_are_stored_as_one_row_beside_those_that_were_shown(
    make_app: MakeApp,
) -> None:
    """Who makes cards up does not fill the disk with them; of real ones nothing is lost."""
    app = make_app()
    client = app.test_client()
    shown = card(client)
    made_up = [{"id": f"{number:070}"} for number in range(40)]
    taken = [{"id": shown["suggestions"][0]["uuid"]}, *made_up]
    entries = [
        entry(card=f"unheard-of-{number}", outcome="accepted", acceptedSuggestions=made_up)
        for number in range(498)
    ]
    real = [
        entry(card=shown["uuid"]),
        entry(card=shown["uuid"], outcome="accepted", acceptedSuggestions=taken),
    ]
    before = _bytes(app)
    assert answered(say(client, *entries, *real)) == {}
    assert _bytes(app) - before < 3000
    first, second, others = stored(app)
    assert (first["outcome"], second["outcome"]) == ("overridden", "accepted")
    assert (second["suggestions"], second["suggestionsNotKept"]) == ([taken[0]["id"]], 40)
    assert (others["marks"], others["entries"]) == (["unknown-card"], 498)
    assert others["suggestionsNotKept"] == 498 * 40
    assert "suggestions" not in others
    assert len(app.extensions["cds"].audit.select("SELECT card FROM feedback")) == 2


def _bytes(app: Flask) -> int:
    found = app.extensions["cds"].audit.select("SELECT sum(length(body)) FROM rows")
    return int(found[0][0])


@pytest.mark.requirement(49)
def test_the_comment_of_a_clinician_is_in_no_log(
    caller: FlaskClient, own: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        say(caller, entry(overrideReason={"userComment": COMMENT}))
        say(caller, entry(overrideReason={"userComment": [COMMENT]}))
        say(caller, entry(overrideReason={"reason": {"code": COMMENT, "display": COMMENT}}))
        say(caller, entry(card=COMMENT))
        say(caller, entry(outcomeTimestamp=COMMENT))
    assert NAME not in caplog.text
    raw = own.extensions["cds"].audit.select("SELECT body FROM rows")
    assert not [body for (body,) in raw if NAME.encode() in body]


@pytest.mark.requirement(32, 45, 49)
def test_a_card_that_was_shown_is_joined_with_its_feedback(make_app: MakeApp) -> None:
    app = make_app()
    client = app.test_client()
    shown = card(client)
    suggestion = shown["suggestions"][0]["uuid"]
    assert (
        answered(
            say(
                client,
                entry(card=shown["uuid"], outcome="accepted", acceptedSuggestions=[{"id": suggestion}]),
            )
        )
        == {}
    )
    (event,) = stored(app)
    assert (event["card"], event["suggestions"]) == (shown["uuid"], [suggestion])


def test_overriding_a_critical_card_does_not_silence_it_at_once(make_app: MakeApp) -> None:
    client = make_app().test_client()
    shown = card(client)
    answered(say(client, entry(card=shown["uuid"], outcomeTimestamp="not a time at all")))
    assert card(client)["indicator"] == "critical"
