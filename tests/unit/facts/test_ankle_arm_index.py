"""The ankle-brachial index computed from pressures (reference A 6.6, A 2.7; reconciliation 5 #9)."""

from typing import Any

import pytest

from cds_service.facts.model import Fact, Reason
from cds_service.rulebase.model import RuleBase
from tests.unit.facts.patients import assessed, concept, observation, quantity
from tests.unit.rulebase.tiny import code_set, fact, rule_base

PRESSURE = """unit: "mm[Hg]", units: {"mm[Hg]": {factor: 1}, kPa: {factor: 7.50062}},
    arrives-in: [findings], source: s"""
ANALYTES = f"""
thresholds:
  abnormal: {{of: quotient, value: {{"1": 0.90}}, source: s, standing: design}}
  block: {{of: quotient, value: {{"1": 0.60}}, source: s, standing: design}}
  half-hour: {{value: {{min: 30}}, source: s, standing: design}}
analytes:
  quotient: {{label: quotient, codes: quotient, unit: "1", units: {{"1": {{factor: 1}}}},
    plausible: {{from: 0, to: 4}}, arrives-in: [findings], source: s}}
  ankle: {{label: ankle, codes: ankle, plausible: {{from: 1, to: 350}}, {PRESSURE}}}
  arm: {{label: arm, codes: arm, plausible: {{from: 20, to: 320}}, {PRESSURE}}}
"""
EIGHT = "2026-11-22T08:00:00Z"


@pytest.fixture(scope="module")
def base() -> RuleBase:
    common = {"of": ["ankle", "arm"], "within": "window-7", "paired_within": "half-hour"}
    return rule_base(
        {
            "low": fact("derived", by="ankle-arm-index-rounded", is_={"at-most": "abnormal"}, **common),
            "blocked": fact("derived", by="ankle-arm-index", is_={"below": "block"}, **common),
            "sited": fact(in_=["legs"]),
        },
        thresholds=ANALYTES,
        terminology={name: code_set(name) for name in ("ankle", "arm", "quotient")},
    )


def pressure(
    code: str, value: str, side: str = "", at: str = EIGHT, unit: str = "mm[Hg]", **fields: Any
) -> dict[str, Any]:
    where = {"bodySite": concept(f"{side}-leg")} if side else {}
    name = f"o-{code}-{side}-{value}-{at}"
    return observation(code, at, id=name, valueQuantity=quantity(value, unit), **where) | fields


def found(base: RuleBase, name: str, *taken: dict[str, Any], leg: Any = "") -> Fact:
    return assessed(base, findings=list(taken)).fact(name, leg)


@pytest.mark.parametrize(
    ("ankle", "arm", "low", "blocked", "rounded", "exact"),
    [
        ("84", "140", True, False, "0.60", "0.600"),  # exactly 0.60 is not below
        ("83", "140", True, True, "0.59", "0.592"),
        ("83.3", "140", True, True, "0.60", "0.595"),  # 0.595: rounds to 0.60 and blocks all the same
        ("126", "140", True, False, "0.90", "0.900"),
        ("126.5", "140", True, False, "0.90", "0.903"),  # 0.9036 is 0.90
        ("126.7", "140", False, False, "0.91", "0.905"),  # 0.905 rounds half up to 0.91
        ("140", "140", False, False, "1.00", "1.000"),
    ],
)
def test_the_ankle_is_divided_by_the_arm(
    base: RuleBase, ankle: str, arm: str, low: bool, blocked: bool, rounded: str, exact: str
) -> None:
    taken = (pressure("ankle", ankle, "left"), pressure("arm", arm))

    first, second = found(base, "low", *taken), found(base, "blocked", *taken)

    assert (first.value, first.data[0].text) == (low, rounded)
    assert (second.value, second.data[0].text) == (blocked, exact)


def test_a_leg_is_judged_by_itself_and_the_patient_by_the_worse_one(base: RuleBase) -> None:
    taken = (
        pressure("ankle", "70", "left"),
        pressure("ankle", "140", "right"),
        pressure("arm", "140"),
    )

    answers = [found(base, "blocked", *taken, leg=leg).value for leg in ("", "left", "right")]

    assert answers == [True, True, False]


def test_the_higher_of_two_ankle_arteries_and_the_higher_arm_count(base: RuleBase) -> None:
    taken = (
        pressure("ankle", "80", "left", id="pt"),
        pressure("ankle", "98", "left", id="dp"),
        pressure("arm", "120", id="arm-1"),
        pressure("arm", "140", id="arm-2"),
    )

    assert found(base, "blocked", *taken).value is False  # 98/140 is 0.70, neither 80/140 nor 98/120
    assert {one.text for one in found(base, "blocked", *taken).data[1:]} == {"98 mmHg", "140 mmHg"}


def test_units_may_differ(base: RuleBase) -> None:
    taken = (pressure("ankle", "11.0", "left", unit="kPa"), pressure("arm", "140"))

    assert found(base, "blocked", *taken).value is True  # 82.5/140 is 0.589


@pytest.mark.parametrize(
    ("at", "value"),
    [
        ("2026-11-22T08:30:00Z", True),
        ("2026-11-22T07:30:00Z", True),
        ("2026-11-22T08:31:00Z", None),
        ("2026-11-22", None),  # may be any time of its day
    ],
)
def test_the_arm_was_measured_within_half_an_hour(base: RuleBase, at: str, value: bool | None) -> None:
    facts = found(base, "blocked", pressure("ankle", "70", "left"), pressure("arm", "140", at=at))

    assert facts.value is value
    assert facts.reason is (None if value else Reason.NOT_RECORDED)


@pytest.mark.parametrize(
    "arm",
    [
        pressure("arm", "140", status="preliminary"),
        pressure("arm", "140", status="entered-in-error"),
        pressure("arm", "140", unit="cm"),
        pressure("arm", "900"),
        pressure("arm", "140") | {"valueQuantity": quantity("140", "mm[Hg]") | {"comparator": ">"}},
    ],
)
def test_an_arm_pressure_that_cannot_be_used_is_none(base: RuleBase, arm: dict[str, Any]) -> None:
    assert found(base, "blocked", pressure("ankle", "70", "left"), arm).value is None


def test_an_old_ankle_pressure_is_too_old(base: RuleBase) -> None:
    old = "2026-11-14T08:00:00Z"
    facts = found(
        base, "blocked", pressure("ankle", "70", "left", at=old), pressure("arm", "140", at=old)
    )

    assert (facts.value, facts.reason) == (None, Reason.TOO_OLD)


def test_without_an_ankle_pressure_nothing_is_known(base: RuleBase) -> None:
    assert found(base, "blocked", pressure("arm", "140")).reason is Reason.NOT_RECORDED
