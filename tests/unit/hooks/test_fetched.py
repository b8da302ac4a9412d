"""What a FHIR server answered is read as prefetch is; its mistakes are one key that is not to be had."""

import json
from datetime import date
from typing import Any

import pytest

from cds_service.failures import Failure, Kind
from cds_service.fhir.absence import MEANINGS, Absence
from cds_service.fhir.evidence import Arrival, Evidence, Unavailable
from cds_service.hooks import fetched
from cds_service.hooks.entries import MOST_ENTRIES
from cds_service.hooks.fetched import Fetched
from cds_service.hooks.necessary import demand_necessary
from cds_service.hooks.request import Question
from tests.unit.hooks.test_prefetch_shapes import bundle, condition, outcome, potassium

TEMPLATES = {
    "patient": "Patient/{{context.patientId}}",
    "conditions": "Condition?patient={{context.patientId}}&_count=3",
    "laboratory": "Observation?patient={{context.patientId}}&category=laboratory&_sort=-date&_count=3",
    "encounter": "Encounter/{{context.encounterId}}",
}
QUESTION = Question("s", "patient-view", "i", "pat-1", encounter="visit-1")


def read(key: str, body: Any, **more: Any) -> Arrival | Unavailable:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return fetched.read({key: Fetched(raw, **more)}, TEMPLATES, QUESTION)[key]


def incomplete(found: Arrival | Unavailable) -> str:
    return found.incomplete if isinstance(found, Arrival) else f"nothing: {found.reason}"


THREE = bundle(condition(1), condition(2), condition(3))
SHAPES: list[tuple[str, Any, dict[str, Any], str]] = [
    ("conditions", bundle(), {}, ""),
    ("conditions", bundle(condition(1)), {}, ""),
    ("conditions", THREE, {}, "cut-by-count"),
    ("conditions", THREE, {"whole": True}, ""),  # a server that pages has said that there is no more
    ("conditions", THREE, {"why": "out-of-time"}, "out-of-time"),
    ("conditions", bundle(condition(1), total=9), {"whole": True}, "fewer-than-total"),
    ("conditions", condition(1), {}, "no-list"),
    ("conditions", outcome("error"), {}, "nothing: error-outcome"),
    ("conditions", bundle(outcome("error")), {}, "nothing: error-outcome"),
    ("conditions", bundle(condition(1), outcome("error")), {}, "error-outcome"),
    ("conditions", bundle(condition(1), outcome("error")), {"why": "busy"}, "error-outcome"),
    ("conditions", b"<html>", {}, "nothing: not-fhir"),
    ("conditions", b"", {}, "nothing: not-fhir"),
    ("conditions", b"[]", {}, "nothing: not-fhir"),
    ("conditions", b'{"a":1}', {}, "nothing: not-fhir"),
    ("conditions", bundle(*[condition(1)] * (MOST_ENTRIES + 1)), {}, "nothing: too-large"),
    ("patient", {"resourceType": "Patient", "id": "pat-1"}, {}, ""),
    ("patient", {"resourceType": "Patient", "id": "other"}, {}, "nothing: other-patient"),
    ("encounter", {"resourceType": "Encounter", "id": "visit-1"}, {}, ""),
    ("encounter", {"resourceType": "Encounter", "id": "visit-2"}, {}, "other-encounter"),
]


@pytest.mark.requirement("D", 14)
@pytest.mark.parametrize(("key", "body", "more", "reason"), SHAPES)
def test_a_shape_has_one_meaning(key: str, body: Any, more: dict[str, Any], reason: str) -> None:
    assert incomplete(read(key, body, **more)) == reason


def test_a_sorted_list_that_was_cut_is_known_back_to_a_day() -> None:
    found = read("laboratory", bundle(*(potassium(one, f"2026-11-1{one}") for one in (7, 5, 3))))
    assert isinstance(found, Arrival)
    assert (found.incomplete, found.back_to) == ("cut-by-count", date(2026, 11, 13))
    late = read("laboratory", bundle(potassium(7), potassium(5), potassium(3)), why="out-of-time")
    assert isinstance(late, Arrival)
    assert (late.incomplete, late.back_to) == ("out-of-time", None)


def test_what_is_somebody_elses_is_dropped() -> None:
    theirs = condition(2, subject={"reference": "Patient/other"})
    found = read("conditions", bundle(condition(1), theirs))
    assert isinstance(found, Arrival)
    assert (len(found.items), found.other_patient, found.origin) == (1, 1, "fetched")


@pytest.mark.requirement(15)
@pytest.mark.parametrize("why", MEANINGS)
@pytest.mark.parametrize("key", ["patient", "conditions"])
def test_a_412_says_why_it_could_not_be_fetched(key: str, why: Absence) -> None:
    patient = read("patient", {"resourceType": "Patient", "id": "pat-1"})
    arrivals = {"patient": patient, "conditions": Arrival("conditions", "fetched")}
    with pytest.raises(Failure) as failed:
        demand_necessary(Evidence(arrivals | {key: Unavailable(key, why)}))
    assert failed.value.kind is Kind.UNOBTAINABLE
    assert failed.value.where == f"prefetch.{key}"
    assert MEANINGS[why] in failed.value.what
    assert "missing from prefetch" in failed.value.what


@pytest.mark.requirement(15)
def test_conditions_beside_an_error_are_not_enough_and_some_pages_are() -> None:
    patient = read("patient", {"resourceType": "Patient", "id": "pat-1"})
    failing = read("conditions", bundle(condition(1), outcome("error")))
    with pytest.raises(Failure, match="an error in an OperationOutcome"):
        demand_necessary(Evidence({"patient": patient, "conditions": failing}))
    partly = read("conditions", bundle(condition(1)), why="out-of-time")
    demand_necessary(Evidence({"patient": patient, "conditions": partly}))
