"""The application, once per session; each test that changes what is stored makes its own."""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from flask import Flask
from flask.testing import FlaskClient

from cds_service import content
from cds_service.app import create_app
from cds_service.cases import fixtures
from cds_service.settings import Settings
from tests.conformance.calls import HOOKS, Json, answered, post

if TYPE_CHECKING:
    from pathlib import Path

MakeApp = Callable[..., Flask]


class Call(NamedTuple):
    """A request as the demonstration makes it for a fixture patient, and what was answered."""

    patient: str
    hook: str
    request: Json
    body: Json


@pytest.fixture(scope="session")
def make_app(tmp_path_factory: pytest.TempPathFactory) -> MakeApp:
    """Return a maker of applications, each with an audit log of its own."""

    def make(**more: Any) -> Flask:
        folder: Path = tmp_path_factory.mktemp("audit")
        chosen: dict[str, Any] = {"demo": True, "allow_now": True, "validate": True, "rate": "", **more}
        return create_app(Settings(audit_db=folder / "audit.sqlite3", **chosen))

    return make


@pytest.fixture(scope="session")
def app(make_app: MakeApp) -> Flask:
    """Return the application as `--demo` starts it."""
    return make_app()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """Return a client of the demonstration."""
    return app.test_client()


@pytest.fixture(scope="session")
def sober(make_app: MakeApp) -> FlaskClient:
    """Return a client of the service as it stands in production."""
    return make_app(demo=False, allow_now=False, validate=False).test_client()


@pytest.fixture(scope="session")
def every_call(app: Flask) -> list[Call]:
    """Return what every fixture patient gets at every hook: about 600 calls, in 6 s of CPU."""
    client, found = app.test_client(), []
    for name in fixtures.names(content.folder("fhir_fixtures")):
        for hook in HOOKS:
            sent = client.get(f"/demo/requests/{name}/{hook}").data
            found.append(Call(name, hook, json.loads(sent), answered(post(client, sent, hook))))
    return found
