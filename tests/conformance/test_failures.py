"""When something fails: one form for every error, nothing leaks, no unaudited advice.

ARCHITECTURE 5.5, 7.
"""

import json
import logging
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from cds_service import emission, invocation
from cds_service.audit.log import AuditLog
from cds_service.facts import measurements
from cds_service.failures import Failure, Kind
from cds_service.hooks import encoding
from cds_service.rules import evaluation
from tests.conformance.calls import (
    address,
    answered,
    knee_order,
    medicine,
    post,
    refused,
    request,
    rule,
)
from tests.conformance.calls import bundle as bundled
from tests.conformance.conftest import MakeApp

LEAK = "Sentinelmann leaked this"
FEEDBACK = {
    "feedback": [{"card": "c-1", "outcome": "overridden", "outcomeTimestamp": "2026-11-22T08:00:00Z"}]
}


def raising(error: Exception) -> Any:
    def fail(*_: Any, **__: Any) -> Any:
        raise error

    return fail


@pytest.fixture
def own(make_app: MakeApp) -> Flask:
    """Return an application whose audit log may be broken."""
    return make_app()


@pytest.mark.requirement(26)
@pytest.mark.parametrize("place", ["_decision", "_encoded", "_evidence"])
@pytest.mark.parametrize(
    "error", [ValueError(LEAK), KeyError(LEAK), RecursionError(LEAK), MemoryError(LEAK)]
)
def test_a_fault_says_nothing_of_what_it_was_about(
    client: FlaskClient,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    place: str,
    error: Exception,
) -> None:
    monkeypatch.setattr(invocation.Runtime, place, raising(error))
    refused(post(client, request()), 500)
    assert "Sentinelmann" not in caplog.text
    assert type(error).__name__ in caplog.text
    monkeypatch.undo()
    assert answered(post(client, request()))["cards"]


@pytest.mark.requirement(26)
def test_a_fault_outside_the_call_has_the_same_form(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(invocation.Runtime, "invoke", raising(ValueError(LEAK)))
    monkeypatch.setattr(invocation.Runtime, "feedback", raising(ValueError(LEAK)))
    refused(post(client, request()), 500)
    refused(client.post(address() + "/feedback", json=FEEDBACK), 500)
    assert "Sentinelmann" not in caplog.text


def test_a_fact_that_fails_is_in_the_log_and_the_others_answer(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    real = measurements.measurement

    def failing(definition: Any, *rest: Any) -> Any:
        if definition.name == "potassium-lt-2-5":
            raise ValueError(LEAK)
        return real(definition, *rest)

    monkeypatch.setattr(measurements, "measurement", failing)
    answered(post(client, request()))
    assert "fact potassium-lt-2-5 failed" in caplog.text
    assert "Sentinelmann" not in caplog.text


def test_an_error_of_a_kind_has_its_status(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    statuses = {Kind.FORBIDDEN: 403, Kind.UNAVAILABLE: 503, Kind.UNOBTAINABLE: 412}
    for kind, status in statuses.items():
        monkeypatch.setattr(invocation.Runtime, "_decision", raising(Failure(kind, "in words of ours")))
        told = refused(post(client, request()), status)["diagnostics"]
        # What went wrong inside, a path of the machine say, is in the log and not in the answer.
        assert told.startswith("in words of ours") is (kind is not Kind.UNAVAILABLE)


def test_a_caller_who_may_not_enter_learns_nothing(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(invocation.Runtime, "invoke", raising(Failure(Kind.UNAUTHENTICATED, LEAK)))
    found = post(client, request())
    assert found.status_code == 401
    assert found.get_json()["issue"] == [{"severity": "error", "code": "login"}]


@pytest.mark.parametrize(
    "error", [Failure(Kind.UNAVAILABLE, "the audit log cannot be written"), OSError(LEAK)]
)
def test_what_cannot_be_audited_is_not_said(
    own: Flask, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    client = own.test_client()
    monkeypatch.setattr(AuditLog, "append_all", raising(error))
    status = 503 if isinstance(error, Failure) else 500
    for body in (request(), request(hook="order-sign"), request(prefetch={"patient": None}), b"{"):
        refused(post(client, body), status)
    refused(client.post(address() + "/feedback", json=FEEDBACK), status)
    assert "Sentinelmann" not in caplog.text
    monkeypatch.undo()
    assert answered(post(client, request()))["cards"]


def test_an_audit_database_that_is_gone_ends_in_503(own: Flask) -> None:
    path = own.extensions["cds"].audit.path
    for one in path.parent.glob(path.name + "*"):
        one.unlink()
    path.mkdir()  # nothing can be opened here, whoever we are
    found = post(own.test_client(), request())
    refused(found, 503)
    assert found.headers["Retry-After"] == "5"


def test_a_history_that_cannot_be_read_ends_in_503(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(AuditLog, "select", raising(Failure(Kind.UNAVAILABLE, "cannot be read")))
    refused(post(client, request()), 503)


def test_a_rule_that_raises_is_alone(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    usual = evaluation._on_one_side  # noqa: SLF001

    def broken(one: Any, *more: Any) -> Any:
        if one.id == "pad-06-acute-limb-ischaemia":
            raise ValueError(LEAK)
        return usual(one, *more)

    monkeypatch.setattr(evaluation, "_on_one_side", broken)
    with caplog.at_level(logging.WARNING):
        found = post(client, request())
    body = answered(found)
    assert body["cards"], "the others still answer"
    said = rule(body, "pad-06-acute-limb-ischaemia")
    assert (said["outcome"], said["reason"]) == ("failed", "ValueError")
    assert "Sentinelmann" not in found.text + caplog.text


def test_a_rule_that_raises_is_in_the_log(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(evaluation, "_on_one_side", raising(ValueError(LEAK)))
    with caplog.at_level(logging.WARNING):
        body = answered(post(client, request()))
    assert rule(body, "k-01-low-potassium")["outcome"] == "failed"
    assert "k-01-low-potassium" in caplog.text
    assert "Sentinelmann" not in caplog.text


def test_an_order_that_is_not_valid_r4_never_leaves(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = request(prefetch={"medicationRequests": bundled(medicine())})
    monkeypatch.setattr(emission, "problem_of", lambda _: f"subject: {LEAK}")
    found = post(client, whole)
    assert found.status_code == 500
    assert "Sentinelmann" not in found.text


def test_nothing_is_encoded_twice_or_after_a_failure(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []
    usual = encoding.response

    def counted(*more: Any) -> bytes:
        calls.append(1)
        return usual(*more)

    monkeypatch.setattr(encoding, "response", counted)
    answered(post(client, knee_order(), "order-sign"))
    refused(post(client, request(prefetch={"patient": None})), 412)
    assert calls == [1]


@pytest.mark.parametrize(
    "path", ["/", "/nowhere", "/cds-services/x/y/z", "/%ff", "/cds-services/%F0%9F%A6%B5"]
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_every_error_has_the_one_form(sober: FlaskClient, path: str, method: str) -> None:
    found = sober.open(path, method=method)
    assert found.status_code in (404, 405)
    refused(found, found.status_code)


@pytest.mark.parametrize(
    "path", ["/demo/patients", "/demo/rules", "/demo/requests/k-2-4/patient-view", "/static/x"]
)
def test_the_demonstrations_pages_are_not_in_production(sober: FlaskClient, path: str) -> None:
    refused(sober.get(path), 404)


@pytest.mark.parametrize("name", ["patient-777", "no such service", "heavy-legs"])
@pytest.mark.parametrize("path", ["", "/feedback"])
def test_the_audit_keeps_no_service_that_there_is_not(own: Flask, name: str, path: str) -> None:
    refused(own.test_client().post(f"/cds-services/{name}{path}", json={}), 404)
    found = own.extensions["cds"].audit.select("SELECT body FROM rows ORDER BY row")
    assert json.loads(found[-1][0])["service"] == "unknown"
