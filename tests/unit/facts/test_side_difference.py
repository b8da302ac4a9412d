"""One leg larger than the other: the calf circumferences of Wells item 6 (reference A 5.1, A-C6)."""

from importlib import import_module
from typing import Any

import pytest

from cds_service.facts.model import FactSet, Reason
from cds_service.rulebase.model import RuleBase
from tests.unit.facts.patients import assessed, concept, observation, quantity
from tests.unit.rulebase.tiny import code_set, fact, rule_base

ANALYTE = """
thresholds:
  three: {of: calf, value: {cm: 3.0, mm: 30}, source: s, standing: design}
analytes:
  calf:
    label: calf
    codes: calf
    unit: cm
    units: {cm: {factor: 1}, mm: {factor: 0.1}, "[in_i]": {factor: 2.54}}
    plausible: {from: 10, to: 120}
    arrives-in: [findings]
    source: s
"""


@pytest.fixture(scope="module")
def base() -> RuleBase:
    limits = {"is_": {"at-least": "three"}, "within": "window-7"}
    return rule_base(
        {
            "larger": fact("derived", by="side-difference", of=["calf"], **limits),
            "sited": fact(in_=["legs"]),
        },
        thresholds=ANALYTE,
        terminology={"calf": code_set("calf")},
    )


def calf(
    side: str, value: str, unit: str = "cm", at: str = "2026-11-22T08:00:00Z", **fields: Any
) -> dict[str, Any]:
    where = {"bodySite": concept(f"{side}-leg")} if side else {}
    return observation("calf", at, id=f"o-{side}-{at}", valueQuantity=quantity(value, unit), **where) | (
        fields
    )


def measured(base: RuleBase, *values: dict[str, Any]) -> FactSet:
    return assessed(base, findings=list(values))


def truths(facts: FactSet) -> tuple[bool | None, bool | None, bool | None]:
    return facts.value("larger"), facts.value("larger", "left"), facts.value("larger", "right")


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        (("41.0", "cm"), ("38.0", "cm"), (True, True, False)),  # A-C6: exactly 3.0 counts
        (("40.9", "cm"), ("38.0", "cm"), (False, False, False)),  # 2.9 does not
        (("38.0", "cm"), ("41.1", "cm"), (True, False, True)),
        (("38.0", "cm"), ("38.0", "cm"), (False, False, False)),
        (("410", "mm"), ("380", "mm"), (True, True, False)),
        (("409", "mm"), ("380", "mm"), (False, False, False)),
        (("41.0", "cm"), ("380", "mm"), (True, True, False)),  # two units: in the analyte's own
        (("409", "mm"), ("38.0", "cm"), (False, False, False)),
        (("16.2", "[in_i]"), ("15", "[in_i]"), (True, True, False)),  # 1.2 in = 3.048 cm
        (("16.1", "[in_i]"), ("15", "[in_i]"), (False, False, False)),  # 1.1 in = 2.794 cm
    ],
)
def test_the_difference_counts_for_the_larger_leg(
    base: RuleBase,
    left: tuple[str, str],
    right: tuple[str, str],
    expected: tuple[bool | None, bool | None, bool | None],
) -> None:
    assert truths(measured(base, calf("left", *left), calf("right", *right))) == expected


def test_the_difference_and_both_values_are_shown(base: RuleBase) -> None:
    found = measured(base, calf("left", "41.0"), calf("right", "38.0")).fact("larger", "left")

    assert [(one.text, one.side) for one in found.data] == [
        ("3.0 cm", "left"),
        ("41.0 cm", "left"),
        ("38.0 cm", "right"),
    ]


def test_values_of_different_days_are_no_difference(base: RuleBase) -> None:
    found = measured(base, calf("left", "41.0"), calf("right", "38.0", at="2026-11-21T08:00:00Z")).fact(
        "larger"
    )

    assert (found.value, found.reason) == (None, Reason.NOT_RECORDED)


def test_the_newest_day_with_both_legs_counts(base: RuleBase) -> None:
    day = "2026-11-20T08:00:00Z"
    old = calf("left", "44.0", at="2026-11-18"), calf("right", "38.0", at="2026-11-18")
    facts = measured(base, *old, calf("left", "39.0", at=day), calf("right", "38.0", at=day))

    assert facts.value("larger") is False


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ([calf("left", "41.0")], Reason.NOT_RECORDED),
        ([], Reason.NOT_RECORDED),
        ([calf("", "41.0"), calf("right", "38.0")], Reason.NOT_RECORDED),
        (
            [calf("left", "41.0", at="2026-11-14"), calf("right", "38.0", at="2026-11-14")],
            Reason.NOT_RECORDED,
        ),
        ([calf("left", "41.0", "kg"), calf("right", "38.0")], Reason.UNIT_NOT_DECLARED),
        ([calf("left", "410"), calf("right", "38.0")], Reason.IMPLAUSIBLE),
        (
            [
                calf("left", "41.0", valueQuantity=quantity("41.0", "cm", comparator=">")),
                calf("right", "38.0"),
            ],
            Reason.STRADDLES,
        ),
    ],
)
def test_what_cannot_be_compared_is_unknown(
    base: RuleBase, values: list[dict[str, Any]], reason: Reason
) -> None:
    found = measured(base, *values).fact("larger")

    assert (found.value, found.reason) == (None, reason)


def test_the_last_day_of_the_window_counts(base: RuleBase) -> None:
    day = "2026-11-15"

    assert measured(base, calf("left", "41.0", at=day), calf("right", "38.0", at=day)).value("larger")


def test_measurements_that_were_not_delivered_are_not_equal_legs(base: RuleBase) -> None:
    found = assessed(base, without=["findings"]).fact("larger")

    assert (found.value, found.reason) == (None, Reason.NOT_DELIVERED)


def test_each_day_is_worked_out_for_each_value_and_not_for_each_pair(
    base: RuleBase, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[Any] = []
    module = import_module("cds_service.facts.derived.side_difference")
    real = vars(module)["_day"]

    def counted(*asked: Any) -> str:
        looked.append(asked)
        return str(real(*asked))

    monkeypatch.setattr(module, "_day", counted)
    legs = (("left", "2026-11-22"), ("right", "2026-11-21"))
    times = [f"07:{number // 60:02}:{number % 60:02}Z" for number in range(100)]
    apart = [calf(leg, "40", at=f"{day}T{time}") for leg, day in legs for time in times]

    assert measured(base, *apart).fact("larger").value is None
    assert len(looked) <= 2 * len(apart)
