"""What one call and one client may bring, and the time that an answer may take."""

import json
import time
from collections.abc import Iterable
from typing import Any

import msgspec
import pytest
from flask import Flask
from flask.testing import FlaskClient

from cds_service.audit import reading
from cds_service.audit.log import AuditLog
from cds_service.clients.model import Caller, Client, Clients
from cds_service.deadline import BEGUN
from cds_service.failures import Failure
from cds_service.fhir.evidence import Arrival, Unavailable
from cds_service.hooks.entries import MOST_ENTRIES
from cds_service.hooks.request import HookRequest
from cds_service.hooks.service import Service
from cds_service.settings import BODY_LIMIT
from tests.conformance.calls import (
    Json,
    address,
    answered,
    bundle,
    post,
    potassium,
    refused,
    request,
)
from tests.conformance.conftest import MakeApp

FEEDBACK = {
    "feedback": [{"card": "c-1", "outcome": "overridden", "outcomeTimestamp": "2026-11-22T08:00:00Z"}]
}


def log_of(app: Flask) -> AuditLog:
    found: AuditLog = app.extensions["cds"].audit
    return found


def written(app: Flask) -> list[Json]:
    """Every event of the audit log, in order."""
    return [row.event for row in reading.tail(log_of(app).path, 10_000, follow=False)]


# ----------------------------------------------------------------------------------------------- size
def of_size(size: int) -> bytes:
    """Return a good request of exactly so many bytes."""
    raw = json.dumps(request()).encode()
    return raw[:-1] + b" " * (size - len(raw)) + b"}"


@pytest.mark.requirement(12)
def test_a_body_as_large_as_the_limit_is_read(client: FlaskClient) -> None:
    assert answered(post(client, of_size(BODY_LIMIT)))["cards"]


@pytest.mark.requirement(12)
def test_a_body_of_one_byte_more_is_not(client: FlaskClient) -> None:
    refused(post(client, of_size(BODY_LIMIT + 1)), 413)


@pytest.mark.requirement(12)
@pytest.mark.parametrize(("entries", "status"), [(MOST_ENTRIES - 1, 200), (MOST_ENTRIES, 413)])
def test_so_many_entries_are_read_and_no_more(client: FlaskClient, entries: int, status: int) -> None:
    # One more is the Patient.
    brought = {"laboratory": bundle(*[potassium(number=number) for number in range(entries)])}
    assert post(client, request(prefetch=brought)).status_code == status


@pytest.mark.parametrize(("depth", "status"), [(20, 200), (100_000, 400)])
def test_brackets_in_brackets_are_read_so_far(client: FlaskClient, depth: int, status: int) -> None:
    nested: bytes = b'{"a":' * depth + b"1" + b"}" * depth
    raw = json.dumps(request()).encode()
    body = raw[:-1] + b',"extension":' + nested + b"}"
    body = body.replace(b'"extension": {"org.heavylegs.now": "2026-11-22T12:00:00Z"},', b"")
    body = body.replace(b', "extension": {"org.heavylegs.now": "2026-11-22T12:00:00Z"}', b"")
    assert post(client, body).status_code == status


# ----------------------------------------------------------------------------------------------- rate
@pytest.fixture
def thrice(make_app: MakeApp) -> Flask:
    """Return an application that a client may call three times a minute."""
    return make_app(rate="3/minute")


def test_a_call_too_many_is_told_when_to_call_again(thrice: Flask) -> None:
    client = thrice.test_client()
    for _ in range(3):
        answered(post(client, request()))
    found = post(client, request())
    issue = refused(found, 429)
    assert 1 <= int(found.headers["Retry-After"]) <= 60
    assert found.headers["Retry-After"] in issue["diagnostics"]
    assert client.post(address() + "/feedback", json=FEEDBACK).status_code == 429
    assert client.get("/cds-services").status_code == 200  # costs nothing, and nobody's rate


def test_the_window_moves(make_app: MakeApp) -> None:
    client = make_app(rate="2/second").test_client()
    assert [post(client, request()).status_code for _ in range(3)] == [200, 200, 429]
    time.sleep(1.1)
    assert post(client, request()).status_code == 200


def test_no_rate_is_no_limit(make_app: MakeApp) -> None:
    client = make_app(rate="").test_client()
    assert {post(client, request()).status_code for _ in range(130)} == {200}


def test_refused_calls_do_not_fill_the_audit(thrice: Flask) -> None:
    client = thrice.test_client()
    for _ in range(53):
        post(client, request())
    refusals = [event for event in written(thrice) if event["kind"] == "refused"]
    assert [(one["failure"], one["client"]) for one in refusals] == [("too-many", "anonymous")]
    log_of(thrice).close()
    thrice.extensions["rates"].write()  # as a minute later, or when the process ends
    refusals = [event for event in written(thrice) if event["kind"] == "refused"]
    assert [one.get("calls", 1) for one in refusals] == [1, 49]
    assert {one["service"] for one in refusals} == {"heavy-legs-patient-view"}


def test_refused_calls_of_many_tenants_do_not_fill_the_audit(make_app: MakeApp) -> None:
    app = make_app(rate="1/minute")
    runtime, rates = app.extensions["cds"], app.extensions["rates"]
    rates.admit(Caller(runtime.clients.anonymous, "first"), "heavy-legs-patient-view")
    for number in range(50):
        with pytest.raises(Failure):
            rates.admit(
                Caller(runtime.clients.anonymous, f"made-up-{number}"), "heavy-legs-patient-view"
            )
    rates.write()
    refusals = [event for event in written(app) if event["kind"] == "refused"]
    assert [(one["client"], one.get("calls", 1)) for one in refusals] == [
        ("anonymous/made-up-0", 1),
        ("anonymous", 49),
    ]


def test_a_client_has_the_rate_of_its_entry_and_takes_nobody_elses(make_app: MakeApp) -> None:
    app = make_app(rate="2/minute", demo=True)
    runtime = app.extensions["cds"]
    generous = msgspec.structs.replace(runtime.clients.anonymous, rate="5/minute")
    runtime.clients = Clients({}, generous)
    client = app.test_client()
    assert [post(client, request()).status_code for _ in range(6)] == [200] * 5 + [429]
    # The page is a client of its own.
    page = {"X-Heavy-Legs-Page": "1"}
    assert post(client, request(), headers=page).status_code == 200


# ----------------------------------------------------------------------------------------------- time
class SlowServer:
    """An EHR whose FHIR server takes its time."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def fetch(
        self,
        request: HookRequest,  # noqa: ARG002 - the port's signature
        service: Service,  # noqa: ARG002
        keys: Iterable[str],
        client: Client,  # noqa: ARG002
    ) -> dict[str, Arrival | Unavailable]:
        time.sleep(self.seconds)
        return {key: Unavailable(key, "not-delivered") for key in keys}


@pytest.mark.parametrize(("limit", "status"), [(0.2, 503), (30.0, 200)])
def test_a_call_that_takes_too_long_is_given_up_and_written_down(
    make_app: MakeApp, limit: float, status: int
) -> None:
    app = make_app(deadline=limit)
    app.extensions["cds"].ehr = SlowServer(0.3)
    found = post(app.test_client(), request())
    assert found.status_code == status
    [event] = written(app)[-1:]
    if status == 503:
        refused(found, 503)
        assert (event["kind"], event["failure"]) == ("refused", "unavailable")
        assert event["hookInstance"] == request()["hookInstance"]
    else:
        assert event["kind"] == "answered"


def test_the_time_counts_from_the_first_byte(make_app: MakeApp) -> None:
    # The server says when it came: a call that has waited for a thread is late as well.
    app = make_app(deadline=5.0)
    waited: dict[str, Any] = {BEGUN: time.monotonic() - 6}
    refused(post(app.test_client(), request(), environ_overrides=waited), 503)
    just: dict[str, Any] = {BEGUN: time.monotonic() - 1}
    answered(post(app.test_client(), request(), environ_overrides=just))


# ----------------------------------------------------------------------------------------------- headers
def test_an_answer_is_kept_by_nobody_on_its_way(client: FlaskClient) -> None:
    for found in (
        post(client, request()),
        post(client, b"{"),
        client.post(address() + "/feedback", json=FEEDBACK),
        client.get("/cds-services"),
        client.get("/nowhere"),
    ):
        assert found.headers["Cache-Control"] == "no-store"
        assert found.headers["X-Content-Type-Options"] == "nosniff"
