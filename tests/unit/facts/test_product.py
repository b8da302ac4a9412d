"""The product of two values taken together (reference B 3, low-activity)."""

from typing import Any

import pytest

from cds_service.facts.model import Fact, Reason
from cds_service.rulebase.model import RuleBase
from tests.unit.facts.patients import assessed, lab
from tests.unit.rulebase.tiny import fact, rule_base

Json = dict[str, Any]
MORE = """
thresholds:
  enough: {of: whole, value: {mmol/L: 150}, source: s, standing: design}
analytes:
  days:
    label: days
    codes: set-e
    unit: mmol/L
    units: {mmol/L: {factor: 1}}
    plausible: {from: 0, to: 7}
    arrives-in: [laboratory]
    source: s
  minutes:
    label: minutes
    codes: set-f
    unit: mmol/L
    units: {mmol/L: {factor: 1}, mol/L: {factor: 1000}}
    plausible: {from: 0, to: 1000}
    arrives-in: [laboratory]
    source: s
  whole:
    label: whole
    codes: set-g
    unit: mmol/L
    units: {mmol/L: {factor: 1}}
    plausible: {from: 0, to: 10000}
    arrives-in: [laboratory]
    source: s
"""
AT = "2026-11-20T08:00:00Z"


@pytest.fixture(scope="module")
def base() -> RuleBase:
    low = fact(
        "derived",
        by="product",
        of=["days", "minutes"],
        is_={"below": "enough"},
        paired_within="window-1h",
        within="window-90",
    )
    return rule_base({"low": low}, thresholds=MORE)


def found(base: RuleBase, *values: Json) -> Fact:
    return assessed(base, laboratory=list(values)).fact("low")


def days(value: float, at: str | None = AT, **fields: Any) -> Json:
    return lab(value, at=at, of="e", **fields)


def minutes(value: float, at: str | None = AT, unit: str = "mmol/L", **fields: Any) -> Json:
    return lab(value, unit, at=at, of="f", **fields)


@pytest.mark.parametrize(
    ("first", "second", "low"),
    [(3, 40, True), (5, 29.9, True), (5, 30, False), (5, 30.1, False), (7, 21.5, False), (0, 60, True)],
)
def test_both_sides_of_the_limit(base: RuleBase, first: float, second: float, low: bool) -> None:
    assert found(base, days(first), minutes(second)).value is low


def test_the_product_and_what_it_is_made_of_are_said(base: RuleBase) -> None:
    made = found(base, days(3), minutes(40))
    assert [one.text for one in made.data] == ["120 mmol/L", "3 mmol/L", "40 mmol/L"]


def test_the_second_is_taken_in_its_first_unit(base: RuleBase) -> None:
    assert found(base, days(5), minutes(0.03, unit="mol/L")).value is False
    assert found(base, days(5), minutes(0.0299, unit="mol/L")).value is True


def test_nought_days_need_no_minutes(base: RuleBase) -> None:
    assert found(base, days(0)).value is True


@pytest.mark.parametrize(
    "values",
    [
        [days(3)],
        [minutes(40)],
        [],
        [days(3), minutes(40, at="2026-11-20T10:00:00Z")],
        [days(3), minutes(40, status="preliminary")],
        [days(3), minutes(4000)],
    ],
)
def test_without_a_partner_nothing_is_known(base: RuleBase, values: list[Json]) -> None:
    fact_ = found(base, *values)
    assert (fact_.value, fact_.reason) == (None, Reason.NOT_RECORDED)


def test_a_first_value_that_cannot_be_read_says_why(base: RuleBase) -> None:
    assert found(base, days(30), minutes(40)).reason is Reason.IMPLAUSIBLE


def test_an_old_pair_says_nothing(base: RuleBase) -> None:
    at = "2026-08-01T08:00:00Z"
    assert found(base, days(3, at), minutes(40, at)).reason is Reason.TOO_OLD
