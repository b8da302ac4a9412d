"""The dose of a medicine in a day, over one prescription or several (reference B 3, B 4)."""

from typing import Any

import pytest

from cds_service.facts.model import Fact, Reason
from cds_service.rulebase.model import RuleBase
from tests.unit.facts.patients import assessed, medicine, quantity
from tests.unit.rulebase.tiny import fact, rule_base

Json = dict[str, Any]
LIMITS = """
thresholds:
  ten-a-day: {value: {mg/d: 10}, source: s, standing: design}
  twenty-a-day: {value: {mg/d: 20}, source: s, standing: design}
"""


@pytest.fixture(scope="module")
def base() -> RuleBase:
    dose = {"by": "daily-dose", "of": ["pill"], "nothing_recorded": "absent"}
    return rule_base(
        {
            "ten": fact("derived", is_={"at-least": "ten-a-day"}, **dose),
            "between": fact("derived", is_={"at-least": "ten-a-day", "below": "twenty-a-day"}, **dose),
            "as-unknown": fact("derived", by="daily-dose", of=["pill"], is_={"above": "ten-a-day"}),
        },
        thresholds=LIMITS,
    )


def taking(milligrams: float | None, name: str = "a", **fields: Any) -> Json:
    """A prescription of so many milligrams once a day; None: of one tablet."""
    dose = quantity(1, "TAB") if milligrams is None else quantity(milligrams, "mg")
    dosage = {
        "doseAndRate": [{"doseQuantity": dose}],
        "timing": {"repeat": {"frequency": 1, "period": 1, "periodUnit": "d"}},
    }
    return medicine(id=name, dosageInstruction=[dosage], **fields)


def found(base: RuleBase, name: str, *prescriptions: Json) -> Fact:
    return assessed(base, medicationRequests=list(prescriptions)).fact(name)


@pytest.mark.parametrize(("milligrams", "value"), [(9.9, False), (10, True), (10.1, True)])
def test_both_sides_of_the_limit(base: RuleBase, milligrams: float, value: bool) -> None:
    assert found(base, "ten", taking(milligrams)).value is value


@pytest.mark.parametrize(("milligrams", "value"), [(9, False), (10, True), (19.9, True), (20, False)])
def test_two_limits(base: RuleBase, milligrams: float, value: bool) -> None:
    assert found(base, "between", taking(milligrams)).value is value


def test_the_dose_is_said(base: RuleBase) -> None:
    (datum,) = found(base, "ten", taking(20)).data
    assert (datum.value, datum.unit) == ("20", "mg/d")
    assert datum.text.endswith(", 20 mg a day")


@pytest.mark.parametrize(
    ("doses", "value", "reason"),
    [
        ((4, 5), False, None),
        ((10, 1), True, None),
        ((6, 6), None, Reason.STRADDLES),
        ((12, None), True, None),
        ((6, None), None, Reason.UNREADABLE),
        ((None,), None, Reason.UNREADABLE),
    ],
)
def test_two_prescriptions_are_a_refill_or_one_dose(
    base: RuleBase, doses: tuple[float | None, ...], value: bool | None, reason: Reason | None
) -> None:
    fact = found(base, "ten", *(taking(one, f"m{place}") for place, one in enumerate(doses)))
    assert (fact.value, fact.reason) == (value, reason)


def test_whoever_does_not_take_it_has_no_dose(base: RuleBase) -> None:
    assert found(base, "ten").value is False
    assert found(base, "ten", taking(40, status="stopped")).value is False
    assert found(base, "as-unknown").value is None


def test_without_the_lists_of_medicines_nothing_is_known(base: RuleBase) -> None:
    facts = assessed(base, without=["medicationRequests"])
    assert (facts.fact("ten").value, facts.fact("ten").reason) == (None, Reason.NOT_DELIVERED)


def test_a_medicine_without_a_name_may_be_it(base: RuleBase) -> None:
    nameless = medicine(
        medicationCodeableConcept=None, medicationReference={"reference": "Medication/x"}
    )
    fact = found(base, "ten", nameless)
    assert (fact.value, fact.reason) == (None, Reason.UNREADABLE)


def test_an_odd_dose_costs_the_dose_and_not_the_medicine(base: RuleBase) -> None:
    odd = medicine(dosageInstruction=[{"doseAndRate": "10 mg", "timing": 3, "asNeededBoolean": "no"}])
    facts = assessed(base, medicationRequests=[odd])
    assert (facts.fact("ten").value, facts.fact("ten").reason) == (None, Reason.UNREADABLE)
