"""Calls from a browser: requirement 60 and 72."""

from typing import Any

import msgspec
import pytest
from flask import Flask
from flask.testing import FlaskClient

from cds_service import invocation
from cds_service.clients.model import Clients, FhirServer
from cds_service.failures import Failure, Kind
from tests.conformance.calls import address, post, request
from tests.conformance.conftest import MakeApp

SANDBOX = "https://sandbox.cds-hooks.org"
PATHS = ["/cds-services", address(), address() + "/feedback", "/cds-services/unheard-of", "/nowhere"]


def listed(found: Any, name: str) -> set[str]:
    return {one.strip().lower() for one in found.headers.get(name, "").split(",")}


@pytest.mark.requirement(60, 72)
@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("method", "headers"), [("GET", "authorization"), ("POST", "authorization,content-type")]
)
def test_a_preflight_of_the_sandbox_passes(
    client: FlaskClient, path: str, method: str, headers: str
) -> None:
    found = client.options(
        path,
        headers={
            "Origin": SANDBOX,
            "Access-Control-Request-Method": method,
            "Access-Control-Request-Headers": headers,
        },
    )
    assert found.status_code in (200, 204)
    assert found.headers["Access-Control-Allow-Origin"] in ("*", SANDBOX)
    assert {"authorization", "content-type"} <= listed(found, "Access-Control-Allow-Headers")
    assert {"get", "post"} <= listed(found, "Access-Control-Allow-Methods")
    assert "Access-Control-Allow-Credentials" not in found.headers


@pytest.mark.requirement(60, 72)
def test_every_answer_may_be_read_errors_included(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox = {"Origin": SANDBOX}
    found = [
        client.get("/cds-services", headers=sandbox),
        post(client, request(), headers=sandbox),
        client.post(address() + "/feedback", data=b"{", headers=sandbox),
        client.post("/cds-services/unheard-of", data=b"{}", headers=sandbox),
        client.get("/nowhere", headers=sandbox),
        client.get(address(), headers=sandbox),
        post(client, request(prefetch={"patient": None}), headers=sandbox),
        post(client, b"x" * (17 * 1024 * 1024), headers=sandbox),
    ]

    def fail(*_: Any, **__: Any) -> Any:
        raise ValueError("broken")

    monkeypatch.setattr(invocation.Runtime, "invoke", fail)
    found.append(post(client, request(), headers=sandbox))
    assert [one.status_code for one in found] == [200, 200, 400, 404, 404, 405, 412, 413, 500]
    assert {one.headers["Access-Control-Allow-Origin"] for one in found} == {"*"}


@pytest.fixture(scope="module")
def restricted(make_app: MakeApp) -> FlaskClient:
    """Return a client of a service that only two origins may call from a browser."""
    return make_app(origins=(SANDBOX, "https://ehr.example")).test_client()


@pytest.mark.parametrize("origin", [SANDBOX, "https://ehr.example"])
def test_an_origin_that_is_named_may_call(restricted: FlaskClient, origin: str) -> None:
    preflight = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    found = restricted.options(address(), headers=preflight)
    assert found.headers["Access-Control-Allow-Origin"] == origin
    assert {"authorization", "content-type"} <= listed(found, "Access-Control-Allow-Headers")
    for answer in (
        restricted.get("/cds-services", headers={"Origin": origin}),
        restricted.get("/nowhere", headers={"Origin": origin}),
    ):
        assert answer.headers["Access-Control-Allow-Origin"] == origin
        assert "origin" in listed(answer, "Vary")


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "null",
        "https://ehr.example.evil.example",
        "http://ehr.example",
        "",
        "https://EHR.example:444",
    ],
)
def test_another_origin_may_not(restricted: FlaskClient, origin: str) -> None:
    for found in (
        restricted.options(
            address(), headers={"Origin": origin, "Access-Control-Request-Method": "POST"}
        ),
        restricted.get("/cds-services", headers={"Origin": origin}),
        post(restricted, request(), headers={"Origin": origin}),
    ):
        assert "Access-Control-Allow-Origin" not in found.headers
        assert "Access-Control-Allow-Headers" not in found.headers


def test_a_cache_keeps_the_answers_to_different_origins_apart(restricted: FlaskClient) -> None:
    # Also the answer to a call without Origin: stored without Vary it would be given to a browser.
    for headers in ({}, {"Origin": SANDBOX}, {"Origin": "https://evil.example"}):
        assert "origin" in listed(restricted.get("/cds-services", headers=headers), "Vary")


def test_a_call_that_is_not_from_a_browser_needs_no_origin(restricted: FlaskClient) -> None:
    assert post(restricted, request()).status_code == 200


# Clients with origins of their own, beside one of the settings.
GENERAL, ITS_OWN, OF_ANOTHER, EVIL = (f"https://{name}.example" for name in ("all", "own", "other", "x"))


def with_clients(app: Flask, *, anonymous: bool = True) -> FlaskClient:
    """Return a client of a service that knows two: who calls without a token, and another."""
    runtime = app.extensions["cds"]
    unnamed = runtime.clients.anonymous
    another = msgspec.structs.replace(unnamed, name="st-elsewhere", origins=(OF_ANOTHER,))
    caller = msgspec.structs.replace(unnamed, origins=(ITS_OWN,)) if anonymous else None
    runtime.clients = Clients({"st-elsewhere": another}, caller)
    return app.test_client()


@pytest.fixture(scope="module")
def shared(make_app: MakeApp) -> FlaskClient:
    return with_clients(make_app(origins=(GENERAL,)))


@pytest.mark.requirement(60)
@pytest.mark.parametrize("origin", [GENERAL, ITS_OWN, OF_ANOTHER])
def test_a_preflight_passes_for_the_origin_of_any_client(shared: FlaskClient, origin: str) -> None:
    # It carries no token: who will call is not known yet.
    preflight = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    found = shared.options(address(), headers=preflight)
    assert found.status_code == 200
    assert found.headers["Access-Control-Allow-Origin"] == origin
    assert "origin" in listed(found, "Vary")
    refused = shared.options(address(), headers={**preflight, "Origin": EVIL})
    assert "Access-Control-Allow-Origin" not in refused.headers


@pytest.mark.requirement(60)
@pytest.mark.parametrize(
    ("origin", "readable"), [(GENERAL, True), (ITS_OWN, True), (OF_ANOTHER, False), (EVIL, False)]
)
@pytest.mark.parametrize(
    "body", [request(), request(prefetch={"patient": None}), b"{", b"[" * 17_000_000]
)
def test_an_answer_is_read_by_pages_of_the_client_that_asked(
    shared: FlaskClient, origin: str, readable: bool, body: Any
) -> None:
    found = post(shared, body, headers={"Origin": origin})
    assert found.status_code in (200, 400, 412, 413)
    assert found.headers.get("Access-Control-Allow-Origin") == (origin if readable else None)
    assert "origin" in listed(found, "Vary")


def test_a_caller_who_is_not_known_may_read_that_it_may_not_enter(make_app: MakeApp) -> None:
    locked = with_clients(make_app(origins=(GENERAL,)), anonymous=False)
    for origin, readable in ((OF_ANOTHER, True), (GENERAL, True), (ITS_OWN, False), (EVIL, False)):
        found = post(locked, request(), headers={"Origin": origin})
        assert found.status_code == 401
        assert found.headers.get("Access-Control-Allow-Origin") == (origin if readable else None)
        preflight = {"Origin": origin, "Access-Control-Request-Method": "POST"}
        assert locked.options(address(), headers=preflight).status_code == 200


@pytest.mark.parametrize("kind", [Kind.FORBIDDEN, Kind.UNAVAILABLE, Kind.TOO_MANY])
def test_the_rarer_refusals_may_be_read_as_well(
    make_app: MakeApp, monkeypatch: pytest.MonkeyPatch, kind: Kind
) -> None:
    def fail(*_: Any, **__: Any) -> Any:
        raise Failure(kind, "no")

    client = with_clients(make_app(origins=(GENERAL,)))
    monkeypatch.setattr(invocation.Runtime, "_evidence", fail)
    found = post(client, request(), headers={"Origin": ITS_OWN})
    assert found.status_code in (403, 429, 503)
    assert found.headers["Access-Control-Allow-Origin"] == ITS_OWN


def test_a_page_may_read_when_to_call_again(shared: FlaskClient) -> None:
    found = post(shared, request(), headers={"Origin": ITS_OWN})
    assert "retry-after" in listed(found, "Access-Control-Expose-Headers")


def test_a_service_that_others_reach_allows_no_page_by_itself(make_app: MakeApp) -> None:
    # A page from the internet runs in a browser inside the hospital, and reaches what it reaches.
    client = make_app(host="192.0.2.7", auth="off", demo=False).test_client()
    found = client.get("/cds-services", headers={"Origin": SANDBOX})
    assert "Access-Control-Allow-Origin" not in found.headers


@pytest.mark.parametrize(
    ("origins", "readable"), [(None, False), (("*",), True), ((SANDBOX,), True), ((), False)]
)
def test_no_page_has_a_fhir_server_asked_unless_it_is_named(
    make_app: MakeApp, origins: tuple[str, ...] | None, readable: bool
) -> None:
    # Any page in a browser on this machine could else name a patient, and read it off the cards.
    app = make_app() if origins is None else make_app(origins=origins)
    runtime = app.extensions["cds"]
    server = FhirServer("http://127.0.0.1:8081/fhir", plain_http=True, private=True)
    asking = msgspec.structs.replace(runtime.clients.anonymous, fhir_servers=(server,))
    runtime.clients = Clients({}, asking)
    found = [
        post(app.test_client(), request(), headers={"Origin": SANDBOX}),
        app.test_client().options(
            address(), headers={"Origin": SANDBOX, "Access-Control-Request-Method": "POST"}
        ),
    ]
    assert [one.status_code for one in found] == [200, 200]
    assert ["Access-Control-Allow-Origin" in one.headers for one in found] == [readable, readable]
