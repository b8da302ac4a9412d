"""Without prefetch the service asks the FHIR server for itself, and every card is the golden one."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.ehr_client import serving
from tests.ehr_client.charts import TRAILING_ZEROS, golden
from tests.ehr_client.conftest import Loaded
from tests.ehr_client.ehr import UNSEARCHABLE, Ehr, Json
from tests.golden import pairs, rendering

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.server


@pytest.fixture(scope="module")
def fetching(
    fhir_server: Loaded, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[serving.Fetching]:
    """Return a service that may ask the FHIR server; sekmet answers one query after the other."""
    folder: Path = tmp_path_factory.mktemp("fetching")
    servers = [serving.loopback(fhir_server.base)]
    with serving.running(folder, servers, CDS_FETCH_BUDGET="15000") as running:
        yield running


def asked(ehr: Ehr, name: str) -> str:
    """Open a chart, choose and sign its orders, and send no record with it: all answers as text."""
    bundle = json.loads((pairs.FOLDER / "patients" / f"{name}.json").read_bytes())
    answers: dict[str, Any] = {}
    for service in ehr.services():
        context = ehr.context(service["hook"], name)
        if service["hook"] in pairs.NEEDS_ENCOUNTER and "encounterId" not in context:
            continue
        prefetch = _unsearchable(ehr, service, context)
        answers[service["hook"]] = ehr.call(service, context, prefetch, bundle["timestamp"])
    return rendering.below(answers)


def _unsearchable(ehr: Ehr, service: Json, context: Json) -> Json:
    """What sekmet cannot search for: the one key that has to be sent here."""
    templates = {
        key: template
        for key, template in service["prefetch"].items()
        if template.partition("?")[0] in UNSEARCHABLE
    }
    assert list(templates) == ["questionnaireResponses"]
    return ehr.prefetch({**service, "prefetch": templates}, context)


@pytest.mark.requirement(14, 17, 24)
@pytest.mark.parametrize("name", pairs.names())
def test_the_cards_are_the_golden_ones(
    fhir_server: Loaded, fetching: serving.Fetching, name: str
) -> None:
    ehr = Ehr(fhir_server.base, fetching.discovery)
    assert TRAILING_ZEROS.sub(r"\1", asked(ehr, name)) == TRAILING_ZEROS.sub(r"\1", golden(name))
