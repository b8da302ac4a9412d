"""Medicines that ended, what began first, tests since a symptom (reference B 3; reconciliation 1)."""

from typing import Any

import pytest

from cds_service.facts.model import Fact, Reason
from cds_service.rulebase.model import RuleBase
from tests.unit.facts.patients import assessed, concept, condition, lab, medicine, observation
from tests.unit.rulebase.tiny import fact, rule_base

Json = dict[str, Any]


@pytest.fixture(scope="module")
def base() -> RuleBase:
    return rule_base(
        {
            "current": fact("medication", in_=["pill"]),
            "recent": fact("medication", in_=["pill"], ended_within="window-30"),
            "ache": fact("finding", in_=["heavy"], within="window-90", nothing_recorded="absent"),
            "weakness": fact("finding", in_=["weak"], within="window-90", nothing_recorded="absent"),
            "before": fact("derived", by="began-before", of=["pill", "ache", "weakness"]),
            "measured-since": fact(
                "done", in_=["potassium"], after_latest_onset_of=["ache", "weakness"]
            ),
            "high": fact("measurement", of="potassium", is_={"at-least": "potassium-high"}),
            "doubtful": fact(
                "derived",
                by="sample-suspect",
                of=["potassium", "calcium"],
                is_={"below": "calcium-edta"},
                nothing_recorded="absent",
            ),
            "high-sound": fact("derived", by="sound-sample", of=["high", "doubtful"]),
        }
    )


def statement(start: str | None = None, end: str | None = None, **fields: Any) -> Json:
    edges = {"start": start, "end": end}
    period = {key: edge for key, edge in edges.items() if edge}
    return {
        "resourceType": "MedicationStatement",
        "id": "ms",
        "status": "completed",
        "medicationCodeableConcept": concept("pill"),
        "subject": {"reference": "Patient/p"},
        **({"effectivePeriod": period} if period else {}),
    } | fields


def fact_of(base: RuleBase, name: str, **brought: Any) -> Fact:
    return assessed(base, **brought).fact(name)


# --- ended ---


@pytest.mark.parametrize(
    ("end", "answer"), [("2026-11-22", True), ("2026-10-23", True), ("2026-10-22", False)]
)
def test_a_medicine_that_ended_inside_the_window(base: RuleBase, end: str, answer: bool) -> None:
    found = assessed(base, medicationStatements=[statement("2026-01-01", end)])

    assert found.value("recent") is answer
    assert found.value("current") is False


def test_an_end_to_come_is_not_an_end_yet(base: RuleBase) -> None:
    found = fact_of(base, "recent", medicationStatements=[statement("2026-11-10", "2027-01-01")])
    assert found.value is True  # it ended between 10 November, inside the window, and today


@pytest.mark.parametrize("status", ["stopped", "completed", "on-hold"])
def test_a_prescription_without_an_end_may_have_ended_lately(base: RuleBase, status: str) -> None:
    recent = fact_of(base, "recent", medicationRequests=[medicine(status=status)])
    assert recent.value is True  # prescribed 21 days ago, so it ended since then

    older = medicine(status=status, authoredOn="2026-06-01")
    found = fact_of(base, "recent", medicationRequests=[older])
    assert (found.value, found.reason) == (None, Reason.DATE_IMPRECISE)


def test_one_of_more_than_a_year_ago_is_over(base: RuleBase) -> None:
    ancient = medicine(status="stopped", authoredOn="2024-06-01")
    assert fact_of(base, "recent", medicationRequests=[ancient]).value is False


@pytest.mark.parametrize("status", ["active", "cancelled", "entered-in-error", "draft", "unknown"])
def test_what_did_not_end_did_not_end_lately(base: RuleBase, status: str) -> None:
    assert fact_of(base, "recent", medicationRequests=[medicine(status=status)]).value is False


def test_absence_needs_the_lists(base: RuleBase) -> None:
    found = fact_of(base, "recent", without=["medicationStatements"])
    assert (found.value, found.reason) == (None, Reason.NOT_DELIVERED)


# --- what began first ---


@pytest.mark.parametrize(
    ("start", "answer"),
    [("2026-10-01", True), ("2026-11-10", True), ("2026-11-11", False)],
)
def test_before_or_on_the_day_of_the_onset(base: RuleBase, start: str, answer: bool) -> None:
    found = fact_of(
        base,
        "before",
        conditions=[condition(onsetDateTime="2026-11-10")],
        medicationRequests=[medicine(authoredOn=start)],
    )
    assert found.value is answer


def test_the_first_prescription_counts_not_the_refill(base: RuleBase) -> None:
    found = fact_of(
        base,
        "before",
        conditions=[condition(onsetDateTime="2026-10-20")],
        medicationRequests=[medicine(), medicine(id="m-0", status="completed", authoredOn="2026-08-01")],
    )
    assert found.value is True


def test_one_symptom_that_began_later_is_enough(base: RuleBase) -> None:
    both = [
        condition(onsetDateTime="2020-01-01"),
        condition("weak", onsetDateTime="2026-11-15"),
    ]
    found = fact_of(base, "before", conditions=both, medicationRequests=[medicine()])
    assert found.value is True


def test_a_start_nobody_dated_is_unknown(base: RuleBase) -> None:
    ache = [condition(onsetDateTime="2026-11-10")]
    undated = statement(status="active", dateAsserted="2026-01-01")
    found = fact_of(base, "before", conditions=ache, medicationStatements=[undated])
    assert (found.value, found.reason) == (None, Reason.UNDATED)


def test_a_date_of_recording_is_no_onset_but_bounds_it(base: RuleBase) -> None:
    recorded = [condition(recordedDate="2026-11-10")]
    early = fact_of(base, "before", conditions=recorded, medicationRequests=[medicine()])
    assert (early.value, early.reason) == (None, Reason.UNDATED)

    late = [medicine(authoredOn="2026-11-11")]
    assert fact_of(base, "before", conditions=recorded, medicationRequests=late).value is False


def test_not_before_needs_the_lists(base: RuleBase) -> None:
    found = fact_of(
        base,
        "before",
        conditions=[condition(onsetDateTime="2026-10-01")],
        medicationRequests=[medicine()],
        without=["medicationStatements"],
    )
    assert (found.value, found.reason) == (None, Reason.NOT_DELIVERED)


@pytest.mark.parametrize(
    "brought", [{}, {"medicationRequests": [medicine()]}, {"conditions": [condition()]}]
)
def test_without_a_medicine_or_a_symptom_nothing_is_said(base: RuleBase, brought: Json) -> None:
    assert fact_of(base, "before", **brought).reason is Reason.NOT_RECORDED


# --- measured since ---


@pytest.mark.parametrize(("at", "answer"), [("2026-11-15", True), ("2026-11-14", False)])
def test_a_result_counts_from_the_latest_onset_on(base: RuleBase, at: str, answer: bool) -> None:
    both = [
        condition(onsetDateTime="2026-10-01"),
        condition("weak", onsetDateTime="2026-11-15"),
    ]
    found = fact_of(base, "measured-since", conditions=both, laboratory=[lab("4", at=at)])
    assert found.value is answer


@pytest.mark.parametrize(
    ("at", "recorded", "answer"),
    [
        ("2026-10-30", None, False),  # it may have begun on the 31st
        ("2026-10-31", None, True),  # a tie counts as after
        ("2026-11-01", None, True),
        ("2026-10-11", "2026-10-12", False),
        ("2026-10-12", "2026-10-12", True),  # written down by then, so begun
    ],
)
def test_an_onset_of_a_month_may_be_its_last_day(
    base: RuleBase, at: str, recorded: str | None, answer: bool
) -> None:
    ache = condition(onsetDateTime="2026-10", **({"recordedDate": recorded} if recorded else {}))
    found = fact_of(base, "measured-since", conditions=[ache], laboratory=[lab("4", at=at)])
    assert found.value is answer


def test_by_the_date_of_recording_where_there_is_no_onset(base: RuleBase) -> None:
    recorded = [condition(recordedDate="2026-11-10")]
    before, since = lab("4", at="2026-11-09"), lab("4", at="2026-11-10")

    assert fact_of(base, "measured-since", conditions=recorded, laboratory=[before]).value is False
    assert fact_of(base, "measured-since", conditions=recorded, laboratory=[since]).value is True


def test_by_the_answer_that_told_of_it(base: RuleBase) -> None:
    told = observation("heavy", "2026-11-21T08:00:00Z", valueBoolean=True)
    found = fact_of(base, "measured-since", findings=[told], laboratory=[lab("4", at="2026-11-20")])
    assert found.value is False


def test_an_undated_symptom_leaves_a_result_open(base: RuleBase) -> None:
    # An encounter's reason without a period: since when, nobody says.
    visit = {
        "resourceType": "Encounter",
        "id": "e",
        "status": "in-progress",
        "subject": {"reference": "Patient/p"},
        "reasonCode": [concept("heavy")],
    }
    found = fact_of(base, "measured-since", raw={"encounter": visit}, laboratory=[lab("4")])
    assert (found.value, found.reason) == (None, Reason.UNDATED)
    assert fact_of(base, "measured-since", raw={"encounter": visit}).value is False


# --- a sound sample ---


def test_a_doubtful_value_reaches_no_limit_and_rules_none_out(base: RuleBase) -> None:
    doubtful = lab("6.2", note=[{"text": "Haemolysed"}])

    assert fact_of(base, "high-sound", laboratory=[lab("6.2")]).value is True
    assert fact_of(base, "high-sound", laboratory=[lab("5.9")]).value is False
    assert fact_of(base, "high-sound", laboratory=[doubtful]).reason is Reason.SUSPECT_SAMPLE
    assert fact_of(base, "high-sound").reason is Reason.NOT_RECORDED
