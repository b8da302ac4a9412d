"""The fall of a leg's index on exercise, in percent of the index at rest (reference A 2.7, G32)."""

from typing import Any

import pytest

from cds_service.facts.model import FactSet, Reason
from cds_service.rulebase.model import RuleBase
from tests.unit.facts.patients import assessed, concept, observation, quantity
from tests.unit.rulebase.tiny import code_set, fact, rule_base

ANALYTE = """
thresholds:
  twenty: {value: {"%": 20}, source: s, standing: design}
analytes:
  exercised:
    label: index after exercise
    codes: exercised
    unit: "1"
    units: {"1": {factor: 1}, "%": {factor: 0.01}}
    plausible: {from: 0.05, to: 4}
    arrives-in: [findings]
    source: s
"""
TODAY = "2026-11-22T08:00:00Z"


@pytest.fixture(scope="module")
def base() -> RuleBase:
    rule = {"by": "fall-after-exercise", "of": ["exercised", "index"]}
    return rule_base(
        {
            "fell": fact("derived", is_={"above": "twenty"}, within="window-30", **rule),
            "sited": fact(in_=["legs"]),
        },
        thresholds=ANALYTE,
        terminology={"exercised": code_set("exercised")},
    )


def measured(code: str, value: str, side: str = "left", at: str = TODAY, unit: str = "1") -> Any:
    where = {"bodySite": concept(f"{side}-leg")} if side else {}
    name = f"o-{code}-{side}-{at}"
    return observation(code, at, id=name, valueQuantity=quantity(value, unit), **where)


def found(base: RuleBase, *values: Any) -> FactSet:
    return assessed(base, findings=list(values))


@pytest.mark.parametrize(
    ("rest", "after", "expected"),
    [
        ("1.00", "0.79", True),  # 21 %
        ("1.00", "0.80", False),  # exactly 20 % is not more
        ("1.10", "0.879", True),  # 20.09 %
        ("1.10", "0.88", False),  # exactly 20 %, which no binary fraction would say
        ("0.95", "1.05", False),  # it rose
    ],
)
def test_the_fall_is_compared_exactly(base: RuleBase, rest: str, after: str, expected: bool) -> None:
    facts = found(base, measured("abi", rest), measured("exercised", after))
    assert facts.value("fell") is expected
    assert facts.value("fell", "left") is expected


def test_the_card_shows_the_fall_and_both_values(base: RuleBase) -> None:
    data = found(base, measured("abi", "1.00"), measured("exercised", "0.79")).fact("fell").data
    assert [one.text for one in data] == ["21.0 %", "0.79", "1.00"]


def test_one_unit_may_be_per_cent(base: RuleBase) -> None:
    facts = found(base, measured("abi", "100", unit="%"), measured("exercised", "0.79"))
    assert facts.value("fell") is True


def test_each_leg_is_held_against_its_own_rest(base: RuleBase) -> None:
    facts = found(
        base,
        measured("abi", "1.00", "left"),
        measured("abi", "0.80", "right"),
        measured("exercised", "0.75", "left"),
        measured("exercised", "0.75", "right"),
    )
    assert (facts.value("fell", "left"), facts.value("fell", "right")) == (True, False)
    assert facts.value("fell") is True, "one leg is enough"


def test_the_rest_may_be_days_before_and_never_after(base: RuleBase) -> None:
    before = measured("abi", "1.00", at="2026-10-01")
    after = measured("abi", "1.00", at="2026-11-22")
    exercised = measured("exercised", "0.79", at="2026-11-20")
    assert found(base, before, exercised).value("fell") is True
    unknown = found(base, after, exercised).fact("fell")
    assert (unknown.value, unknown.reason) == (None, Reason.NOT_RECORDED)


@pytest.mark.parametrize(
    "values",
    [
        [measured("exercised", "0.79")],
        [measured("exercised", "0.79"), measured("abi", "1.00", "right")],
        [measured("exercised", "0.79", ""), measured("abi", "1.00", "left")],
        [measured("exercised", "0.79", unit="mm[Hg]"), measured("abi", "1.00")],
        [measured("abi", "1.00")],
        [],
    ],
    ids=[
        "no rest",
        "rest of the other leg",
        "one names no leg",
        "a wrong unit",
        "no exercise",
        "nothing",
    ],
)
def test_without_both_values_of_a_leg_nothing_is_claimed(base: RuleBase, values: list[Any]) -> None:
    assert found(base, *values).value("fell") is None


def test_two_values_without_a_leg_are_of_one(base: RuleBase) -> None:
    facts = found(base, measured("exercised", "0.79", ""), measured("abi", "1.00", ""))
    assert facts.value("fell") is True


def test_an_old_test_is_not_spoken_of(base: RuleBase) -> None:
    old = "2026-10-20"
    facts = found(base, measured("abi", "1.00", at=old), measured("exercised", "0.70", at=old))
    assert facts.value("fell") is None
