"""The application, once per session; each test that changes what is stored makes its own."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from cds_service.app import create_app
from cds_service.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

MakeApp = Callable[..., Flask]


@pytest.fixture(scope="session")
def make_app(tmp_path_factory: pytest.TempPathFactory) -> MakeApp:
    """Return a maker of applications, each with an audit log of its own."""

    def make(**more: Any) -> Flask:
        folder: Path = tmp_path_factory.mktemp("audit")
        chosen: dict[str, Any] = {"demo": True, "allow_now": True, "validate": True, **more}
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
