"""Bounds are held to the house rules, and labels say the number that is in force."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest

from cds_service import content, fitness
from cds_service.clients.tailoring import tailored
from cds_service.failures import BrokenRuleBase
from cds_service.rulebase.model import RuleBase
from cds_service.rulebase.overrides import unit_of
from tests.unit.rulebase.tiny import fact, loaded, order, rule, texts

LOW = fact("measurement", of="potassium", is_={"below": "potassium-low"}, within="window-7")
BOUNDED = "bounds: {from: 3.5, to: 4.5, source: s}"


def files(bounds: str = BOUNDED, **more: Any) -> dict[str, str]:
    fields = {"facts": {"low": {**LOW, "label": more.pop("label", "low potassium")}}}
    rules = more.pop("rules", [rule("k", "low", suggest=["x"])])
    orders = {"x": order("x", done={"in": ["magnesium"], "within": "window-30"})}
    found = texts(fields["facts"], rules, orders)
    base = found["thresholds/base.yaml"]
    assert BOUNDED in base
    found["thresholds/base.yaml"] = base.replace(BOUNDED, bounds)
    for name, value in more.items():
        found[name] = value
    return found


def refused(found: Mapping[str, str]) -> list[str]:
    with pytest.raises(BrokenRuleBase) as caught:
        loaded(found)
    return [problem.what for problem in caught.value.problems]


def test_good_bounds_are_taken() -> None:
    bounds = loaded(files()).thresholds["potassium-low"].bounds
    assert bounds is not None
    assert (bounds.least, bounds.most, bounds.source) == (Decimal("3.5"), Decimal("4.5"), "s")


@pytest.mark.parametrize(
    "bounds",
    [
        "bounds: {from: 3.6, to: 4.5, source: s}",
        "bounds: {from: 3.0, to: 3.4, source: s}",
        "bounds: {from: 3.5, to: 3.5, source: s}",
    ],
)
def test_the_number_lies_between_them(bounds: str) -> None:
    assert refused(files(bounds)) == ["3.5 mmol/L must lie between the bounds, and they apart"]


def test_the_units_of_a_number_that_may_change_say_the_same() -> None:
    found = files()
    old = "value: {mmol/L: 3.00, mg/dL: 12.0}"
    assert old in found["thresholds/base.yaml"]
    found["thresholds/base.yaml"] = found["thresholds/base.yaml"].replace(
        old, "value: {mmol/L: 3.00, mg/dL: 12.5}"
    )
    assert refused(found) == ["12.5 mg/dL is another limit than 3.00 mmol/L"]


GRAVE = "a red flag, a critical level or their orders rest on it: bounds to the safe side only"


@pytest.mark.parametrize("grave", [{"red_flag": True}, {"indicator": "critical"}])
def test_under_a_red_flag_or_a_critical_level_only_one_side_is_open(grave: dict[str, Any]) -> None:
    both_ways = "bounds: {from: 3.0, to: 4.5, source: s}"
    assert GRAVE in refused(files(both_ways, rules=[rule("k", "low", **grave)]))
    loaded(files(rules=[rule("k", "low", **grave)]))
    loaded(files(both_ways))


def test_so_it_is_for_the_orders_of_such_a_rule() -> None:
    found = files(rules=[rule("k", "b", red_flag=True, suggest=["x"])])
    old = "window-30: {value: {d: 30}, source: s, standing: design}"
    assert old in found["thresholds/base.yaml"]
    found["thresholds/base.yaml"] = found["thresholds/base.yaml"].replace(
        old,
        old.replace("design}", "design, bounds: {from: 15, to: 60, source: s}}"),
    )
    assert GRAVE in refused(found)


def test_a_label_does_not_say_such_a_number_as_a_figure() -> None:
    [what] = refused(files(label="potassium below 3.5 mmol/L"))
    assert what == "a client may change 'potassium-low': write {potassium-low}, not '3.5'"
    loaded(files(label="potassium of stage 13.5"))


def test_a_text_does_not_say_it_with_its_unit() -> None:
    spoken = rule("k", "low", summary="k: below 3.5 mmol/L, consider it")
    assert refused(files(rules=[spoken])) == [
        "a client may change 'potassium-low': a text cannot say '3.5 mmol/L'"
    ]
    loaded(files(rules=[rule("k", "low", summary="k: 3.5 hours, consider it")]))


def test_a_label_names_thresholds_of_its_own_fact() -> None:
    [what] = refused(files(label="low, {calcium-high}"))
    assert what == "'calcium-high' is no threshold of this fact: its label cannot say it"
    [what] = refused(files(label="low, {potassium-lw}"))
    assert what == "no threshold is called 'potassium-lw'; did you mean 'potassium-low'?"


def test_a_label_says_the_number_that_is_in_force() -> None:
    base = loaded(files(label="potassium below {potassium-low} mmol/L"))
    own = tailored(base, thresholds={"potassium-low": {"mmol/L": Decimal("3.8")}})

    assert base.facts["low"].label == "potassium below 3.5 mmol/L"
    assert own.facts["low"].label == "potassium below 3.8 mmol/L"
    assert base.facts["low"].label == "potassium below 3.5 mmol/L"


# --- the shipped content ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def shipped() -> RuleBase:
    return fitness.load(content.texts(content.folder("cards", ""), cases=False))


def test_every_bound_can_be_chosen(shipped: RuleBase) -> None:
    bounded = [one for one in shipped.thresholds.values() if one.bounds is not None]
    assert bounded
    for one in bounded:
        assert one.bounds is not None
        for value in (one.bounds.least, one.bounds.most):
            unit = unit_of(one, shipped)
            own = tailored(shipped, thresholds={one.name: {unit: value}})
            assert own.thresholds[one.name].values[unit] == value


def test_no_bound_of_a_limit_crosses_its_neighbours(shipped: RuleBase) -> None:
    """What is low is not what is moderately low, whatever a client chooses."""
    for one in shipped.thresholds.values():
        if one.bounds is None or not one.of:
            continue
        unit = unit_of(one, shipped)
        others = [
            other.values[unit]
            for other in shipped.thresholds.values()
            if other.of == one.of and other.name != one.name
        ]
        crossed = [value for value in others if one.bounds.least <= value <= one.bounds.most]
        assert crossed == [], one.name
