"""Values against the laboratory's own reference range (reference B 2, "Ratio to ULN")."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.facts.model import Fact, Reason
from cds_service.facts.reference_ranges import multiple, times
from cds_service.fhir.quantity import Interval
from cds_service.rulebase.model import RuleBase
from tests.unit.facts.patients import assessed, lab, quantity
from tests.unit.rulebase.tiny import fact, rule_base

LIMITS = """
thresholds:
  once: {value: {"1": 1}, source: s, standing: design}
  ten-times: {value: {"1": 10}, source: s, standing: design}
"""
MEANING = "http://terminology.hl7.org/CodeSystem/referencerange-meaning"
Json = dict[str, Any]


@pytest.fixture(scope="module")
def base() -> RuleBase:
    upper: Json = {"of": "calcium", "times": "upper-limit"}
    return rule_base(
        {
            "ten": fact("measurement", **upper, is_={"at-least": "ten-times"}),
            "above": fact("measurement", **upper, is_={"above": "once"}),
            "above-or-high": fact(
                "measurement",
                **upper,
                is_={"above": "once"},
                without_range={"at-least": "calcium-high"},
            ),
            "low": fact("measurement", of="calcium", times="lower-limit", is_={"below": "once"}),
            "ever-ten": fact(
                "measurement",
                **upper,
                is_={"at-least": "ten-times"},
                sides="any-ever",
                nothing_recorded="absent",
            ),
        },
        thresholds=LIMITS,
    )


def reading(
    value: str, *ranges: Json, unit: str = "mmol/L", at: str = "2026-11-22T08:00:00Z", **fields: Any
) -> Json:
    return lab(value, unit, at=at, of="ca", referenceRange=list(ranges), **fields)


def span(low: str | None = None, high: str | None = None, unit: str = "mmol/L", **fields: Any) -> Json:
    edges = {"low": low, "high": high}
    return {key: quantity(edge, unit) for key, edge in edges.items() if edge is not None} | fields


def typed(code: str) -> Json:
    return {"type": {"coding": [{"system": MEANING, "code": code}]}}


def read(base: RuleBase, name: str, *readings: Json) -> Fact:
    return assessed(base, laboratory=list(readings)).fact(name)


@pytest.mark.parametrize(
    ("value", "answer"), [("1.999", False), ("2.00", True), ("2", True), ("2.001", True)]
)
def test_ten_times_the_upper_limit_is_exact(base: RuleBase, value: str, answer: bool) -> None:
    assert read(base, "ten", reading(value, span(high="0.2"))).value is answer


@pytest.mark.parametrize(("value", "answer"), [("2.60", False), ("2.61", True)])
def test_the_upper_limit_itself_is_inside_the_range(base: RuleBase, value: str, answer: bool) -> None:
    assert read(base, "above", reading(value, span("2.20", "2.60"))).value is answer


@pytest.mark.parametrize(("value", "answer"), [("2.19", True), ("2.20", False)])
def test_the_lower_limit_itself_is_inside_the_range(base: RuleBase, value: str, answer: bool) -> None:
    assert read(base, "low", reading(value, span("2.20", "2.60"))).value is answer


def test_the_range_is_in_the_unit_of_the_value(base: RuleBase) -> None:
    assert read(base, "above", reading("10.5", span(high="10.4", unit="mg/dL"), unit="mg/dL")).value
    other = read(base, "above", reading("10.5", span(high="2.60"), unit="mg/dL"))
    assert (other.value, other.reason) == (None, Reason.NO_RANGE)


def test_another_spelling_of_the_unit_is_the_same_unit(base: RuleBase) -> None:
    assert read(base, "above", reading("10.5", span(high="10.4", unit="mg/dl"), unit="mg/dL")).value


@pytest.mark.parametrize(
    "unusable",
    [
        [],
        [{"text": "2.2 to 2.6"}],
        [{"high": {"value": 2.6}}],
        [span(high="2.60", unit="U/L")],
        [span(high="0")],
        [span(high="-1")],
        [span("3.0", "2.6")],
        [{"high": quantity("2.6", comparator="<")}],
        [span(high="2.60", **typed("treatment"))],
        [span(low="2.20")],
        # One that can be used beside one that cannot: it might not be the one that applies.
        [span(high="2.60"), span(high="10.4", unit="mg/dL")],
    ],
)
def test_a_range_that_cannot_be_used_is_no_range(base: RuleBase, unusable: list[Json]) -> None:
    found = read(base, "above", reading("2.7", *unusable))

    assert (found.value, found.reason) == (None, Reason.NO_RANGE)
    assert found.data[0].notes == ("no reference range",)


@pytest.mark.parametrize("kind", [typed("normal"), {"type": {"text": "Normal"}}, {"type": {}}, {}])
def test_a_range_is_the_normal_one_unless_it_says_otherwise(base: RuleBase, kind: Json) -> None:
    assert read(base, "above", reading("2.7", span(high="2.60", **kind))).value is True


def test_a_treatment_range_beside_the_normal_one_is_passed_over(base: RuleBase) -> None:
    found = read(
        base, "above", reading("2.7", span(high="2.90", **typed("treatment")), span(high="2.60"))
    )

    assert found.value is True


@pytest.mark.parametrize(("value", "answer"), [("2.5", False), ("2.7", None), ("2.9", True)])
def test_ranges_that_differ_decide_only_together(
    base: RuleBase, value: str, answer: bool | None
) -> None:
    found = read(base, "above", reading(value, span(high="2.60"), span(high="2.80")))

    assert found.value is answer
    assert found.reason is (Reason.RANGES_DIFFER if answer is None else None)


@pytest.mark.parametrize(("value", "answer"), [("2.99", False), ("3.00", True)])
def test_without_a_range_the_named_limit_stands_in_and_that_is_noted(
    base: RuleBase, value: str, answer: bool
) -> None:
    found = read(base, "above-or-high", reading(value))

    assert found.value is answer
    assert found.data[0].notes == ("no reference range",)


def test_with_a_range_the_named_limit_says_nothing(base: RuleBase) -> None:
    found = read(base, "above-or-high", reading("3.10", span(high="3.20")))

    assert found.value is False
    assert found.data[0].notes == ()


def test_a_comparator_leaves_it_open(base: RuleBase) -> None:
    found = read(base, "above", reading("2.5", span(high="2.60"), unit="mmol/L"))
    assert found.value is False
    more = lab("2.5", of="ca", comparator=">", referenceRange=[span(high="2.60")])
    assert read(base, "above", more).reason is Reason.STRADDLES


def test_each_of_two_results_is_held_against_its_own_range(base: RuleBase) -> None:
    old = reading("3.0", span(high="0.2"), at="2025-01-01")
    new = reading("2.5", span(high="2.6"))

    assert read(base, "ten", old, new).value is False
    assert read(base, "ever-ten", old, new).value is True


def test_the_range_of_a_component_is_its_own(base: RuleBase) -> None:
    panel = lab("4.0", referenceRange=[span(high="5")])
    part = {"code": {"coding": [{"system": "http://example.org/tiny", "code": "ca"}]}}
    panel["component"] = [
        part | {"valueQuantity": quantity("2.7"), "referenceRange": [span(high="2.6")]}
    ]

    assert read(base, "above", panel).value is True
    panel["component"][0].pop("referenceRange")
    assert read(base, "above", panel).reason is Reason.NO_RANGE


def test_the_card_can_say_range_and_multiple(base: RuleBase) -> None:
    shown = read(base, "ten", reading("1.999", span("0.1", "0.2"))).data[0]

    assert (shown.low, shown.high, shown.upper_times) == ("0.1", "0.2", "9.9")


def test_of_ranges_that_differ_none_is_shown(base: RuleBase) -> None:
    shown = read(base, "ten", reading("3", span("0.1", "0.2"), span("0.1", "0.3"))).data[0]

    assert (shown.low, shown.high, shown.upper_times) == ("0.1", "", "")


@pytest.mark.parametrize(
    ("value", "limit", "shown"),
    [
        ("1999", "200", "9.9"),
        ("2000", "200", "10"),
        ("1990", "200", "9.9"),
        ("2600", "170", "15.2"),
        ("200", "200", "1"),
        ("199", "200", ""),  # "0.9 times the upper limit" is no excess
        ("9", "999999", ""),
        ("9", "1e-30", "9000000000000000000000000000000"),  # no number that breaks anything
        ("2e3", "200", "10"),
    ],
)
def test_a_multiple_is_cut_never_rounded_up(value: str, limit: str, shown: str) -> None:
    exact = Decimal(value)
    assert multiple(Interval(exact, exact), (Decimal(limit),)) == shown


def test_there_is_no_multiple_of_an_open_value_or_of_two_limits() -> None:
    assert multiple(Interval(Decimal(5), None), (Decimal(2),)) == ""
    assert multiple(Interval(Decimal(5), Decimal(5)), (Decimal(2), Decimal(3))) == ""
    assert multiple(Interval(Decimal(5), Decimal(5)), ()) == ""


amounts = st.decimals("0.001", "100000", places=3)


@given(amounts, amounts, st.integers(1, 50))
def test_times_is_the_comparison_with_the_product(value: Decimal, limit: Decimal, factor: int) -> None:
    exact = Interval(value, value)
    for how, answer in (
        ("at-least", value >= limit * factor),
        ("above", value > limit * factor),
        ("below", value < limit * factor),
        ("at-most", value <= limit * factor),
    ):
        assert times(exact, how, Decimal(factor), (limit,)) is answer  # type: ignore[arg-type]


@given(amounts, amounts)
def test_a_shown_multiple_never_exceeds_the_true_one(value: Decimal, limit: Decimal) -> None:
    told = multiple(Interval(value, value), (limit,))
    assert (told == "") is (value < limit)
    if told:
        assert Decimal(told) * limit <= value < (Decimal(told) + Decimal("0.1")) * limit


@pytest.mark.parametrize("high", ["1e-30", "1e-300", "0.01", "999999", "-3", "1e300"])
def test_a_filler_is_no_range_and_costs_no_fact(base: RuleBase, high: str) -> None:
    filler = {"high": {"value": Decimal(high), "unit": "mmol/L", "code": "mmol/L"}}
    facts = assessed(base, laboratory=[lab("2.0", referenceRange=[filler])])

    for name, found in facts.sides[""].items():
        assert found.reason is not Reason.FAULT, name
        assert all(one.high == "" for one in found.data), name
