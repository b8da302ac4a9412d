"""Absence counts only in a complete arrival (ARCHITECTURE 5.1)."""

from typing import Any

import pytest

from cds_service.facts.model import Fact, Reason
from cds_service.rulebase.model import RuleBase
from tests.unit.facts.patients import assessed, bundle, concept, condition, lab, medicine, observation
from tests.unit.rulebase.tiny import fact, rule_base


@pytest.fixture(scope="module")
def base() -> RuleBase:
    return rule_base(
        {
            "heavy": fact(in_=["heavy"]),
            "unknown-history": fact(in_=["heavy"], nothing_recorded="unknown"),
            "weak": fact("finding", in_=["weak"], within="window-30"),
            "low": fact(
                "measurement", of="potassium", is_={"below": "potassium-low"}, within="window-7"
            ),
            "pill": fact("medication", in_=["pill"]),
            "scanned": fact("done", in_=["scan"], within="window-7"),
            "magnesium-done": fact("done", in_=["magnesium"], within="window-7"),
            "drafting": fact("draft", in_=["scan"]),
        }
    )


def absent(base: RuleBase, name: str, **brought: Any) -> tuple[bool | None, Reason | None]:
    found: Fact = assessed(base, **brought).fact(name)
    return found.value, found.reason


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("heavy", False),
        ("pill", False),
        ("scanned", False),
        ("drafting", False),
        ("unknown-history", None),
        ("weak", None),
        ("low", None),
    ],
)
def test_an_empty_list_that_was_delivered_is_no_problem_no_medicine_but_no_finding_and_no_value(
    base: RuleBase, name: str, value: bool | None
) -> None:
    assert absent(base, name) == (value, None if value is False else Reason.NOT_RECORDED)


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("heavy", "conditions"),
        ("pill", "medicationRequests"),
        ("pill", "medicationStatements"),
        ("scanned", "procedures"),
        ("scanned", "diagnosticReports"),
        ("low", "laboratory"),
        ("weak", "findings"),
        ("weak", "questionnaireResponses"),
    ],
)
def test_what_was_not_delivered_is_unknown(base: RuleBase, name: str, key: str) -> None:
    assert absent(base, name, without=[key]) == (None, Reason.NOT_DELIVERED)


def test_what_is_there_counts_even_where_another_list_is_missing(base: RuleBase) -> None:
    assert absent(base, "heavy", conditions=[condition()], without=["procedures"]) == (True, None)
    assert absent(base, "pill", medicationRequests=[medicine()], without=["medicationStatements"]) == (
        True,
        None,
    )


def test_an_operation_outcome_is_not_delivered(base: RuleBase) -> None:
    outcome = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "exception"}]}

    assert absent(base, "pill", raw={"medicationRequests": outcome}) == (None, Reason.NOT_DELIVERED)


def others(count: int, **fields: Any) -> list[dict[str, Any]]:
    return [condition("other", id=f"c{number}", **fields) for number in range(count)]


def test_a_list_with_a_next_page_is_incomplete(base: RuleBase) -> None:
    first = bundle(others(1), link=[{"relation": "next", "url": "https://ehr.example/next"}])

    assert absent(base, "heavy", raw={"conditions": first}) == (None, Reason.INCOMPLETE)


def test_a_list_with_as_many_entries_as_asked_for_is_incomplete(base: RuleBase) -> None:
    assert absent(base, "heavy", conditions=others(5)) == (None, Reason.INCOMPLETE)
    assert absent(base, "heavy", conditions=others(4)) == (False, None)


def results(*days: str) -> list[dict[str, Any]]:
    return [lab("140", of="na", at=day, id=f"n{day}") for day in days]


def test_a_list_sorted_by_date_is_complete_back_to_its_oldest_entry(base: RuleBase) -> None:
    # Five entries were asked for and came; the oldest is of the 10th, the window of the fact is 7 days.
    cut = results("2026-11-21", "2026-11-20", "2026-11-19", "2026-11-18", "2026-11-10")

    assert absent(base, "low", laboratory=cut) == (None, Reason.NOT_RECORDED)
    assert absent(base, "magnesium-done", laboratory=cut) == (False, None)


def test_a_list_sorted_by_date_that_ends_inside_the_window_is_incomplete(base: RuleBase) -> None:
    cut = results("2026-11-21", "2026-11-21", "2026-11-20", "2026-11-19", "2026-11-18")

    assert absent(base, "magnesium-done", laboratory=cut) == (None, Reason.INCOMPLETE)


def test_an_entry_that_cannot_be_read_leaves_only_what_it_is_about_unknown(base: RuleBase) -> None:
    broken = condition("heavy", onsetDateTime=["2026"])

    assert absent(base, "heavy", conditions=[broken]) == (None, Reason.UNREADABLE)
    assert absent(base, "a", conditions=[broken]) == (False, None)
    assert absent(base, "a", conditions=[broken, condition("a")]) == (True, None)


def test_an_entry_of_which_nothing_can_be_read_leaves_its_list_incomplete(base: RuleBase) -> None:
    broken = condition() | {"code": "heavy legs"}

    assert absent(base, "a", conditions=[broken]) == (None, Reason.INCOMPLETE)


def test_an_unreadable_entry_is_said(base: RuleBase) -> None:
    facts = assessed(base, conditions=[condition("heavy", onsetDateTime=["2026"])])

    assert ("Condition/c-heavy", "unreadable") in facts.undelivered


def test_a_resource_of_another_patient_is_dropped_and_said(base: RuleBase) -> None:
    stranger = condition(subject={"reference": "Patient/other"})
    facts = assessed(base, conditions=[stranger])

    assert facts.value("heavy") is False
    assert ("conditions", "other-patient: 1 dropped") in facts.undelivered


def test_a_request_outside_any_encounter_says_nothing_about_its_reason(base: RuleBase) -> None:
    assert absent(base, "heavy", without=["encounter"]) == (False, None)


def test_an_unreadable_value_of_another_analyte_leaves_this_one_alone(base: RuleBase) -> None:
    odd = observation("mg", valueQuantity="a lot")

    assert absent(base, "low", laboratory=[odd, lab("2.4")]) == (True, None)


def test_a_fact_knows_the_resource_it_came_from(base: RuleBase) -> None:
    facts = assessed(
        base,
        conditions=[condition()],
        laboratory=[lab("2.4")],
        medicationRequests=[medicine()],
        findings=[observation("weak", valueBoolean=True)],
    )

    refs = {name: facts.fact(name).data[0].ref for name in ("heavy", "low", "pill", "weak")}
    assert refs == {
        "heavy": "Condition/c-heavy",
        "low": "Observation/o-k",
        "pill": "MedicationRequest/m-pill",
        "weak": "Observation/o-weak",
    }


def test_the_name_in_the_record_is_kept_as_it_was_written(base: RuleBase) -> None:
    named = condition() | {"code": concept("heavy", text="Legs like lead")}

    assert assessed(base, conditions=[named]).fact("heavy").data[0].text == "Legs like lead"
