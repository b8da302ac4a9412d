"""A value that has fallen since a medicine was stopped (B 3 ck-falling-after-stop)."""

from typing import Any

import pytest

from cds_service.facts.model import Fact, Reason
from cds_service.rulebase.model import RuleBase
from tests.unit.facts.patients import assessed, lab, medicine
from tests.unit.rulebase.tiny import fact, rule_base

Json = dict[str, Any]
_LIMITS = """
thresholds:
  half: {value: {"%": 50}, source: s, standing: design}
  window-14: {value: {d: 14}, source: s, standing: design}
"""
BASE: RuleBase = rule_base(
    {
        "falling": fact(
            "derived",
            by="fallen-since-end",
            of=["potassium", "pill"],
            is_={"above": "half"},
            with_={"apart": "window-14"},
            within="window-90",
        )
    },
    thresholds=_LIMITS,
)


def stopped(day: str = "2026-11-01") -> Json:
    return medicine(
        id="m-old",
        status="stopped",
        authoredOn="2026-01-01",
        dispenseRequest={"validityPeriod": {"end": day}},
    )


def read(*results: tuple[str, str], medicines: list[Json] | None = None) -> Fact:
    return assessed(
        BASE,
        laboratory=[lab(number, at=f"2026-{day}", id=f"o-{day}") for number, day in results],
        medicationRequests=[stopped()] if medicines is None else medicines,
    ).fact("falling")


@pytest.mark.parametrize(("after", "expected"), [("4.9", True), ("5.0", False), ("5.1", False)])
def test_more_than_half_of_the_value_at_the_end(after: str, expected: bool) -> None:
    assert read(("10.0", "11-01"), (after, "11-15")).value is expected


def test_fourteen_days_must_have_passed() -> None:
    assert read(("10.0", "11-01"), ("2.0", "11-14")).reason is Reason.NOT_RECORDED


def test_the_last_value_up_to_the_end_is_the_base_else_the_first_after_it() -> None:
    assert read(("6.0", "10-10"), ("10.0", "10-30"), ("4.0", "11-20")).value is True
    assert read(("10.0", "11-03"), ("4.0", "11-20")).value is True
    assert read(("4.0", "11-20")).reason is Reason.NOT_RECORDED


def test_while_it_is_taken_nothing_falls_for_want_of_it() -> None:
    assert read(("10.0", "11-01"), ("4.0", "11-20"), medicines=[medicine(), stopped()]).value is False


def test_an_end_that_nobody_dated_settles_nothing() -> None:
    undated = medicine(status="stopped", authoredOn="2026-01-01")

    assert read(("10.0", "11-01"), ("4.0", "11-20"), medicines=[undated]).value is None
    assert read(("10.0", "11-01"), ("4.0", "11-20"), medicines=[]).reason is Reason.NOT_RECORDED


def test_no_value_is_not_recorded() -> None:
    assert read().reason is Reason.NOT_RECORDED


def test_both_values_are_said() -> None:
    (datum,) = read(("10.0", "11-01"), ("4.0", "11-20")).data

    assert (datum.text, datum.before) == ("4.0 mmol/L", "10.0 mmol/L")
