"""Which result speaks: an older normal one never in the place of a newer one that cannot be read."""

from typing import Any

import pytest

from cds_service.facts import measurements
from cds_service.facts.model import Reason
from cds_service.facts.values import Value
from cds_service.rulebase.model import RuleBase
from tests.unit.facts.patients import assessed, lab
from tests.unit.rulebase.tiny import fact, rule, rule_base

NORMAL = "4.2"
OLDER = "2026-11-21T03:00:00Z"
NEWER = "2026-11-22T06:00:00Z"


@pytest.fixture(scope="module")
def base() -> RuleBase:
    low = fact("measurement", of="potassium", is_={"below": "potassium-low"}, within="window-30")
    early = low | {"preliminary": "counts"}
    return rule_base({"low": low, "early": early}, [rule("r", {"any": ["low", "early"]})])


def low(
    base: RuleBase, *results: dict[str, Any], name: str = "low"
) -> tuple[bool | None, Reason | None]:
    found = assessed(base, laboratory=list(results)).fact(name)
    return found.value, found.reason


def newer(**fields: Any) -> dict[str, Any]:
    made = lab("2.0", at=NEWER) | {"id": "newer"}
    if any(name.startswith("value") for name in fields) or fields.get("interpretation"):
        del made["valueQuantity"]
    return {key: one for key, one in (made | fields).items() if one is not ...}


def normal(at: str = OLDER, **fields: Any) -> dict[str, Any]:
    return lab(NORMAL, at=at) | {"id": "normal"} | fields


@pytest.mark.parametrize(
    "fields",
    [
        {"valueString": "2.0 mmol/L"},
        {"valueString": "<2.5"},
        {"valueRange": {"low": {"value": 1.9}, "high": {"value": 2.1}}},
        {"dataAbsentReason": {"text": "?"}},
        {"interpretation": [{"coding": [{"code": "LL"}]}]},
    ],
)
def test_a_newer_result_without_a_quantity_leaves_it_unknown(
    base: RuleBase, fields: dict[str, Any]
) -> None:
    assert low(base, newer(**fields), normal()) == (None, Reason.UNREADABLE)


def test_a_test_that_was_not_done_says_nothing(base: RuleBase) -> None:
    undone = newer(dataAbsentReason={"text": "not performed"}, valueQuantity=...)

    assert low(base, undone, normal()) == (False, None)


@pytest.mark.parametrize(
    ("at", "reason"),
    [(..., Reason.UNDATED), ("2026-11-22T09:10:00Z", Reason.FUTURE), ("22/11/2026", Reason.UNDATED)],
)
def test_a_result_that_no_date_puts_before_the_other_leaves_no_reassurance(
    base: RuleBase, at: Any, reason: Reason
) -> None:
    assert low(base, newer(effectiveDateTime=at), normal()) == (None, reason)
    # and hides no danger
    assert low(base, newer(effectiveDateTime=at), lab("2.4", at=OLDER))[0] is True


def test_a_time_that_cannot_be_read_gives_way_to_the_time_of_reporting(base: RuleBase) -> None:
    odd = newer(effectiveDateTime="22/11/2026", issued=NEWER)

    assert low(base, odd, normal()) == (True, None)


@pytest.mark.parametrize("status", ["unknown", "partial", ...])
def test_a_status_that_is_none_counts_as_preliminary(base: RuleBase, status: Any) -> None:
    unsure = newer(status=status)

    assert low(base, unsure, normal(), name="early") == (True, None)
    assert low(base, unsure, name="low")[0] is not True


@pytest.mark.parametrize("status", ["entered-in-error", "cancelled", "registered"])
def test_what_is_no_result_is_passed_over(base: RuleBase, status: str) -> None:
    assert low(base, newer(status=status), normal(), name="early") == (False, None)


def test_a_preliminary_result_that_cannot_be_read_leaves_no_reassurance(base: RuleBase) -> None:
    early = lab("2.0", None, at=NEWER, status="preliminary") | {"id": "newer"}

    assert low(base, early, normal(), name="early") == (None, Reason.NO_UNIT)


@pytest.mark.parametrize("vague", ["2026-11-22", "2026-11", "2026"])
def test_a_vague_date_is_neither_before_nor_after(base: RuleBase, vague: str) -> None:
    # The normal value may be from before the dangerous one of this morning, or from after it.
    assert low(base, newer(), normal(at=vague)) == (True, None)


def test_a_precise_later_value_supersedes_within_a_vague_one(base: RuleBase) -> None:
    early_in_the_month = lab("2.4", at="2026-11-02T08:00:00Z") | {"id": "old"}

    assert (
        low(base, early_in_the_month, normal(at=NEWER), normal(at="2026-11") | {"id": "v"})[0] is False
    )


def test_a_report_to_come_supersedes_nothing(base: RuleBase) -> None:
    assert low(base, newer(), normal(at=NEWER, issued="2199-01-01T00:00:00Z")) == (True, None)


def test_a_later_report_of_the_same_time_supersedes(base: RuleBase) -> None:
    corrected = normal(at=NEWER, status="corrected", issued="2026-11-22T08:00:00Z")

    assert low(base, newer(issued="2026-11-22T07:00:00Z"), corrected) == (False, None)


def same_time(number: str, at: int, **fields: Any) -> dict[str, Any]:
    return lab(number, at=NEWER) | {"id": f"one-{at}"} | fields


@pytest.mark.parametrize("odd", [0, 3, 6])
def test_one_low_value_among_many_of_the_very_same_time_is_the_one(base: RuleBase, odd: int) -> None:
    many = [same_time("2.0" if at == odd else NORMAL, at) for at in range(7)]
    assert low(base, *many) == (True, None)


@pytest.mark.parametrize("odd", [0, 6])
def test_one_among_many_that_cannot_be_read_leaves_no_reassurance(base: RuleBase, odd: int) -> None:
    many = [same_time(NORMAL, at) for at in range(7)]
    many[odd]["valueQuantity"] = {"value": 4.2}
    assert low(base, *many) == (None, Reason.NO_UNIT)


def test_many_results_that_say_the_same_are_held_against_the_limits_once(
    base: RuleBase, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    satisfies = measurements.satisfies

    def counted(value: Value, *rest: Any) -> bool | None:
        asked.append(value)
        return satisfies(value, *rest)

    monkeypatch.setattr(measurements, "satisfies", counted)
    assert low(base, *[same_time(NORMAL, at) for at in range(50)]) == (False, None)
    assert len(asked) == 1
    asked.clear()
    assert low(base, *[same_time("2.0" if at < 9 else NORMAL, at) for at in range(50)]) == (True, None)
    assert len(asked) == 3  # two to choose from, and the chosen
