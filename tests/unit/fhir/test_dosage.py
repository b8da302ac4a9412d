"""How much a day a FHIR Dosage says (R4 Dosage, Timing)."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from cds_service.fhir.dosage import daily_milligrams
from cds_service.fhir.quantity import Interval
from cds_service.fhir.resources import Dosage

Json = dict[str, Any]
_DAILY: Json = {"repeat": {"frequency": 1, "period": 1, "periodUnit": "d"}}


def dose(value: float = 40, unit: str = "mg") -> list[Json]:
    return [{"doseQuantity": {"value": value, "unit": unit}}]


def coded(code: str) -> Json:
    return {"code": {"coding": [{"code": code}]}}


def read(*dosages: Json) -> Interval | None:
    return daily_milligrams(
        msgspec.json.decode(msgspec.json.encode(one), type=Dosage) for one in dosages
    )


def a_day(low: str, high: str | None = None) -> Interval:
    return Interval(Decimal(low), Decimal(high or low))


@pytest.mark.parametrize(
    ("dosage", "expected"),
    [
        ({"doseAndRate": dose(), "timing": _DAILY}, a_day("40")),
        ({"doseAndRate": dose(0.5, "g"), "timing": coded("BID")}, a_day("1000")),
        ({"doseAndRate": dose(500, "ug"), "timing": coded("QD")}, a_day("0.5")),
        ({"doseAndRate": dose(10), "timing": coded("QOD")}, a_day("5")),
        ({"doseAndRate": dose(), "timing": {"repeat": {"when": ["HS"]}}}, a_day("40")),
        (
            {"doseAndRate": dose(), "timing": {"repeat": {"timeOfDay": ["08:00:00", "20:00:00"]}}},
            a_day("80"),
        ),
        (
            {
                "doseAndRate": dose(),
                "timing": {"repeat": {"frequency": 1, "period": 8, "periodUnit": "h"}},
            },
            a_day("120"),
        ),
        (
            {
                "doseAndRate": dose(70),
                "timing": {"repeat": {"frequency": 1, "period": 1, "periodUnit": "wk"}},
            },
            a_day("10"),
        ),
        (
            {
                "doseAndRate": dose(),
                "timing": {
                    "repeat": {"frequency": 1, "frequencyMax": 2, "period": 1, "periodUnit": "d"}
                },
            },
            a_day("40", "80"),
        ),
        ({"doseAndRate": dose(), "timing": _DAILY, "asNeededBoolean": True}, a_day("0", "40")),
        (
            {
                "doseAndRate": [
                    {
                        "doseRange": {
                            "low": {"value": 10, "unit": "mg"},
                            "high": {"value": 20, "unit": "mg"},
                        }
                    }
                ],
                "timing": _DAILY,
            },
            a_day("10", "20"),
        ),
    ],
)
def test_dose_times_frequency(dosage: Json, expected: Interval) -> None:
    assert read(dosage) == expected


@pytest.mark.parametrize(
    "dosage",
    [
        {"text": "40 mg in the evening"},
        {"doseAndRate": dose(1, "tablet"), "timing": _DAILY},
        {"doseAndRate": dose()},
        {"doseAndRate": dose(), "timing": {"repeat": {"dayOfWeek": ["mon"]}}},
        {
            "doseAndRate": dose(),
            "timing": {"repeat": {"frequency": 1, "period": 1, "periodUnit": "mo"}},
        },
        {"doseAndRate": dose(), "timing": coded("UNHEARD")},
        {"doseAndRate": "40 mg", "timing": _DAILY},
        {
            "doseAndRate": [{"doseQuantity": {"value": 40, "unit": "mg", "comparator": "<"}}],
            "timing": _DAILY,
        },
        {"doseAndRate": dose(0), "timing": _DAILY},
    ],
)
def test_what_is_not_said_in_numbers_is_unknown(dosage: Json) -> None:
    assert read(dosage) is None


def test_instructions_together_add_up_and_steps_one_after_the_other_do_not() -> None:
    morning = {"doseAndRate": dose(20), "timing": coded("AM")}
    evening = {"doseAndRate": dose(40), "timing": coded("PM")}

    assert read(morning, evening) == a_day("60")
    assert read({**morning, "sequence": 1}, {**evening, "sequence": 2}) == a_day("20", "40")


def test_one_part_in_words_leaves_the_whole_unknown() -> None:
    assert read({"doseAndRate": dose(20), "timing": _DAILY}, {"text": "and one more"}) is None


def test_no_instruction_is_unknown() -> None:
    assert read() is None
