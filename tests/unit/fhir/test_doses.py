"""Milligrams a day from FHIR Dosage: the vectors of `fhir.doses`, and whatever is not told."""

import json
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from cds_service.fhir.doses import milligrams_a_day
from cds_service.fhir.resources import Dosage

Json = dict[str, Any]


def dosage(
    value: float | None = 10,
    unit: str = "mg",
    *,
    repeat: Json | None = None,
    code: str | None = None,
    **fields: Any,
) -> Json:
    """A dosage of one dose, once a day unless said."""
    timing: Json = {"repeat": repeat} if repeat is not None else {}
    if code is not None:
        timing["code"] = {"coding": [{"code": code}]}
    if not timing:
        timing = {"repeat": daily(1)}
    dose: Json = {} if value is None else {"doseAndRate": [{"doseQuantity": quantity(value, unit)}]}
    return {"timing": timing, **dose, **fields}


def daily(times: float, **more: Any) -> Json:
    """So many times a day."""
    return {"frequency": times, "period": 1, "periodUnit": "d"} | more


def quantity(value: float, unit: str) -> Json:
    """A dose."""
    return {"value": value, "unit": unit, "system": "http://unitsofmeasure.org", "code": unit}


def per_day(*dosages: Json) -> tuple[Decimal | None, Decimal | None] | None:
    """The edges, after a way through JSON."""
    read = msgspec.json.decode(json.dumps(dosages), type=tuple[Dosage, ...])
    found = milligrams_a_day(read)
    return None if found is None else (found.low, found.high)


def point(text: str) -> tuple[Decimal, Decimal]:
    """Both edges at one number."""
    return Decimal(text), Decimal(text)


@pytest.mark.parametrize(
    ("given", "edges"),
    [
        (dosage(10, repeat=daily(2)), point("20")),
        (dosage(5, repeat={"frequency": 1, "period": 6, "periodUnit": "h"}), point("20")),
        (dosage(70, repeat={"frequency": 1, "period": 1, "periodUnit": "wk"}), point("10")),
        (dosage(10, repeat={"period": 2, "periodUnit": "d"}), point("5")),
        (dosage(0.02, "g"), point("20")),
        (dosage(500, "ug"), point("0.5")),
        (dosage(7.5, code="BID"), point("15")),
        (dosage(20, code="QOD"), point("10")),
        (dosage(10, repeat=daily(1, frequencyMax=2)), (Decimal(10), Decimal(20))),
        (dosage(10, repeat=daily(1, periodMax=2)), (Decimal(5), Decimal(10))),
        (dosage(10, asNeededBoolean=True), (Decimal(0), Decimal(10))),
        (dosage(10, asNeededBoolean=False), point("10")),
        (dosage(10, asNeededCodeableConcept={"text": "pain"}), (Decimal(0), Decimal(10))),
    ],
)
def test_dose_times_a_day(given: Json, edges: tuple[Decimal, Decimal]) -> None:
    assert per_day(given) == edges


def test_a_range_of_doses_is_an_interval() -> None:
    between = {"doseRange": {"low": quantity(5, "mg"), "high": quantity(10, "mg")}}
    assert per_day(dosage(None, doseAndRate=[between])) == (Decimal(5), Decimal(10))


def test_dosages_together_are_added_and_steps_of_a_taper_are_not() -> None:
    morning, evening = dosage(10), dosage(5)
    assert per_day(morning, evening) == point("15")
    first, second = dosage(40, sequence=1), dosage(10, sequence=2)
    assert per_day(first, second) == (Decimal(10), Decimal(40))


@pytest.mark.parametrize(
    "given",
    [
        {},
        dosage(None),
        dosage(1, "{tbl}"),
        dosage(1, "TAB"),
        dosage(-5),
        {"doseAndRate": [{"doseQuantity": quantity(10, "mg")}]},
        dosage(repeat={"frequency": 1, "period": 1, "periodUnit": "mo"}),
        dosage(repeat={"frequency": 0, "period": 1, "periodUnit": "d"}),
        dosage(repeat={"frequency": 1, "periodUnit": "d"}),
        dosage(repeat=daily(1, dayOfWeek=["mon"])),
        dosage(repeat=daily(1, when=["MORN", "EVE"])),
        dosage(code="as the doctor said"),
        dosage(timing="twice a day"),
        dosage(doseAndRate="10 mg"),
        dosage(doseAndRate=[{"doseQuantity": {**quantity(10, "mg"), "comparator": ">"}}]),
        dosage(doseAndRate=[{"doseQuantity": quantity(10, "mg")}, {"doseQuantity": quantity(9, "mg")}]),
        dosage(doseAndRate=[{"doseRange": {"low": quantity(5, "mg")}}]),
    ],
)
def test_what_is_not_told_is_not_guessed(given: Json) -> None:
    assert per_day(given) is None
    assert per_day(dosage(), given) is None


def test_no_dosage_at_all_tells_nothing() -> None:
    assert per_day() is None
