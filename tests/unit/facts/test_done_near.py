"""A test around the time of a value (B 3 ft4-same-time)."""

from typing import Any

import pytest

from cds_service.facts.model import Fact, Reason
from cds_service.rulebase.model import RuleBase
from tests.unit.facts.patients import assessed, lab
from tests.unit.rulebase.tiny import fact, rule_base

Json = dict[str, Any]
_LIMITS = """
thresholds:
  window-14: {value: {d: 14}, source: s, standing: design}
"""
BASE: RuleBase = rule_base(
    {
        "near": fact(
            "derived", by="done-near", of=["potassium", "magnesium"], with_={"apart": "window-14"}
        )
    },
    thresholds=_LIMITS,
)


def read(*results: Json, **brought: Any) -> Fact:
    return assessed(BASE, laboratory=list(results), **brought).fact("near")


@pytest.mark.parametrize(
    ("other", "near"),
    [
        ("2026-11-10", True),
        ("2026-10-27", True),
        ("2026-10-26", False),
        ("2026-11-12", True),
        ("2026-11", True),
        ("2026-09", False),
    ],
)
def test_fourteen_days_before_or_after(other: str, near: bool) -> None:
    assert read(lab(4, at="2026-11-10"), lab(1, of="mg", at=other)).value is near


def test_it_is_the_newest_value_that_counts() -> None:
    older, newer = lab(4, at="2026-08-10", id="o-1"), lab(4, at="2026-11-10", id="o-2")

    assert read(older, newer, lab(1, of="mg", at="2026-08-10")).value is False


def test_nothing_on_record_is_no_test() -> None:
    assert read().value is False
    assert read(lab(4)).value is False


def test_what_is_not_final_is_not_done() -> None:
    assert read(lab(4), lab(1, of="mg", status="preliminary")).value is False


def test_an_undated_test_may_be_near() -> None:
    assert read(lab(4), lab(1, of="mg", at=None)).reason is Reason.UNDATED


def test_a_list_that_did_not_arrive_may_hold_it() -> None:
    assert read(without=["laboratory"]).reason is Reason.NOT_DELIVERED
