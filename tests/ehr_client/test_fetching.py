"""Without prefetch the service asks the FHIR server for itself, and every card is the golden one."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
import requests

from tests.ehr_client import fault_proxy, habits, serving
from tests.ehr_client.charts import TRAILING_ZEROS, asked, golden
from tests.ehr_client.conftest import Loaded
from tests.ehr_client.ehr import UNSEARCHABLE, Ehr
from tests.ehr_client.fault_proxy import Answer, Asked, FaultProxy
from tests.golden import pairs

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.server

NAMES = pairs.names()
# sekmet answers one query after the other, and this machine may be busy with other tests.
BUDGET = "15000"


@pytest.fixture(scope="module")
def paged(fhir_server: Loaded) -> Iterator[FaultProxy]:
    """Return the same server behind one that pages as HAPI does, and calls itself by another name."""
    http = requests.Session()
    http.trust_env = False

    def upstream(request: Asked) -> Answer:
        passed = {name: request.headers[name] for name in ("accept", "prefer")}
        target = request.target.removeprefix("/fhir")
        found = http.get(f"{fhir_server.base}{target}", headers=passed, timeout=60)
        return Answer(found.status_code, found.content)

    with fault_proxy.serving(upstream) as proxy:
        origin = "https://fhir.example.org:443"  # as it calls itself behind its own proxy
        how = habits.Paging(size=3, origin=origin, total="absent")
        proxy.behave(habits.paging(how, proxy.base))
        yield proxy


@pytest.fixture(scope="module")
def fetching(
    fhir_server: Loaded, paged: FaultProxy, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[serving.Fetching]:
    """Return a service that may ask either."""
    folder: Path = tmp_path_factory.mktemp("fetching")
    servers = [serving.loopback(fhir_server.base), serving.loopback(paged.base)]
    with serving.running(folder, servers, CDS_FETCH_BUDGET=BUDGET) as running:
        yield running


@pytest.mark.requirement(14, 17, 24)
@pytest.mark.parametrize("name", NAMES)
def test_the_cards_are_the_golden_ones(
    fhir_server: Loaded, fetching: serving.Fetching, name: str
) -> None:
    ehr = Ehr(fhir_server.base, fetching.discovery)
    found = asked(ehr, name, prefetch=False, sent=UNSEARCHABLE)
    assert TRAILING_ZEROS.sub(r"\1", found) == TRAILING_ZEROS.sub(r"\1", golden(name))


@pytest.mark.requirement(14, 24)
@pytest.mark.parametrize("name", ["no-symptom", *NAMES[::10]])
def test_and_from_a_server_that_pages_as_hapi_does(
    fhir_server: Loaded, paged: FaultProxy, fetching: serving.Fetching, name: str
) -> None:
    chart = Ehr(fhir_server.base, fetching.discovery)
    chart.named = paged.base
    found = asked(chart, name, prefetch=False, sent=UNSEARCHABLE)
    assert TRAILING_ZEROS.sub(r"\1", found) == TRAILING_ZEROS.sub(r"\1", golden(name))
    further = [one for one in paged.asked if "_getpages" in one.target]
    assert len(further) >= 4 or name != "no-symptom"  # whose laboratory list is a long one
