"""A value that has fallen, by an amount or a share, within a window (B 3 weight-loss and others)."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.facts.model import Fact, Reason
from cds_service.rulebase.model import RuleBase
from tests.unit.facts.patients import assessed, lab
from tests.unit.rulebase.tiny import fact, rule_base

_SIZES = """
thresholds:
  by-one: {of: potassium, value: {mmol/L: 1}, source: s, standing: design}
  by-5-percent: {value: {"%": 5}, source: s, standing: design}
"""


def _fall(size: str) -> dict[str, Any]:
    return fact("derived", by="fall", of=["potassium"], is_={"at-least": size}, within="window-30")


BASE: RuleBase = rule_base({"fell": _fall("by-one"), "share": _fall("by-5-percent")}, thresholds=_SIZES)


def read(name: str, *values: tuple[Any, ...]) -> Fact:
    """The fact for laboratory values (value, day of November, and optionally unit)."""
    results = [
        lab(value, unit[0] if unit else "mmol/L", f"2026-11-{day:02d}", id=f"o-{index}")
        for index, (value, day, *unit) in enumerate(values)
    ]
    return assessed(BASE, laboratory=results).fact(name)


@pytest.mark.parametrize(
    ("before", "after", "by_one", "by_share"),
    [
        ("5", "4", True, True),  # MRC 5 to 4 (B 3 progressive-weakness: by one grade or more)
        ("5", "4.01", False, True),
        ("10.0", "9.5", False, True),  # exactly 5 % (B 4 weight-loss)
        ("10.0", "9.51", False, False),
        ("4", "4", False, False),
        ("4", "5", False, False),
    ],
)
def test_a_fall_is_measured_from_the_earlier_value(
    before: str, after: str, by_one: bool, by_share: bool
) -> None:
    assert read("fell", (before, 2), (after, 20)).value is by_one
    assert read("share", (before, 2), (after, 20)).value is by_share


def test_the_newest_value_decides_whatever_lay_between() -> None:
    assert read("fell", (5, 2), (3, 10), (5, 20)).value is False
    assert read("fell", (4, 2), (5, 10), (4, 20)).value is True


def test_a_fall_says_both_values() -> None:
    (datum,) = read("fell", (5, 2), (4, 20)).data

    assert (datum.text, datum.before) == ("4 mmol/L", "5 mmol/L")


def test_an_earlier_value_counts_to_the_last_day_of_the_window() -> None:
    inside = [lab(5, at="2026-10-23", id="o-1"), lab(4, at="2026-11-20", id="o-2")]
    outside = [lab(5, at="2026-10-22", id="o-1"), lab(4, at="2026-11-20", id="o-2")]

    assert assessed(BASE, laboratory=inside).value("fell") is True
    assert assessed(BASE, laboratory=outside).fact("fell").reason is Reason.NOT_RECORDED


def test_values_in_two_units_are_compared_as_one() -> None:
    assert read("fell", (5, 2, "meq/L"), (4, 20)).value is True


def test_one_value_says_nothing_about_a_fall() -> None:
    for found in (read("fell"), read("fell", (4, 20))):
        assert (found.value, found.reason) == (None, Reason.NOT_RECORDED)


def test_what_was_not_delivered_is_not_taken_for_no_fall() -> None:
    found = assessed(BASE, without=["laboratory"]).fact("fell")

    assert found.reason is Reason.NOT_DELIVERED


def test_a_newest_value_that_cannot_be_read_is_not_taken_for_no_fall() -> None:
    assert read("fell", (5, 2), (4, 20, None)).reason is Reason.NO_UNIT
    assert read("fell", (5, 2), (4, 20, "mg/dL")).reason is Reason.UNIT_NOT_DECLARED


def test_an_earlier_value_that_cannot_be_read_leaves_open_only_what_the_others_do_not_settle() -> None:
    assert read("fell", (5, 1, None), (4, 2), (4, 20)).reason is Reason.NO_UNIT
    assert read("fell", (5, 1, None), (5, 2), (4, 20)).value is True


def test_a_value_below_some_limit_may_have_fallen_or_not() -> None:
    newest = lab(3.5, at="2026-11-20", id="o-2", comparator="<")
    found = assessed(BASE, laboratory=[lab(4, at="2026-11-02", id="o-1"), newest]).fact("fell")

    assert (found.value, found.reason) == (None, Reason.STRADDLES)


_WARMTH = """
thresholds:
  one-degree: {of: warmth, value: {Cel: 1}, source: s, standing: design}
analytes:
  warmth: {label: l, codes: set-g, unit: Cel,
    units: {Cel: {factor: 1}, "[degF]": {factor: 0.5555555555555556, zero: 32}},
    plausible: {from: 20, to: 45}, arrives-in: [laboratory], source: s}
"""


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [  # 98.6 [degF] is 37 Cel
        (("39", "Cel"), ("98.6", "[degF]"), True),
        (("37.5", "Cel"), ("98.6", "[degF]"), False),
        (("98.6", "[degF]"), ("36", "Cel"), True),
        (("98.6", "[degF]"), ("38", "Cel"), False),
    ],
)
def test_a_scale_with_a_nought_of_its_own_is_converted_by_it(
    before: tuple[str, str], after: tuple[str, str], expected: bool
) -> None:
    cooled = fact(
        "derived", by="fall", of=["warmth"], is_={"at-least": "one-degree"}, within="window-30"
    )
    base = rule_base({"cooled": cooled}, thresholds=_WARMTH)
    results = [
        lab(*one, at=f"2026-11-{day}", of="g", id=f"o-{day}") for one, day in ((before, 18), (after, 20))
    ]

    assert assessed(base, laboratory=results).value("cooled") is expected


_AMOUNTS = st.decimals(min_value=Decimal("1.0"), max_value=Decimal("12.0"), places=2)


@given(before=_AMOUNTS, after=_AMOUNTS)
def test_a_share_is_what_exact_arithmetic_makes_of_it(before: Decimal, after: Decimal) -> None:
    exact = (Fraction(before) - Fraction(after)) / Fraction(before) * 100

    assert read("share", (str(before), 2), (str(after), 20)).value is (exact >= 5)


# --- a rise, between two values some days apart (B 3 worsening: 2 points, 7 days) ---

_APART = """
thresholds:
  by-two: {of: potassium, value: {mmol/L: 2}, source: s, standing: design}
  seven-days: {value: {d: 7}, source: s, standing: design}
"""
RISES: RuleBase = rule_base(
    {
        "rose": fact(
            "derived",
            by="rise",
            of=["potassium"],
            is_={"at-least": "by-two"},
            within="window-30",
            with_={"apart": "seven-days"},
        )
    },
    thresholds=_APART,
)


def rose(*values: tuple[Any, int]) -> Fact:
    results = [
        lab(value, "mmol/L", f"2026-11-{day:02d}", id=f"o-{index}")
        for index, (value, day) in enumerate(values)
    ]
    return assessed(RISES, laboratory=results).fact("rose")


@pytest.mark.parametrize(
    ("before", "after", "answer"), [("4", "6", True), ("4", "5.9", False), ("6", "4", False)]
)
def test_a_rise_is_measured_from_the_earlier_value(before: str, after: str, answer: bool) -> None:
    assert rose((before, 2), (after, 20)).value is answer


@pytest.mark.parametrize(("day", "answer"), [(13, True), (14, None)])
def test_two_values_too_close_together_show_no_rise(day: int, answer: bool | None) -> None:
    found = rose((4, day), (7, 20))

    assert found.value is answer
    assert found.reason is (None if answer else Reason.NOT_RECORDED)


def test_of_several_the_one_far_enough_away_counts() -> None:
    assert rose((4, 2), (6, 19), (6, 20)).value is True
    assert rose((6, 2), (3, 19), (6, 20)).value is False


def test_a_rise_says_both_values() -> None:
    (datum,) = rose((4, 2), (7, 20)).data
    assert (datum.text, datum.before) == ("7 mmol/L", "4 mmol/L")


def test_one_value_rises_from_nothing() -> None:
    assert rose((7, 20)).value is None
