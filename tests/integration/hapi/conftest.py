"""A HAPI FHIR server with all fixture patients in it, and the service beside it."""

import time
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from xdist.scheduler.loadscope import LoadScopeScheduling  # type: ignore[import-untyped]

from tests.browser import serving
from tests.ehr_client import serving as fetching_service
from tests.ehr_client.charts import bundle
from tests.ehr_client.ehr import Ehr
from tests.golden import pairs
from tests.integration.hapi import running
from tests.integration.hapi.running import Running, Validator


class ByProgram(LoadScopeScheduling):  # type: ignore[misc]
    """Of two workers one has the server, and one the validator: each is started once."""

    def _split_scope(self, nodeid: str) -> str:
        return "validator" if "test_validity" in nodeid else "server"


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    """Called where this folder is named on the command line, as `make test-hapi` does."""
    return ByProgram(config, log)


class Loaded(msgspec.Struct, frozen=True):
    """A server with the fixtures in it: what it refused of them (`Type/id` → why), and what it took."""

    server: Running
    refused: dict[str, str]
    seconds: float

    @property
    def base(self) -> str:
        """The base address."""
        return self.server.base


@pytest.fixture(scope="session")
def hapi(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loaded]:
    """Return the server, every patient loaded by one transaction each."""
    with running.server(tmp_path_factory.mktemp("hapi")) as server:
        ehr = Ehr(server.base, "")
        refused: dict[str, str] = {}
        began = time.monotonic()
        for name in pairs.names():
            refused |= ehr.load_what_it_takes(bundle(name))
        yield Loaded(server, refused, time.monotonic() - began)


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the address of discovery of a service of these tests alone."""
    with serving.running(tmp_path_factory.mktemp("service")) as started:
        yield f"{started.base}cds-services"


@pytest.fixture(scope="session")
def fetching(hapi: Loaded, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the address of discovery of a service that may ask HAPI for what prefetch does not bring.

    It has ten times the time that it has by default: two cores are shared with HAPI here.
    """
    servers = [fetching_service.loopback(hapi.base)]
    folder = tmp_path_factory.mktemp("fetching")
    with fetching_service.running(folder, servers, CDS_FETCH_BUDGET="15000") as started:
        yield started.discovery


@pytest.fixture(scope="session")
def validator() -> Iterator[Validator]:
    """Return HAPI's instance validator."""
    with running.validating() as found:
        yield found
