"""The two addresses for whoever watches over the service."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest
from flask import Flask
from flask.testing import FlaskClient

from cds_service.audit import reading
from cds_service.clients.model import Clients
from cds_service.deadline import STOPPING
from cds_service.web import health
from tests.conformance.calls import post, refused, request
from tests.conformance.conftest import MakeApp


@pytest.fixture
def own(make_app: MakeApp, monkeypatch: pytest.MonkeyPatch) -> Flask:
    """Return an application of which anything may be broken, and which looks at every call."""
    monkeypatch.setattr(health, "_FRESH", -1.0)
    return make_app()


def database(app: Flask) -> Path:
    found: Path = app.extensions["cds"].audit.path
    return found


def ready(app: Flask) -> tuple[int, Any]:
    found = app.test_client().get("/readyz")
    return found.status_code, json.loads(found.data)


def test_all_is_well(own: Flask) -> None:
    alive = own.test_client().get("/healthz")
    assert (alive.status_code, json.loads(alive.data)) == (200, {"status": "alive"})
    assert ready(own) == (200, {"status": "ready", "checks": {"database": "ok", "rules": "ok"}})


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_it_may_be_asked_by_head(client: FlaskClient, path: str) -> None:
    found = client.head(path)
    assert (found.status_code, found.data) == (200, b"")
    assert client.post(path).status_code == 405


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_it_needs_no_token_costs_no_rate_and_leaves_no_trace(make_app: MakeApp, path: str) -> None:
    app = make_app(rate="1/minute")
    app.extensions["cds"].clients = Clients(app.extensions["cds"].clients.known, None)
    with app.test_client() as client:
        assert post(client, request()).status_code == 401
        before = len(list(reading.tail(database(app), 100, follow=False)))
        if path == "/healthz":
            assert {client.get(path).status_code for _ in range(5)} == {200}
        else:  # nobody may call, so there is nothing to be ready for
            assert {client.get(path).status_code for _ in range(5)} == {503}
    assert len(list(reading.tail(database(app), 100, follow=False))) == before


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_no_page_reads_it_and_it_tells_no_version(client: FlaskClient, path: str) -> None:
    found = client.get(path, headers={"Origin": "https://sandbox.cds-hooks.org"})
    assert not [name for name, _ in found.headers if name.startswith("Access-Control")]
    runtime = client.application.extensions["cds"]
    for secret in (runtime.rule_base.version, runtime.rule_base.digest, str(runtime.audit.path)):
        assert secret not in found.text


def test_a_database_that_another_program_holds_makes_it_not_ready(
    own: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    with closing(sqlite3.connect(database(own), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert ready(own) == (
            503,
            {"status": "not ready", "checks": {"database": "failed", "rules": "ok"}},
        )
        assert ready(own)[0] == 503
    assert ready(own)[0] == 200
    said = [one.message for one in caplog.records if "ready" in one.message]
    assert len(said) == 2  # once when it began, once when it ended
    assert "locked by another program" in said[0]
    assert own.test_client().get("/healthz").status_code == 200


def test_a_database_that_is_gone_makes_it_not_ready(own: Flask) -> None:
    for file in database(own).parent.glob("audit.sqlite3*"):
        file.unlink()
    assert ready(own)[0] == 503
    assert not database(own).exists()  # looking made none
    refused(post(own.test_client(), request()), 503)


def test_a_disk_without_room_makes_it_not_ready(own: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cds_service.audit.store._ROOM", 2**60)
    assert ready(own)[1]["checks"]["database"] == "failed"


@pytest.mark.parametrize("lost", ["facts", "rules", "services"])
def test_a_rule_base_that_can_decide_nothing_makes_it_not_ready(own: Flask, lost: str) -> None:
    runtime = own.extensions["cds"]
    broken = msgspec.structs.replace(runtime.rule_base, **{lost: {}})
    runtime.clients = Clients({}, msgspec.structs.replace(runtime.clients.anonymous, rule_base=broken))
    assert ready(own)[1]["checks"]["rules"] == "failed"


def test_a_process_that_ends_says_so_on_the_connections_it_still_has(client: FlaskClient) -> None:
    found = client.get("/readyz", environ_overrides={STOPPING: True})
    assert (found.status_code, json.loads(found.data)) == (503, {"status": "stopping"})
    assert client.get("/healthz", environ_overrides={STOPPING: True}).status_code == 200
