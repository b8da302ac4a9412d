"""Which two results may be taken together, and how long it takes to find out."""

import time
from typing import Any

import pytest

from cds_service.rulebase.model import RuleBase
from tests.unit.facts.chemistry import chemistry, derived, result
from tests.unit.facts.patients import assessed

NOW = "2026-11-22T06:00:00Z"
LAST_YEAR = "2026-01-22T06:00:00Z"
ONE = {"reference": "Specimen/1"}


@pytest.fixture(scope="module")
def base() -> RuleBase:
    return chemistry(
        {
            "low": derived("corrected-sodium", ["sodium", "glucose"], is_={"below": "na-135"}),
            "thick": derived(
                "calculated-osmolarity",
                ["sodium", "potassium", "glucose", "urea", "nitrogen"],
                is_={"above": "osm-295"},
            ),
        }
    )


def sodium(**fields: Any) -> dict[str, Any]:
    return result("na", 128, at=NOW) | fields


def glucose(value: float = 50, at: str = NOW, **fields: Any) -> dict[str, Any]:
    return result("glu", value, at=at) | {"id": "g"} | fields


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"specimen": ONE}, {"specimen": ONE}),
        ({"id": "same"}, {"id": "same"}),
    ],
)
def test_one_name_does_not_bring_together_what_is_a_year_apart(
    base: RuleBase, first: dict[str, Any], second: dict[str, Any]
) -> None:
    far, near = glucose(at=LAST_YEAR, **second), glucose(**second)

    assert assessed(base, laboratory=[sodium(**first), far]).value("low") is True
    assert assessed(base, laboratory=[sodium(**first), near]).value("low") is False


def test_a_specimen_excuses_a_date_without_a_clock_time(base: RuleBase) -> None:
    vague = glucose(at="2026-11-22", specimen=ONE)

    assert assessed(base, laboratory=[sodium(specimen=ONE), vague]).value("low") is False
    assert assessed(base, laboratory=[sodium(), vague]).value("low") is True


@pytest.mark.parametrize("ids", [("aa", "zz"), ("zz", "aa")])
def test_of_two_as_near_the_one_that_corrects_least_counts(base: RuleBase, ids: tuple[str, str]) -> None:
    two = [glucose(50) | {"id": ids[0]}, glucose(5) | {"id": ids[1]}]

    assert assessed(base, laboratory=[sodium(), *two]).value("low") is True


def test_many_pairs_take_no_longer_than_their_number(base: RuleBase) -> None:
    def seconds(many: int) -> float:
        every = [
            made | {"id": f"{code}{number}"}
            for number in range(many)
            for code, made in (
                ("na", sodium(effectiveDateTime=f"2026-11-22T06:{number % 60:02d}:00Z")),
                ("glu", glucose(effectiveDateTime=f"2026-11-22T06:{number % 59:02d}:30Z")),
            )
        ]
        begun = time.process_time()
        assessed(base, laboratory=every).value("low")
        return time.process_time() - begun

    few = min(seconds(200) for _ in range(3))
    assert seconds(2000) < 40 * few  # in proportion 10; each with each would be 100
