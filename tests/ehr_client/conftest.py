"""A FHIR server of others with all fixture patients in it, and the service beside it."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec
import pytest

from tests.browser import serving
from tests.ehr_client import fhir_server as sekmet
from tests.ehr_client.charts import bundle
from tests.ehr_client.ehr import Ehr
from tests.golden import pairs

if TYPE_CHECKING:
    from pathlib import Path


class Loaded(msgspec.Struct, frozen=True):
    """A FHIR server, and what of the fixtures it did not take: `Type/id` → what it said."""

    base: str
    refused: dict[str, str]


@pytest.fixture(scope="session")
def fhir_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loaded]:
    """Return the server, every patient loaded by one transaction each."""
    with sekmet.running(tmp_path_factory.mktemp("sekmet")) as base:
        ehr = Ehr(base, "")
        refused: dict[str, str] = {}
        for name in pairs.names():
            refused |= ehr.load_what_it_takes(bundle(name))
        yield Loaded(base, refused)


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the address of discovery of a service of these tests alone."""
    folder: Path = tmp_path_factory.mktemp("service")
    with serving.running(folder) as running:
        yield f"{running.base}cds-services"
