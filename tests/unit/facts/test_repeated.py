"""So twice, far enough apart (B 3 ck-persistent, tsh-10-twice)."""

from typing import Any

import pytest

from cds_service.facts.model import Fact, Reason
from cds_service.rulebase.model import RuleBase
from tests.unit.facts.patients import assessed, lab, observation, quantity
from tests.unit.rulebase.tiny import fact, rule_base

Json = dict[str, Any]
_LIMITS = """
thresholds:
  one-and-a-half: {value: {"1": 1.5}, source: s, standing: design}
  window-14: {value: {d: 14}, source: s, standing: design}
"""
BASE: RuleBase = rule_base(
    {
        "twice-six": fact(
            "derived",
            by="twice",
            of=["potassium"],
            is_={"at-least": "potassium-high"},
            with_={"apart": "window-14"},
            within="window-90",
        ),
        "twice-raised": fact(
            "derived",
            by="twice-upper-limit",
            of=["potassium", "set-a"],
            is_={"above": "one-and-a-half"},
            with_={"apart": "window-14", "spoilt-for": "window-7"},
            within="window-90",
        ),
    },
    thresholds=_LIMITS,
)


def read(name: str, *results: Json, **brought: Any) -> Fact:
    return assessed(BASE, laboratory=list(results), **brought).fact(name)


def value(number: str, day: str, **fields: Any) -> Json:
    return lab(number, at=f"2026-{day}", id=f"o-{day}", **fields)


def ranged(number: str, day: str, high: str = "4") -> Json:
    return value(number, day, referenceRange=[{"high": quantity(high)}])


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (("6.0", "11-08"), ("6.0", "11-22"), True),  # exactly 14 days
        (("6.0", "11-09"), ("6.0", "11-22"), None),  # 13: once is not "not twice"
        (("5.9", "11-08"), ("6.0", "11-22"), False),
        (("6.0", "11-08"), ("5.9", "11-22"), False),  # the newest is settled
        (("6.0", "08-24"), ("6.0", "11-22"), True),  # 90 days ago, the last day inside
        (("6.0", "08-23"), ("6.0", "11-22"), None),
    ],
)
def test_both_count_when_they_are_far_enough_apart(
    first: tuple[str, str], second: tuple[str, str], expected: bool | None
) -> None:
    assert read("twice-six", value(*first), value(*second)).value is expected


def test_one_result_alone_is_not_recorded_rather_than_absent() -> None:
    assert read("twice-six", value("6.2", "11-20")).reason is Reason.NOT_RECORDED
    assert read("twice-six").reason is Reason.NOT_RECORDED
    assert read("twice-six", value("4.2", "11-20")).value is False


def test_both_values_are_said() -> None:
    (datum,) = read("twice-six", value("6.1", "11-01"), value("6.2", "11-20")).data

    assert (datum.text, datum.before) == ("6.2 mmol/L", "6.1 mmol/L")


def test_a_list_that_was_cut_may_hold_the_earlier_one() -> None:
    cut = [value("6.2", f"11-{day}") for day in (16, 17, 18, 19, 20)]

    assert read("twice-six", *cut).reason is Reason.INCOMPLETE


def test_an_unreadable_earlier_value_leaves_it_open() -> None:
    odd = value("6.1", "11-01", valueQuantity=quantity(6.1, "furlong"))

    assert read("twice-six", odd, value("6.2", "11-20")).reason is Reason.UNIT_NOT_DECLARED


def test_a_comparator_across_the_limit_leaves_it_open() -> None:
    found = read("twice-six", value("5", "11-01", comparator=">"), value("6.2", "11-20"))

    assert found.reason is Reason.STRADDLES


@pytest.mark.parametrize(("number", "expected"), [("6.0", False), ("6.01", True)])
def test_multiples_are_of_the_own_upper_limit_of_each_result(number: str, expected: bool) -> None:
    assert read("twice-raised", ranged("6.1", "11-01"), ranged(number, "11-20")).value is expected
    assert read("twice-raised", ranged("6.1", "11-01", "5"), ranged("6.1", "11-20")).value is False


def test_without_a_range_it_is_open() -> None:
    found = read("twice-raised", value("6.1", "11-01"), ranged("6.1", "11-20"))

    assert found.reason is Reason.NO_RANGE


@pytest.mark.parametrize(("effort", "expected"), [("11-13", None), ("11-12", True), ("11-21", True)])
def test_a_high_value_within_a_week_after_effort_is_left_out(effort: str, expected: bool | None) -> None:
    found = read(
        "twice-raised",
        ranged("6.1", "11-01"),
        ranged("6.1", "11-20"),
        findings=[observation("a", f"2026-{effort}", valueBoolean=True)],
    )

    assert found.value is expected


def test_a_normal_value_after_effort_settles_it_all_the_same() -> None:
    found = read(
        "twice-raised",
        ranged("6.1", "11-01"),
        ranged("4.0", "11-20"),
        findings=[observation("a", "2026-11-18", valueBoolean=True)],
    )

    assert found.value is False


def test_no_effort_is_no_effort() -> None:
    found = read(
        "twice-raised",
        ranged("6.1", "11-01"),
        ranged("6.1", "11-20"),
        findings=[observation("a", "2026-11-18", valueBoolean=False)],
    )

    assert found.value is True
