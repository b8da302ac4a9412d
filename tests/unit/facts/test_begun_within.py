"""A medicine that was begun lately (reference A 2.10 DIURnew), and one that only looks so."""

from typing import Any

import pytest

from cds_service.facts import windows
from cds_service.facts.model import Fact, Reason
from cds_service.rulebase.model import RuleBase
from tests.unit.facts.patients import assessed, concept, medicine
from tests.unit.rulebase.tiny import fact, rule_base

Json = dict[str, Any]
BASE: RuleBase = rule_base(
    {
        "new": fact(
            "derived", by="begun-within", of=["pill"], within="window-30", nothing_recorded="absent"
        )
    }
)


def new(**brought: Any) -> Fact:
    return assessed(BASE, **brought).fact("new")


def statement(start: str | None, status: str = "active") -> Json:
    period = {"effectivePeriod": {"start": start}} if start else {}
    return {
        "resourceType": "MedicationStatement",
        "id": "ms",
        "status": status,
        "medicationCodeableConcept": concept("pill"),
        "subject": {"reference": "Patient/p"},
        **period,
    }


@pytest.mark.parametrize(
    ("authored", "answer"), [("2026-11-22", True), ("2026-10-23", True), ("2026-10-22", False)]
)
def test_the_window_holds_its_last_day(authored: str, answer: bool) -> None:
    assert new(medicationRequests=[medicine(authoredOn=authored)]).value is answer


def test_nothing_taken_is_nothing_begun() -> None:
    assert new().value is False


@pytest.mark.parametrize("status", ["active", "completed", "stopped"])
def test_a_refill_is_not_a_beginning(status: str) -> None:
    refill = medicine(id="m-2", authoredOn="2026-11-10")
    first = medicine(id="m-1", authoredOn="2026-01-10", status=status)

    assert new(medicationRequests=[refill, first]).value is False


def test_one_that_has_ended_is_not_begun() -> None:
    assert new(medicationRequests=[medicine(authoredOn="2026-11-10", status="stopped")]).value is False


def test_a_statement_tells_when_it_really_began() -> None:
    assert new(medicationStatements=[statement("2026-11-10")]).value is True
    assert new(medicationStatements=[statement("2026-05-10")]).value is False


def test_a_month_alone_is_inside_if_any_part_of_it_is() -> None:
    assert new(medicationStatements=[statement("2026-10")]).value is True  # 31 October is


def test_without_a_date_it_is_not_known() -> None:
    found = new(medicationStatements=[statement(None)])
    assert (found.value, found.reason) == (None, Reason.UNDATED)


def test_an_old_entry_settles_it_whatever_has_no_date() -> None:
    old = medicine(authoredOn="2026-01-10")
    assert new(medicationRequests=[old], medicationStatements=[statement(None)]).value is False


def test_a_list_that_was_not_delivered_leaves_it_open() -> None:
    found = new(without=["medicationRequests"])
    assert found.value is None


def test_what_was_begun_is_shown() -> None:
    (datum,) = new(medicationRequests=[medicine(authoredOn="2026-11-10")]).data
    assert datum.ref.startswith("MedicationRequest/")


def test_a_written_dose_changes_nothing() -> None:
    quantity = {"value": 40, "unit": "mg", "system": "http://unitsofmeasure.org", "code": "mg"}
    often = {"repeat": {"frequency": 1, "period": 1, "periodUnit": "d"}}
    dosed: dict[str, Any] = {
        "dosageInstruction": [{"timing": often, "doseAndRate": [{"doseQuantity": quantity}]}]
    }

    assert new(medicationRequests=[medicine(authoredOn="2026-11-10", **dosed)]).value is True
    assert new(medicationRequests=[medicine(authoredOn="2026-01-10", **dosed)]).value is False


def test_entries_of_one_code_are_one_medicine_and_of_another_code_another() -> None:
    other = medicine("gel", id="m-2", authoredOn="2026-11-10")
    old = medicine(id="m-1", authoredOn="2026-01-10")

    assert new(medicationRequests=[other, old]).value is False  # `gel` is not in the set
    assert new(medicationRequests=[old, medicine(id="m-3", authoredOn="2026-11-10")]).value is False


def test_each_entry_is_dated_once_however_many_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[Any] = []
    real = windows.within

    def counted(*asked: Any, whole: bool) -> bool:
        looked.append(asked)
        return real(*asked, whole=whole)

    monkeypatch.setattr(windows, "within", counted)
    many = [medicine(id=f"m-{number}", authoredOn="2026-11-10") for number in range(300)]

    assert new(medicationRequests=many).value is True
    assert len(looked) == len(many)
