"""The public sandbox as a client: requirements 71 to 83, as its source has it and as it was seen to do.

It validates nothing and shows every error as "All clear": whatever it sends has to end in cards, or in
an error that somebody who opens the browser's tools can read. In a real browser:
tests/browser/test_other_origin.py.
"""

import json
from itertools import pairwise
from typing import Any
from uuid import uuid4

import pytest
from flask.testing import FlaskClient

from tests.conformance.calls import (
    HOOKS,
    NOW,
    PATIENT,
    Json,
    address,
    answered,
    bundle,
    knee_mri,
    knee_order,
    medicine,
    outcome,
    post,
    potassium,
    refused,
    request,
    rule,
)
from tests.conformance.conftest import MakeApp

ORIGIN = "https://sandbox.cds-hooks.org"
USER = "Practitioner/COREPRACTITIONER1"
ACCEPT = "application/json, text/plain, */*"
# The shape of its token; nobody here reads it, and the signature is none.
TOKEN = "eyJhbGciOiJFUzM4NCIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJodHRwczovL3gifQ.c2ln"  # noqa: S105 - as above
HEADERS = {"Origin": ORIGIN, "Authorization": f"Bearer {TOKEN}", "Accept": ACCEPT}


def called(hook: str, **members: Any) -> Json:
    """A request as the sandbox builds it: no authorization, the user it has by default."""
    whole = request(
        hook, hookInstance=str(uuid4()), fhirServer="https://r4.smarthealthit.org", **members
    )
    return {**whole, "context": {**whole["context"], "userId": USER}}


# --- addresses -----------------------------------------------------------------------------------


@pytest.mark.requirement(71, 72)
@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize("feedback", ["", "/feedback"])
def test_the_discovery_address_may_be_given_with_a_last_slash(
    client: FlaskClient, slash: str, feedback: str
) -> None:
    # It calls `<the address it was given>/<id>`, so that a last slash is doubled.
    discovery = f"/cds-services{slash}"
    service = answered(client.get(discovery, headers=HEADERS))["services"][0]
    called_at = f"{discovery}/{service['id']}{feedback}"
    preflight = client.options(called_at, headers=asking("POST", "authorization,content-type"))
    assert preflight.status_code in (200, 204)  # a browser follows no redirect here
    assert preflight.headers["Access-Control-Allow-Origin"] == "*"
    body = {"feedback": [entry("c-1")]} if feedback else called("patient-view")
    answered(client.post(called_at, data=json.dumps(body), headers=HEADERS))


@pytest.mark.requirement(71)
@pytest.mark.parametrize(
    "path", ["/cds-services/", "//cds-services", "/cds-services//", "/cds-services/x//", "//nowhere//"]
)
def test_no_address_is_answered_with_a_redirect(client: FlaskClient, path: str) -> None:
    for method in ("GET", "POST", "OPTIONS"):
        # The path as it stands: a URL with two slashes in front would be taken for a host.
        found = client.open(environ_overrides={"PATH_INFO": path}, method=method, headers=HEADERS)
        assert found.status_code in (200, 404, 405)
        assert "Location" not in found.headers


def asking(method: str, headers: str) -> dict[str, str]:
    return {
        "Origin": ORIGIN,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": headers,
    }


@pytest.mark.requirement(60, 72)
def test_a_preflight_carries_no_token_and_passes_before_anything_is_looked_at(
    client: FlaskClient,
) -> None:
    for path in ("/cds-services", address(), address() + "/feedback", "/cds-services/unheard-of"):
        for method, headers in (("GET", "authorization"), ("POST", "authorization,content-type")):
            found = client.options(path, headers=asking(method, headers))
            allowed = found.headers["Access-Control-Allow-Headers"].lower().replace(" ", "").split(",")
            assert set(headers.split(",")) <= set(allowed)
            assert "*" not in allowed  # it would not cover Authorization


@pytest.mark.requirement(58, 73)
@pytest.mark.parametrize("token", [TOKEN, "", "not a token", "x" * 4000])
def test_its_token_changes_nothing_and_is_not_repeated(client: FlaskClient, token: str) -> None:
    headers = {"Origin": ORIGIN, "Authorization": f"Bearer {token}"}
    whole = called("patient-view")
    assert answered(post(client, whole, headers=headers)) == answered(post(client, whole))
    assert answered(client.get("/cds-services", headers=headers))["services"]
    found = client.post(address() + "/feedback", json={"feedback": [entry("t-1")]}, headers=headers)
    assert answered(found) == {}
    if token:
        refusal = post(client, b"{", headers=headers)
        assert token not in refusal.text


# --- prefetch ------------------------------------------------------------------------------------


@pytest.mark.requirement(74, 15, 26)
@pytest.mark.parametrize("hook", HOOKS)
def test_where_nothing_could_be_fetched_there_is_no_prefetch_and_the_412_can_be_read(
    client: FlaskClient, hook: str
) -> None:
    whole = called(hook)
    del whole["prefetch"]
    found = post(client, whole, hook, headers=HEADERS)
    issue = refused(found, 412)
    assert "prefetch" in json.dumps(issue)
    assert found.headers["Access-Control-Allow-Origin"] == "*"


@pytest.mark.requirement(74)
@pytest.mark.parametrize("hook", HOOKS)
def test_the_user_it_has_by_default_is_a_clinician(client: FlaskClient, hook: str) -> None:
    body = answered(post(client, called(hook), hook))
    shown = {one["shown"] for one in body["extension"]["org.heavylegs.evaluation"]}
    assert "not-assessed" not in shown


def searched(*found: Json) -> Json:
    """A Bundle as servers answer a search by POST."""
    base = "https://r4.smarthealthit.org/Observation"
    return {
        "resourceType": "Bundle",
        "id": "4c7a1a4e-4d0b-4a43-8f1e-5f1b1f7c9a10",
        "meta": {"lastUpdated": "2026-11-22T11:59:58.101+00:00"},
        "type": "searchset",
        "total": len(found),
        "link": [{"relation": "self", "url": f"{base}/_search"}],
        "entry": [
            {"fullUrl": f"{base}/{one['id']}", "resource": one, "search": {"mode": "match"}}
            for one in found
        ],
    }


@pytest.mark.requirement(75, 14)
def test_what_was_searched_by_post_is_read_like_any_other_list(client: FlaskClient) -> None:
    by_post = called("patient-view", prefetch={"laboratory": searched(potassium())})
    plain = called("patient-view", prefetch={"laboratory": bundle(potassium())})
    for body in (answered(post(client, by_post)), answered(post(client, plain))):
        assert body["cards"][0]["indicator"] == "critical"
        assert "org.heavylegs.not-read" not in body["extension"] or "laboratory" not in json.dumps(
            body["extension"]["org.heavylegs.not-read"]
        )


@pytest.mark.requirement(75)
def test_nothing_found_by_post_is_a_list_that_is_whole(client: FlaskClient) -> None:
    # Not "not delivered": the list of laboratory results is there, and empty.
    empty = searched()
    del empty["entry"]
    body = answered(post(client, called("patient-view", prefetch={"laboratory": empty})))
    assert body["cards"] == []
    assert "laboratory" not in json.dumps(body["extension"].get("org.heavylegs.not-read", []))


UNRESOLVED: list[Any] = [..., None, outcome("error"), outcome("warning"), bundle()]


@pytest.mark.requirement(75)
@pytest.mark.parametrize("value", UNRESOLVED)
def test_a_key_whose_token_it_cannot_fill_costs_only_that_key(client: FlaskClient, value: Any) -> None:
    # `Encounter/{{context.encounterId}}` is skipped, or asked for as it stands and refused.
    body = answered(post(client, called("patient-view", prefetch={"encounter": value})))
    assert [card["indicator"] for card in body["cards"]] == ["critical"]


KEYS = ["laboratory", "vitals", "findings", "medicationRequests", "procedures", "devices", "encounter"]


@pytest.mark.requirement(75)
@pytest.mark.parametrize("gone", KEYS)
def test_a_key_that_failed_is_left_out_and_costs_only_that_key(client: FlaskClient, gone: str) -> None:
    whole = called("patient-view", prefetch={key: bundle() for key in KEYS if key != "laboratory"})
    del whole["prefetch"][gone]
    body = answered(post(client, whole))
    assert rule(body, "k-01-low-potassium")["outcome"] == (
        "unknown" if gone == "laboratory" else "fires"
    )
    assert gone in json.dumps(body["extension"]["org.heavylegs.not-read"])


# --- draft orders --------------------------------------------------------------------------------

SUBJECT = {"reference": f"Patient/{PATIENT}"}
BARE = {"resourceType": "MedicationRequest", "id": "r-1", "status": "draft", "subject": SUBJECT}
WITHOUT_INTENT = {**medicine(), "id": "r-1", "status": "draft"}
del WITHOUT_INTENT["intent"]
SERVICE = {"resourceType": "ServiceRequest", "id": "s-1", "status": "draft", "intent": "plan"}
NOT_R4: list[Json] = [
    BARE,
    {**BARE, "authoredOn": "2026-11-22", "dosageInstruction": [{}]},
    {**BARE, "category": {"coding": [{"code": "outpatient"}]}},
    {**BARE, "medicationCodeableConcept": {}},
    {**BARE, "medicationCodeableConcept": {"coding": []}},
    {**BARE, "medicationCodeableConcept": {"text": "Aspirin", "coding": [{"display": "Aspirin"}]}},
    {**BARE, "medicationReference": {"reference": "Medication/unheard-of"}},
    WITHOUT_INTENT,
    {**SERVICE, "subject": SUBJECT, "code": {"coding": [{}]}, "reasonCode": []},
    {**SERVICE, "subject": SUBJECT, "code": {"coding": [{}]}, "reasonCode": [{"coding": [{}]}]},
    {**SERVICE, "subject": SUBJECT, "code": {}, "category": {"text": "imaging"}},
    {**SERVICE, "subject": {"reference": "Patient/undefined"}, "code": {"text": ""}},
    {**SERVICE, "code": [{"coding": [{}]}]},
    {"resourceType": "MedicationOrder", "id": "r-1", "status": "draft", "patient": SUBJECT},  # DSTU2
    {"resourceType": "ServiceRequest"},
]


@pytest.mark.requirement(70, 76)
@pytest.mark.parametrize("hook", ["order-select", "order-sign"])
@pytest.mark.parametrize("draft", NOT_R4)
def test_a_draft_that_is_no_r4_is_answered(client: FlaskClient, hook: str, draft: Json) -> None:
    whole = called(hook)
    # As it sends them: the Bundle has no type.
    whole["context"]["draftOrders"] = {"resourceType": "Bundle", "entry": [{"resource": draft}]}
    if hook == "order-select":
        whole["context"]["selections"] = [f"{draft['resourceType']}/{draft.get('id')}"]
    body = answered(post(client, whole, hook, headers=HEADERS))
    assert not any(one["outcome"] == "failed" for one in body["extension"]["org.heavylegs.evaluation"])


@pytest.mark.requirement(76)
@pytest.mark.parametrize("hook", ["order-select", "order-sign"])
@pytest.mark.parametrize("draft", NOT_R4)
def test_a_draft_that_is_no_r4_does_not_hide_the_one_beside_it(
    client: FlaskClient, hook: str, draft: Json
) -> None:
    whole = knee_order(hook)
    whole["context"]["draftOrders"]["entry"].insert(0, {"resource": draft})
    (card,) = answered(post(client, whole, hook))["cards"]
    assert card["indicator"] == "warning"
    deleted = [one["actions"][0].get("resourceId") for one in card["suggestions"]]
    assert "ServiceRequest/draft-1" in deleted


@pytest.mark.requirement(76)
@pytest.mark.parametrize("hook", ["order-select", "order-sign"])
def test_an_order_is_seen_without_intent_and_with_a_category_that_is_no_list(
    client: FlaskClient, hook: str
) -> None:
    whole = knee_order(hook)
    order = knee_mri()
    del order["intent"]
    order["category"] = {"coding": [{"code": "imaging"}]}
    order["reasonCode"] = []
    whole["context"]["draftOrders"] = {"resourceType": "Bundle", "entry": [{"resource": order}]}
    (card,) = answered(post(client, whole, hook))["cards"]
    assert "MRI" in card["summary"]


@pytest.mark.requirement(76)
@pytest.mark.parametrize("drafts", [{"resourceType": "Bundle"}, {"resourceType": "Bundle", "entry": []}])
def test_the_screen_opens_before_anything_is_chosen(client: FlaskClient, drafts: Json) -> None:
    whole = called("order-select")
    whole["context"] |= {"draftOrders": drafts, "selections": []}
    assert answered(post(client, whole, "order-select"))["cards"] == []


# --- again and again -----------------------------------------------------------------------------


@pytest.mark.requirement(77, 13)
def test_it_may_call_on_every_change_and_each_answer_replaces_the_last(make_app: MakeApp) -> None:
    app = make_app()
    client = app.test_client()
    seen: list[Json] = []
    for tenths in (24, 25, 24, 40, 24) * 4:
        whole = called("patient-view", prefetch={"laboratory": bundle(potassium(tenths / 10))})
        seen.append(answered(post(client, whole)))
    shown = [[card["indicator"] for card in body["cards"]] for body in seen]
    assert shown[:5] == shown[5:10] == shown[15:]
    assert shown[0] == ["critical"]
    assert shown[3] == []
    uuids = [card["uuid"] for body in seen for card in body["cards"]]
    assert len(set(uuids)) == len(uuids)
    assert all(one["cards"] != other["cards"] for one, other in pairwise(seen) if one["cards"])
    # A card that has been replaced meanwhile is still known when feedback on it comes.
    first = seen[0]["cards"][0]["uuid"]
    answered(client.post(address() + "/feedback", json={"feedback": [entry(first)]}, headers=HEADERS))
    rows = app.extensions["cds"].audit.select("SELECT card FROM feedback")
    assert rows == [(first,)]


# --- feedback ------------------------------------------------------------------------------------


def entry(card: str, outcome: str = "overridden", **more: Any) -> Json:
    return {"card": card, "outcome": outcome, "outcomeTimestamp": "2026-11-22T12:00:31.123Z", **more}


NO_DISPLAY = {"code": "patient-refuses", "system": "http://terminology.hl7.org/x"}
FEEDBACK: list[tuple[str, Json]] = [
    ("accepted", {"acceptedSuggestions": [{"id": "SUGGESTION"}]}),
    ("overridden", {}),
    ("overridden", {"overrideReason": {"reason": NO_DISPLAY}}),
    ("overridden", {"overrideReason": {"reason": {**NO_DISPLAY, "display": "Patient declines"}}}),
    ("overridden", {"overrideReason": {"reason": NO_DISPLAY, "userComment": ""}}),
    ("overridden", {"overrideReason": {"userComment": "later"}}),
    ("overridden", {"overrideReason": {}}),
]


@pytest.mark.requirement(78, 45, 49)
@pytest.mark.parametrize(("outcome", "more"), FEEDBACK)
def test_its_feedback_is_joined_with_the_card_it_shows(
    make_app: MakeApp, outcome: str, more: Json
) -> None:
    app = make_app()
    client = app.test_client()
    card = answered(post(client, called("patient-view"), headers=HEADERS))["cards"][0]
    assert card["uuid"]  # without it there is no Dismiss button,
    assert card["overrideReasons"]  # without these no menu,
    suggestion = card["suggestions"][0]["uuid"]  # and without this no report of what was accepted
    said = json.loads(json.dumps(more).replace("SUGGESTION", suggestion))
    body = {"feedback": [entry(card["uuid"], outcome, **said)]}
    assert answered(client.post(address() + "/feedback", json=body, headers=HEADERS)) == {}
    assert app.extensions["cds"].audit.select("SELECT card FROM feedback") == [(card["uuid"],)]


@pytest.mark.requirement(78)
def test_accepting_a_critical_card_leaves_it_in_the_next_answer(make_app: MakeApp) -> None:
    client = make_app().test_client()
    card = answered(post(client, called("patient-view")))["cards"][0]
    taken = entry(card["uuid"], "accepted", acceptedSuggestions=[{"id": card["suggestions"][0]["uuid"]}])
    answered(client.post(address() + "/feedback", json={"feedback": [taken]}))
    again = answered(post(client, called("patient-view")))["cards"][0]
    assert (again["indicator"], again["summary"]) == (card["indicator"], card["summary"])


# --- what it draws -------------------------------------------------------------------------------


@pytest.mark.requirement(79)
def test_the_gravest_card_comes_first_whatever_the_client_sorts(client: FlaskClient) -> None:
    whole = json.loads(client.get("/demo/requests/pad-risk/patient-view").data)  # an info card
    low = {**potassium(), "subject": {"reference": "Patient/pad-risk"}}
    whole["prefetch"]["laboratory"] = bundle(low)
    whole["extension"] = {"org.heavylegs.now": NOW}
    found = [card["indicator"] for card in answered(post(client, whole))["cards"]]
    assert len(found) > 1
    assert found == sorted(found, key=["critical", "warning", "info"].index)


@pytest.mark.requirement(79, 80, 81, 107)
def test_a_card_says_all_even_where_suggestions_do_nothing(client: FlaskClient) -> None:
    # Accepting a ServiceRequest changes nothing on its screen: the text alone has to carry the advice.
    card = answered(post(client, called("patient-view"), headers=HEADERS))["cards"][0]
    for word in ("ECG", "potassium", "2.4 mmol/L", "22 Nov 2026"):
        assert word in card["summary"] + card["detail"]
    assert all(one["label"] and one["actions"] for one in card["suggestions"])


@pytest.mark.requirement(26, 72, 81)
@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b'{"hook": "patient-view"}', 400),
        (json.dumps({**called("patient-view"), "hook": "order-sign"}).encode(), 400),
        (json.dumps({**called("patient-view"), "prefetch": {}}).encode(), 412),
    ],
)
def test_an_error_can_be_read_by_the_page(client: FlaskClient, body: bytes, status: int) -> None:
    found = post(client, body, headers=HEADERS)
    issue = refused(found, status)
    assert found.headers["Access-Control-Allow-Origin"] == "*"
    assert ";" in issue["diagnostics"]  # what is wrong; what to do
    assert NOW not in found.text
