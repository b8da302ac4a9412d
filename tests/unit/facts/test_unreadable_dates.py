"""A date that is there and cannot be read: it may raise a concern, and neither supersedes nor reassures.

Software writes "9999-01-01" or "0001-01-01" for "none". When such a result was reported says only that
it is no newer than that.
"""

from typing import Any

import pytest

from cds_service.facts.model import Reason
from cds_service.rulebase.model import RuleBase
from tests.unit.facts.patients import assessed, lab, observation
from tests.unit.rulebase.tiny import Json, fact, rule, rule_base

YESTERDAY, TODAY = "2026-11-21T08:00:00Z", "2026-11-22T08:00:00Z"
ODD: list[Json] = [
    {"effectiveDateTime": "9999-01-01"},
    {"effectiveDateTime": "9999-12-31T23:59:59Z"},
    {"effectiveDateTime": "0001-01-01T00:00:00Z"},
    {"effectiveDateTime": "22/11/2026"},
    {"effectiveDateTime": "2026-02-30"},
    {"effectiveDateTime": ""},
    {"effectiveInstant": "9999-01-01T00:00:00Z"},
    {"effectivePeriod": {"start": TODAY, "end": "9999-12-31"}},
    {"effectiveTiming": {"event": [TODAY]}},
]


@pytest.fixture(scope="module")
def base() -> RuleBase:
    low = fact("measurement", of="potassium", is_={"below": "potassium-low"}, within="window-30")
    stated = fact("finding", in_=["heavy"], within="window-30", **{"condition-within": "window-30"})
    facts = {"low": low, "early": low | {"preliminary": "counts"}, "said": stated}
    return rule_base(facts, [rule("r", {"any": list(facts)})])


def odd(value: str, when: Json, issued: str | None = TODAY, **more: Any) -> Json:
    told = {"issued": issued} if issued else {}
    return lab(value, at=None, id="odd") | told | when | more


def read(base: RuleBase, name: str, *results: Json) -> tuple[bool | None, Reason | None]:
    found = assessed(base, laboratory=[*results]).fact(name)
    turned = assessed(base, laboratory=[*reversed(results)]).fact(name)
    assert found == turned  # no list's order decides
    return found.value, found.reason


@pytest.mark.parametrize("name", ["low", "early"])
@pytest.mark.parametrize("when", ODD)
def test_it_hides_no_danger_that_has_a_date(base: RuleBase, when: Json, name: str) -> None:
    assert read(base, name, lab("2.4", at=YESTERDAY), odd("4.2", when)) == (True, None)


@pytest.mark.parametrize("name", ["low", "early"])
@pytest.mark.parametrize("when", ODD)
def test_it_reassures_neither_alone_nor_beside_another(base: RuleBase, when: Json, name: str) -> None:
    assert read(base, name, odd("4.2", when)) == (None, Reason.UNDATED)
    assert read(base, name, odd("4.2", when), lab("4.1", at=YESTERDAY)) == (None, Reason.UNDATED)
    assert read(base, name, odd("4.2", when), lab("4.1", at=TODAY)) == (None, Reason.UNDATED)


@pytest.mark.parametrize("when", ODD)
def test_it_may_be_the_danger_itself(base: RuleBase, when: Json) -> None:
    assert read(base, "low", odd("2.4", when)) == (True, None)
    assert read(base, "low", odd("2.4", when), lab("4.2", at=YESTERDAY)) == (True, None)


@pytest.mark.parametrize("when", ODD)
def test_what_is_surely_newer_supersedes_it(base: RuleBase, when: Json) -> None:
    old = odd("2.4", when, issued=YESTERDAY)
    assert read(base, "low", old, lab("4.2", at=TODAY))[0] is not True


@pytest.mark.parametrize("when", ODD)
def test_reported_long_ago_it_raises_nothing(base: RuleBase, when: Json) -> None:
    assert read(base, "low", odd("2.4", when, issued="2025-01-01"))[0] is None


@pytest.mark.parametrize("when", ODD)
@pytest.mark.parametrize("issued", [None, "9999-01-01", "yesterday"])
def test_without_a_time_of_reporting_either_nothing_is_said(
    base: RuleBase, when: Json, issued: str | None
) -> None:
    assert read(base, "low", odd("2.4", when, issued)) == (None, Reason.UNDATED)
    assert read(base, "low", odd("4.2", when, issued), lab("2.4", at=YESTERDAY)) == (True, None)


@pytest.mark.parametrize("when", [{}, {"effectivePeriod": {}}])
def test_with_no_date_at_all_the_time_of_reporting_counts(base: RuleBase, when: Json) -> None:
    assert read(base, "low", odd("4.2", when)) == (False, None)
    assert read(base, "low", odd("4.2", when), lab("2.4", at=YESTERDAY)) == (False, None)


def test_a_member_of_a_panel_takes_the_time_of_the_panel_and_no_other(base: RuleBase) -> None:
    member = lab("4.2", at=None)
    panel = observation("panel", at=None, effectiveInstant=TODAY, contained=[member])
    assert read(base, "low", panel) == (False, None)
    unclear = observation("panel", at="9999-01-01", issued=TODAY, contained=[member])
    assert read(base, "low", unclear) == (None, Reason.UNDATED)
    assert read(base, "low", unclear, lab("2.4", at=YESTERDAY)) == (True, None)


@pytest.mark.parametrize("when", ODD)
def test_a_no_without_a_date_denies_nothing(base: RuleBase, when: Json) -> None:
    no = observation("heavy", at=None, id="no", issued=TODAY, valueBoolean=False) | when
    yes = observation("heavy", at=YESTERDAY, id="yes", valueBoolean=True)
    assert read(base, "said", no) == (None, Reason.UNDATED)
    assert read(base, "said", no, yes) == (True, None)
    assert read(base, "said", no | {"valueBoolean": True})[0] is True


def test_a_no_of_a_time_of_reporting_alone_denies(base: RuleBase) -> None:
    no = observation("heavy", at=None, id="no", issued=TODAY, valueBoolean=False)
    yes = observation("heavy", at=YESTERDAY, id="yes", valueBoolean=True)
    assert read(base, "said", no, yes) == (False, None)
