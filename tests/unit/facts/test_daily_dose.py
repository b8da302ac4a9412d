"""A fact about the daily dose of a medicine (FDA and MHRA caps of simvastatin, B 7.2 M03)."""

from typing import Any

import pytest

from cds_service.facts.model import Fact, Reason
from cds_service.rulebase.model import RuleBase
from tests.unit.facts.patients import assessed, medicine
from tests.unit.rulebase.tiny import fact, rule_base

Json = dict[str, Any]
_CAP = """
thresholds:
  cap: {value: {mg/d: 20}, source: s, standing: design}
"""
BASE: RuleBase = rule_base(
    {"over": fact("derived", by="daily-dose", of=["pill"], is_={"above": "cap"})}, thresholds=_CAP
)


def taking(milligrams: float, **fields: Any) -> Json:
    amount = {"doseQuantity": {"value": milligrams, "unit": "mg"}}
    timing = {"repeat": {"frequency": 1, "period": 1, "periodUnit": "d"}}
    return medicine(dosageInstruction=[{"doseAndRate": [amount], "timing": timing}]) | fields


def read(*taken: Json, **brought: Any) -> Fact:
    return assessed(BASE, medicationRequests=list(taken), **brought).fact("over")


@pytest.mark.parametrize(("milligrams", "over"), [(10, False), (20, False), (20.5, True), (40, True)])
def test_the_dose_is_held_against_the_cap(milligrams: float, over: bool) -> None:
    assert read(taking(milligrams)).value is over


def test_the_dose_is_said() -> None:
    (datum,) = read(taking(40)).data

    assert datum.text == "40 mg a day"


def test_a_dose_in_words_is_unknown_and_says_which() -> None:
    found = read(medicine(dosageInstruction=[{"text": "one in the evening"}]))

    assert (found.value, found.reason) == (None, Reason.UNREADABLE)
    assert found.data


def test_one_entry_over_the_cap_is_enough_beside_one_that_does_not_say() -> None:
    assert read(medicine(id="m-1"), taking(40, id="m-2")).value is True


def test_an_order_being_placed_counts() -> None:
    assert read(drafts=[taking(40, status="draft")]).value is True


def test_nothing_taken_is_no_dose() -> None:
    assert read().value is False
    assert read(without=["medicationRequests"]).reason is Reason.NOT_DELIVERED


def test_a_medicine_that_names_nothing_may_be_it() -> None:
    unnamed = medicine()
    unnamed.pop("medicationCodeableConcept")

    assert read(unnamed).reason is Reason.UNREADABLE
