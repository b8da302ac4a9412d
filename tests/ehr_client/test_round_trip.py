"""An EHR with a FHIR server that is not ours gets the golden cards, by the published queries alone."""

import re

import pytest

from tests.ehr_client.charts import TRAILING_ZEROS, asked, golden
from tests.ehr_client.conftest import Loaded
from tests.ehr_client.ehr import UNSEARCHABLE, Ehr, filled
from tests.golden import pairs

pytestmark = pytest.mark.server

NAMES = pairs.names()
NOT_R4 = {"Observation/messy-k-wrong-type", "Procedure/messy-no-status"}


@pytest.fixture(scope="module", params=["as published", "pages of 3, searched by POST"])
def ehr(fhir_server: Loaded, service: str, request: pytest.FixtureRequest) -> Ehr:
    """Return an EHR that asks as it is told, and one whose server cuts every list into small pages."""
    if request.param == "as published":
        return Ehr(fhir_server.base, service)
    return Ehr(fhir_server.base, service, page=3, by_post=True)


@pytest.mark.requirement(9, 14, 16, 17, 18, 75)
@pytest.mark.parametrize("name", NAMES)
def test_the_cards_are_the_golden_ones(ehr: Ehr, name: str) -> None:
    assert TRAILING_ZEROS.sub(r"\1", asked(ehr, name)) == TRAILING_ZEROS.sub(r"\1", golden(name))


def test_the_pages_were_really_followed(fhir_server: Loaded, service: str) -> None:
    ehr = Ehr(fhir_server.base, service, page=3)
    patient = next(one for one in ehr.services() if one["hook"] == "patient-view")
    prefetch = ehr.prefetch(patient, ehr.context("patient-view", "no-symptom"))
    found = [entry["resource"]["id"] for entry in prefetch["laboratory"]["entry"]]
    assert ehr.pages >= 4
    assert len(found) == len(set(found)) > 10
    assert all(one["relation"] != "next" for one in prefetch["laboratory"]["link"])


@pytest.mark.requirement(14, 26)
def test_one_page_of_more_is_not_taken_for_all(fhir_server: Loaded, service: str) -> None:
    # The EHR stops after the first page: the newest potassium is on it, and creatinine is not.
    ehr = Ehr(fhir_server.base, service)
    patient = next(one for one in ehr.services() if one["hook"] == "patient-view")
    context = ehr.context("patient-view", "k-2-4")
    prefetch = ehr.prefetch(patient, context)
    query = str(filled(patient["prefetch"]["laboratory"], context))
    prefetch["laboratory"] = ehr.first_page(re.sub(r"_count=\d+", "_count=1", query))
    assert [one["relation"] for one in prefetch["laboratory"]["link"]].count("next") == 1
    body = ehr.call(patient, context, prefetch, "2026-11-22T09:00:00Z")
    assert body["cards"][0]["summary"].startswith("Potassium 2.4 mmol/L")
    assert "ot wholly delivered: laboratory results" in body["cards"][0]["detail"]


# --- what the server does otherwise -------------------------------------------------------------------


def test_the_server_took_every_fixture_but_what_is_no_r4(fhir_server: Loaded) -> None:
    assert fhir_server.refused.keys() == NOT_R4, fhir_server.refused


def test_no_query_is_refused_but_where_the_server_is_known_to_lack_it(
    fhir_server: Loaded, service: str
) -> None:
    # What Ehr works around, and why, is written at ehr.UNSEARCHABLE.
    ehr = Ehr(fhir_server.base, service)
    asked(ehr, "cauda-equina")
    assert ehr.worked_around.keys() == UNSEARCHABLE
    assert all("Unknown search parameter 'patient'" in said for said in ehr.worked_around.values())
