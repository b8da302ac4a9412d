"""Baselines and rises: acute kidney injury from creatinine (A 2.7, G30 KDIGO; reconciliation 1, AKI).

Here the analyte is potassium with the limits of creatinine: 1.5 times the baseline, a rise of 0.3 mg/dL.
"""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.facts.model import Fact, Reason
from cds_service.rulebase.model import RuleBase
from tests.unit.facts.patients import assessed, lab
from tests.unit.rulebase.tiny import fact, rule_base

LIMITS = """
thresholds:
  one-and-a-half: {value: {"1": 1.5}, source: s, standing: design}
  rise: {of: calcium, value: {mmol/L: 0.3, mg/dL: 1.2}, source: s, standing: design}
  hours-48: {value: {h: 48}, source: s, standing: design}
  year: {value: {d: 365}, source: s, standing: design}
"""
Json = dict[str, Any]


@pytest.fixture(scope="module")
def base() -> RuleBase:
    windows = {"within": "window-7", "clears-within": "window-2"}
    return rule_base(
        {
            "baseline": fact(
                "derived",
                by="times-baseline",
                of=["calcium"],
                with_={"times": "one-and-a-half", "recent": "window-7", "old": "year", **windows},
            ),
            "rise": fact(
                "derived",
                by="rise-within",
                of=["calcium"],
                with_={"rise": "rise", "over": "hours-48", **windows},
            ),
        },
        thresholds=LIMITS,
    )


def value(amount: str, at: str, unit: str = "mmol/L", **fields: Any) -> Json:
    return lab(amount, unit, at=at, of="ca", **fields)


NOW = "2026-11-22T08:00:00Z"


def read(base: RuleBase, name: str, *values: Json, **brought: Any) -> Fact:
    return assessed(base, laboratory=list(values), **brought).fact(name)


@pytest.mark.parametrize(
    ("newest", "answer"), [("2.99", False), ("3.00", True), ("3", True), ("3.01", True)]
)
def test_one_and_a_half_times_the_baseline_is_exact(base: RuleBase, newest: str, answer: bool) -> None:
    found = read(base, "baseline", value(newest, NOW), value("2", "2026-08-01"))
    assert found.value is answer


def test_the_baseline_is_the_lowest_of_the_last_seven_days(base: RuleBase) -> None:
    week = (value("2.6", "2026-11-20"), value("1.8", "2026-11-17"), value("2.4", "2026-11-16"))
    older = value("1.0", "2026-10-01")  # would be 2.7 times, if it counted

    assert read(base, "baseline", value("2.69", NOW), *week, older).value is False
    assert read(base, "baseline", value("2.70", NOW), *week, older).value is True


@pytest.mark.parametrize(("day", "answer"), [("2026-11-15", True), ("2026-11-14", False)])
def test_day_seven_is_inside(base: RuleBase, day: str, answer: bool) -> None:
    # By day 7 the low value is the baseline alone; from day 8 on it is one of three, their median 2.0.
    old = (value("2.0", "2026-09-01"), value("2.4", "2026-08-01"))
    assert read(base, "baseline", value("2.5", NOW), value("1.6", day), *old).value is answer


@pytest.mark.parametrize(
    ("year", "below", "reached"),
    [
        (("1.0", "2.0", "5.0"), "2.99", "3.00"),
        (("2.0", "2.2"), "3.14", "3.15"),  # half way between the two
    ],
)
def test_else_the_baseline_is_the_median_of_the_year(
    base: RuleBase, year: tuple[str, ...], below: str, reached: str
) -> None:
    old = [value(one, f"2026-0{month}-01") for month, one in enumerate(year, 5)]

    assert read(base, "baseline", value(below, NOW), *old).value is False
    assert read(base, "baseline", value(reached, NOW), *old).value is True


@pytest.mark.parametrize(
    ("day", "answer", "reason"),
    [("2025-11-22", True, None), ("2025-11-21", None, Reason.NOT_RECORDED)],
)
def test_a_baseline_is_at_most_a_year_old(
    base: RuleBase, day: str, answer: bool | None, reason: Reason | None
) -> None:
    found = read(base, "baseline", value("4", NOW), value("2", day))
    assert (found.value, found.reason) == (answer, reason)


def test_without_an_earlier_value_it_is_unknown(base: RuleBase) -> None:
    found = read(base, "baseline", value("5", NOW))
    assert (found.value, found.reason) == (None, Reason.NOT_RECORDED)


def test_without_any_value_it_is_unknown(base: RuleBase) -> None:
    for name in ("baseline", "rise"):
        assert read(base, name).reason is Reason.NOT_RECORDED


def test_units_are_converted_exactly(base: RuleBase) -> None:
    # 8 mg/dL is 1.996 mmol/L; 1.5 times is 2.994.
    old = value("8", "2026-08-01", unit="mg/dL")
    assert read(base, "baseline", value("2.993", NOW), old).value is False
    assert read(base, "baseline", value("2.994", NOW), old).value is True


@pytest.mark.parametrize(
    ("day", "answer", "reason"),
    [
        ("2026-11-15", True, None),
        ("2026-11-14", None, Reason.TOO_OLD),
    ],
)
def test_true_for_seven_days(
    base: RuleBase, day: str, answer: bool | None, reason: Reason | None
) -> None:
    found = read(base, "baseline", value("4", day), value("2", "2026-08-01"))
    assert (found.value, found.reason) == (answer, reason)


@pytest.mark.parametrize(
    ("day", "answer", "reason"),
    [("2026-11-20", False, None), ("2026-11-19", None, Reason.TOO_OLD)],
)
def test_false_for_two_days(
    base: RuleBase, day: str, answer: bool | None, reason: Reason | None
) -> None:
    found = read(base, "baseline", value("2", day), value("2", "2026-08-01"))
    assert (found.value, found.reason) == (answer, reason)


def test_what_cannot_be_read_keeps_a_no_open_and_not_a_yes(base: RuleBase) -> None:
    odd = value("1", "2026-11-20", unit="stone")
    low = value("2", "2026-11-19")

    assert read(base, "baseline", value("2.2", NOW), odd, low).reason is Reason.UNIT_NOT_DECLARED
    assert read(base, "baseline", value("4", NOW), odd, low).value is True
    assert read(base, "baseline", value("9", NOW, unit="stone"), low).reason is Reason.UNIT_NOT_DECLARED


def test_a_suspect_sample_clears_nothing(base: RuleBase) -> None:
    haemolysed = value("2", NOW, note=[{"text": "Haemolysed"}])
    assert read(base, "baseline", haemolysed, value("2", "2026-08-01")).reason is Reason.SUSPECT_SAMPLE


def test_a_list_that_does_not_go_back_far_enough_clears_nothing(base: RuleBase) -> None:
    # `_count` is 5 here: complete back to 19 November, which the rise of 48 hours needs, and no further.
    cut = [value("2", f"2026-11-{day}") for day in (21, 20, 20, 19)]
    newest = value("2", NOW)

    assert read(base, "rise", newest, *cut).value is False
    assert read(base, "baseline", newest, *cut).reason is Reason.INCOMPLETE


@pytest.mark.parametrize(
    ("comparator", "old", "answer"),
    [("<", "2", True), (">", "2", None), ("<", "3", None)],
)
def test_a_comparator_counts_as_far_as_it_goes(
    base: RuleBase, comparator: str, old: str, answer: bool | None
) -> None:
    before = value(old, "2026-08-01", comparator=comparator)
    assert read(base, "baseline", value("3.5", NOW), before).value is answer


@pytest.mark.parametrize(("newest", "answer"), [("2.29", False), ("2.30", True)])
def test_a_rise_is_exact(base: RuleBase, newest: str, answer: bool) -> None:
    found = read(base, "rise", value(newest, NOW), value("2.00", "2026-11-21T08:00:00Z"))
    assert found.value is answer


def test_a_rise_in_a_unit_is_held_against_the_limit_in_that_unit(base: RuleBase) -> None:
    # 1.2 mg/dL is 0.2994 mmol/L: converted, it would be missed.
    found = read(
        base,
        "rise",
        value("9.2", NOW, unit="mg/dL"),
        value("8.0", "2026-11-21T08:00:00Z", unit="mg/dL"),
    )
    assert found.value is True


@pytest.mark.parametrize(
    ("at", "answer"),
    [
        ("2026-11-20T08:00:00Z", True),
        ("2026-11-20T07:59:59Z", False),
        ("2026-11-20", True),  # some part of that day is inside: danger counts
        ("2026-11-19", False),
    ],
)
def test_hour_48_is_inside(base: RuleBase, at: str, answer: bool) -> None:
    assert read(base, "rise", value("2.5", NOW), value("2.0", at)).value is answer


def test_the_lowest_of_the_hours_decides(base: RuleBase) -> None:
    hours = (value("2.4", "2026-11-22T02:00:00Z"), value("2.1", "2026-11-21T02:00:00Z"))
    found = read(base, "rise", value("2.4", NOW), *hours)

    assert found.value is True
    assert found.data[0].before == "2.1 mmol/L"


def test_a_rise_that_nobody_measured_is_none(base: RuleBase) -> None:
    assert read(base, "rise", value("5", NOW)).value is False


def test_of_two_values_at_the_same_time_the_higher_counts(base: RuleBase) -> None:
    pair = (value("2.0", NOW), value("2.4", NOW))
    assert read(base, "rise", *pair, value("2.1", "2026-11-21T08:00:00Z")).value is True


def test_a_preliminary_value_does_not_count(base: RuleBase) -> None:
    early = value("4", NOW, status="preliminary")
    found = read(base, "baseline", early, value("2.1", "2026-11-21"), value("2", "2026-11-19"))
    assert found.value is False


@given(
    st.decimals("0.6", "5.9", places=2),
    st.lists(st.decimals("0.6", "5.9", places=2), min_size=1, max_size=3),
)
def test_the_lowest_of_the_week_against_plain_arithmetic(
    base: RuleBase, newest: Any, week: list[Any]
) -> None:
    earlier = [value(str(one), f"2026-11-{20 - index}") for index, one in enumerate(week)]
    found = read(base, "baseline", value(str(newest), NOW), *earlier)

    assert found.value is bool(newest * 2 >= 3 * min(week))
