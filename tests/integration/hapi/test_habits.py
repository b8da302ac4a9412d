"""HAPI's own ways: pages out of a database, searches that it keeps, and what came between two calls."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.ehr_client.charts import bundle
from tests.ehr_client.ehr import Ehr, exact, filled
from tests.integration.hapi.conftest import Loaded

pytestmark = [pytest.mark.hapi, pytest.mark.server]

Json = dict[str, Any]
NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
MANY = 230  # results: more than the published query's _count, so that they come in two pages


def renamed(name: str, to: str) -> Json:
    """A fixture patient under other ids: what a test changes about it, no other test sees."""
    text = exact.encode(bundle(name)).replace(name.encode(), to.encode())
    found: Json = json.loads(text, parse_float=Decimal)
    return found


def of(found: Json, id_: str) -> Json:
    """Return the one resource of an id."""
    [one] = [entry["resource"] for entry in found["entry"] if entry["resource"]["id"] == id_]
    resource: Json = one
    return resource


def put(*resources: Json) -> Json:
    """Return a transaction that writes resources."""
    entries = [
        {"resource": one, "request": {"method": "PUT", "url": f"{one['resourceType']}/{one['id']}"}}
        for one in resources
    ]
    return {"resourceType": "Bundle", "type": "transaction", "entry": entries}


def view(ehr: Ehr, patient: str) -> tuple[Json, Json]:
    """Open a chart: the prefetch, and the answer."""
    service = next(one for one in ehr.services() if one["hook"] == "patient-view")
    context = ehr.context("patient-view", patient)
    prefetch = ehr.prefetch(service, context)
    return prefetch, ehr.call(service, context, prefetch, NOW.isoformat())


@pytest.fixture(scope="module")
def many(hapi: Loaded) -> str:
    """Return a patient with so many results that an earlier potassium is on the second page."""
    chart = renamed("k-2-4", "k-many")
    cholesterol = of(bundle("no-symptom"), "no-symptom-cholesterol")
    further = [
        {
            **cholesterol,
            "id": f"k-many-cholesterol-{number}",
            "subject": {"reference": "Patient/k-many"},
            "effectiveDateTime": (NOW - timedelta(hours=2 + number)).isoformat(),
        }
        for number in range(MANY)
    ]
    ehr = Ehr(hapi.base, "")
    ehr.load(chart)
    ehr.load(put(*further))
    return "k-many"


@pytest.mark.requirement(14)
def test_the_second_page_is_followed_and_read(hapi: Loaded, service: str, many: str) -> None:
    ehr = Ehr(hapi.base, service)
    prefetch, answer = view(ehr, many)
    found = [entry["resource"]["id"] for entry in prefetch["laboratory"]["entry"]]
    assert ehr.pages == 1
    assert len(found) == len(set(found)) > MANY
    assert answer["cards"][0]["summary"].startswith("Potassium 2.4 mmol/L")
    assert "before: 3.6 mmol/L" in answer["cards"][0]["detail"]


@pytest.mark.requirement(14, 26)
def test_the_first_page_alone_raises_the_alarm_and_says_that_it_is_not_all(
    hapi: Loaded, service: str, many: str
) -> None:
    ehr = Ehr(hapi.base, service)
    patient_view = next(one for one in ehr.services() if one["hook"] == "patient-view")
    context = ehr.context("patient-view", many)
    query = str(filled(patient_view["prefetch"]["laboratory"], context))
    page = ehr.first_page(query)
    [further] = [one["url"] for one in page["link"] if one["relation"] == "next"]
    assert further.startswith(f"{hapi.base}?_getpages=")  # of the root, and nothing to be made of it
    prefetch = {**ehr.prefetch(patient_view, context), "laboratory": page}
    answer = ehr.call(patient_view, context, prefetch, NOW.isoformat())
    assert answer["cards"][0]["summary"].startswith("Potassium 2.4 mmol/L")
    assert "before: 3.6" not in answer["cards"][0]["detail"]
    assert "ot wholly delivered: laboratory results" in answer["cards"][0]["detail"]


def bare(ehr: Ehr, patient: str) -> Json:
    """Open a chart and send nothing of it: the answer of a service that has to ask."""
    patient_view = next(one for one in ehr.services() if one["hook"] == "patient-view")
    context = ehr.context("patient-view", patient)
    return ehr.call(patient_view, context, None, NOW.isoformat())


@pytest.mark.requirement(14, 24)
def test_the_service_that_asks_for_itself_follows_the_pages_of_a_list_without_an_order(
    hapi: Loaded, fetching: str
) -> None:
    # More problems than one page holds; the complaint takes the place of one that is on the second.
    chart, cold = renamed("k-2-4", "k-problems"), of(bundle("no-symptom"), "no-symptom-cold")
    complaint = of(chart, "k-problems-heavy-legs")
    rest = [one["resource"] for one in chart["entry"] if one["resource"] is not complaint]
    subject = {"reference": "Patient/k-problems"}
    colds = [{**cold, "id": f"k-problems-cold-{one}", "subject": subject} for one in range(MANY + 50)]
    ehr = Ehr(hapi.base, fetching, afresh=True)
    ehr.load(put(*rest))
    ehr.load(put(*colds))
    query = "Condition?patient=k-problems&_count=250"
    first = {one["resource"]["id"] for one in ehr.first_page(query)["entry"]}
    late = next(one["id"] for one in colds if one["id"] not in first)
    ehr.load(put({**complaint, "id": late}))

    page = ehr.first_page(query)
    assert "next" in {one["relation"] for one in page["link"]}
    assert late not in {one["resource"]["id"] for one in page["entry"]}
    answer = bare(ehr, "k-problems")
    assert answer["cards"][0]["summary"].startswith("Potassium 2.4 mmol/L")
    assert "heavy legs" in answer["cards"][0]["summary"]
    assert "wholly delivered" not in answer["cards"][0]["detail"]


def test_a_value_that_is_corrected_between_two_calls_counts_at_the_second(
    hapi: Loaded, service: str
) -> None:
    chart = renamed("k-2-4", "k-corrected")
    Ehr(hapi.base, "").load(chart)
    _, before = view(Ehr(hapi.base, service), "k-corrected")
    assert before["cards"][0]["summary"].startswith("Potassium 2.4 mmol/L")

    potassium = of(chart, "k-corrected-potassium")
    corrected = {
        **potassium,
        "status": "corrected",
        "valueQuantity": {**potassium["valueQuantity"], "value": Decimal("4.2")},
    }
    Ehr(hapi.base, "").load(put(corrected))
    # HAPI keeps which resources a search found, not what stands in them: this needs no new search.
    for afresh in (False, True):
        _, after = view(Ehr(hapi.base, service, afresh=afresh), "k-corrected")
        assert [card for card in after["cards"] if "Potassium 2.4" in card["summary"]] == []


def test_a_value_that_comes_between_two_calls_is_found_when_the_search_is_made_anew(
    hapi: Loaded, service: str, fetching: str
) -> None:
    chart = renamed("k-2-4", "k-repeated")
    Ehr(hapi.base, "").load(chart)
    view(Ehr(hapi.base, service), "k-repeated")

    first = of(chart, "k-repeated-potassium")
    repeat = {
        **first,
        "id": "k-repeated-potassium-again",
        "effectiveDateTime": (NOW - timedelta(minutes=10)).isoformat(),
        "issued": (NOW - timedelta(minutes=5)).isoformat(),
        "valueQuantity": {**first["valueQuantity"], "value": Decimal("2.6")},
    }
    Ehr(hapi.base, "").load(put(repeat))
    _, kept = view(Ehr(hapi.base, service), "k-repeated")
    assert kept["cards"][0]["summary"].startswith("Potassium 2.4 mmol/L")  # for up to a minute
    _, afresh = view(Ehr(hapi.base, service, afresh=True), "k-repeated")
    assert afresh["cards"][0]["summary"].startswith("Potassium 2.6 mmol/L")
    asked = bare(Ehr(hapi.base, fetching), "k-repeated")  # the service has it made anew
    assert asked["cards"][0]["summary"].startswith("Potassium 2.6 mmol/L")


def test_a_parameter_that_hapi_does_not_know_is_an_error_and_no_answer(hapi: Loaded) -> None:
    with pytest.raises(Exception, match="HAPI-0524: Unknown search parameter"):
        Ehr(hapi.base, "").found("Observation?patient=k-2-4&person=1")
