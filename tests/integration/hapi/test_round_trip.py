"""An EHR whose FHIR server is HAPI gets the golden cards, by the queries as they are published."""

import logging

import pytest

from tests.ehr_client.charts import asked, golden
from tests.ehr_client.ehr import Ehr
from tests.golden import pairs
from tests.integration.hapi.conftest import Loaded

pytestmark = [pytest.mark.hapi, pytest.mark.server]

log = logging.getLogger(__name__)


@pytest.fixture(scope="module")
def ehr(hapi: Loaded, service: str) -> Ehr:
    """Return an EHR that asks as it is told."""
    return Ehr(hapi.base, service)


def test_the_server_took_every_fixture_but_a_status_that_r4_does_not_have(hapi: Loaded) -> None:
    server = hapi.server
    log.info("%s: up in %.1f s, loaded in %.1f s", server.version, server.seconds, hapi.seconds)
    # It asks for valid codes; it would take a Procedure without its status, which R4 demands.
    assert hapi.refused.keys() == {"Observation/messy-k-wrong-type"}, hapi.refused


@pytest.mark.requirement(9, 14, 16, 17, 18, 75)
@pytest.mark.parametrize("name", pairs.names())
def test_the_cards_are_the_golden_ones(ehr: Ehr, name: str) -> None:
    assert asked(ehr, name) == golden(name)


@pytest.mark.requirement(14, 17, 24)
@pytest.mark.parametrize("name", pairs.names())
def test_without_prefetch_the_service_asks_and_the_cards_are_the_golden_ones(
    hapi: Loaded, fetching: str, name: str
) -> None:
    assert asked(Ehr(hapi.base, fetching), name, prefetch=False) == golden(name)


def test_no_published_query_is_refused(ehr: Ehr) -> None:
    asked(ehr, "cauda-equina")
    assert ehr.worked_around == {}
