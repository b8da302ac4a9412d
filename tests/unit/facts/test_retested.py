"""A test that is repeated: its newest result, whether that was normal, an order that is open (B X04)."""

from typing import Any

import pytest

from cds_service.facts.model import Fact, Reason
from cds_service.rulebase.model import RuleBase
from tests.unit.facts.patients import assessed, lab, quantity, request
from tests.unit.rulebase.tiny import fact, rule_base

Json = dict[str, Any]


def _of(by: str) -> Json:
    return fact("derived", by=by, of=["potassium"], within="window-30", nothing_recorded="absent")


BASE: RuleBase = rule_base(
    {
        "recent": _of("newest-result"),
        "normal": fact("derived", by="in-range", of=["potassium"], within="window-30"),
        "ordered": _of("ordered-before"),
    }
)


def read(name: str, *results: Json, **brought: Any) -> Fact:
    return assessed(BASE, laboratory=list(results), **brought).fact(name)


def ranged(value: float | str, low: float | None, high: float | None, unit: str = "mmol/L") -> Json:
    own: Json = {}
    if low is not None:
        own["low"] = quantity(low, unit)
    if high is not None:
        own["high"] = quantity(high, unit)
    return lab(value, referenceRange=[own])


# --- the newest result ---


@pytest.mark.parametrize(("at", "answer"), [("2026-10-23", True), ("2026-10-22", False)])
def test_a_result_counts_to_the_last_day_of_the_window(at: str, answer: bool) -> None:
    assert read("recent", lab(4.1, at=at)).value is answer


def test_the_card_gets_the_value_of_the_newest() -> None:
    old, new = lab(4.1, at="2026-11-01", id="o-1"), lab(4.4, at="2026-11-10", id="o-2")
    (datum,) = read("recent", old, new).data

    assert (datum.text, datum.ref) == ("4.4 mmol/L", "Observation/o-2")


def test_a_month_alone_is_not_surely_inside() -> None:
    assert read("recent", lab(4.1, at="2026-10")).value is False  # it may be 1 October


@pytest.mark.parametrize("status", ["preliminary", "entered-in-error", "cancelled"])
def test_only_a_final_result_takes_an_order_away(status: str) -> None:
    assert read("recent", lab(4.1, status=status)).value is False


def test_a_list_that_was_not_delivered_says_nothing() -> None:
    assert assessed(BASE, without=["laboratory"]).fact("recent").value is None


# --- inside its own range ---


@pytest.mark.parametrize(
    ("value", "low", "high", "answer"),
    [
        ("3.5", 3.5, 5.0, True),
        ("5.0", 3.5, 5.0, True),
        ("3.4", 3.5, 5.0, False),
        ("5.1", 3.5, 5.0, False),
        ("5.1", None, 5.0, False),
        ("1.0", None, 5.0, True),
    ],
)
def test_the_range_that_came_with_the_result_decides(
    value: str, low: float | None, high: float | None, answer: bool
) -> None:
    assert read("normal", ranged(value, low, high)).value is answer


@pytest.mark.parametrize(
    "result",
    [
        lab(4.1),
        ranged(4.1, None, None),
        lab(4.1, referenceRange=[{"low": quantity(3.5, "mg/dL"), "high": quantity(5, "mg/dL")}]),
        lab(4.1, referenceRange=[{"high": quantity(5)}, {"high": quantity(4)}]),
        lab(5.0, comparator="<", referenceRange=[{"low": quantity(3.5), "high": quantity(5.5)}]),
    ],
)
def test_without_a_range_that_can_be_used_it_is_not_known(result: Json) -> None:
    assert read("normal", result).value is None


def test_a_range_for_something_else_is_none() -> None:
    toxic = {"type": {"coding": [{"code": "therapeutic"}]}, "high": quantity(3)}
    usual = {"type": {"coding": [{"code": "normal"}]}, "high": quantity(5)}

    assert read("normal", lab(4.1, referenceRange=[toxic, usual])).value is True


def test_without_a_result_it_is_not_known() -> None:
    found = read("normal")
    assert (found.value, found.reason) == (None, Reason.NOT_RECORDED)


# --- ordered already ---


@pytest.mark.parametrize(("authored", "answer"), [("2026-10-23", True), ("2026-10-22", False)])
def test_an_open_order_counts_inside_the_window(authored: str, answer: bool) -> None:
    found = assessed(BASE, serviceRequests=[request("k", authoredOn=authored)])
    assert found.value("ordered") is answer


def test_the_draft_itself_is_no_other_order() -> None:
    draft = request("k", id="r-1", status="draft")
    assert assessed(BASE, serviceRequests=[draft], drafts=[draft]).value("ordered") is False


def test_another_order_beside_the_draft_is() -> None:
    draft, other = request("k", id="r-1", status="draft"), request("k", id="r-2")
    found = assessed(BASE, serviceRequests=[draft, other], drafts=[draft]).fact("ordered")

    assert found.value is True
    assert [one.ref for one in found.data] == ["ServiceRequest/r-2"]


def test_an_order_that_has_its_result_is_no_longer_open() -> None:
    order = request("k", authoredOn="2026-11-10")

    assert read("ordered", lab(4.1, at="2026-11-12"), serviceRequests=[order]).value is False
    assert read("ordered", lab(4.1, at="2026-11-08"), serviceRequests=[order]).value is True


@pytest.mark.parametrize("status", ["revoked", "completed", "entered-in-error"])
def test_an_order_that_is_over_is_not_open(status: str) -> None:
    assert assessed(BASE, serviceRequests=[request("k", status=status)]).value("ordered") is False


def test_orders_that_were_not_delivered_leave_it_open() -> None:
    assert assessed(BASE, without=["serviceRequests"]).fact("ordered").value is None
