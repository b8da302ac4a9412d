"""Which entries state anything: status, certainty, dates (ARCHITECTURE 5.3, 5.4; reconciliation 1)."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from cds_service.facts.model import Fact, FactSet, Reason
from cds_service.rulebase.model import RuleBase
from tests.unit.facts.patients import assessed, concept, condition, observation, request, status
from tests.unit.rulebase.tiny import fact, rule_base


@pytest.fixture(scope="module")
def base() -> RuleBase:
    return rule_base(
        {
            "heavy": fact(in_=["heavy"]),
            "heavy-ever": fact(in_=["heavy"], ever=True),
            "heavy-before": fact(in_=["heavy"], resolved=True),
            "heavy-certain": fact(in_=["heavy"], certain=True),
            "heavy-30": fact(in_=["heavy"], within="window-30"),
            "heavy-30-undated": fact(in_=["heavy"], within="window-30", undated="counts"),
            "heavy-lasting": fact(in_=["heavy"], lasting="window-30"),
            "weak": fact("finding", in_=["weak"], within="window-30"),
            "weak-not-recorded-is-no": fact(
                "finding", in_=["weak"], within="window-30", nothing_recorded="absent"
            ),
            "weak-worse": fact(
                "finding", in_=["weak"], within="window-30", answers=["worse"], denials=["same"]
            ),
            "palliative": fact(
                in_=["set-g"], arrives_in=["conditions", "procedures", "serviceRequests"]
            ),
            "setting": fact(in_=["set-c"], arrives_in=["encounter"]),
            "adult": fact("age", is_={"at-least": "age-18"}),
            "heavy-at-most-30": fact("duration", of=["heavy"], is_={"at-most": "window-30"}),
        }
    )


def heavy(base: RuleBase, name: str = "heavy", **fields: Any) -> Fact:
    return assessed(base, conditions=[condition(**fields)]).fact(name)


@pytest.mark.parametrize("clinical", ["active", "recurrence", "relapse"])
def test_an_active_problem_counts(base: RuleBase, clinical: str) -> None:
    assert heavy(base, clinicalStatus=status(clinical)).value is True


@pytest.mark.parametrize("written", [{"coding": [{"code": "55561003"}]}, {"text": "?"}])
def test_a_status_that_cannot_be_read_ends_nothing(base: RuleBase, written: dict[str, Any]) -> None:
    assert heavy(base, clinicalStatus=written).value is True
    assert heavy(base, clinicalStatus=written, abatementDateTime="2026-11-01").value is False
    assert heavy(base, clinicalStatus={"text": "Active"}).value is True
    assert heavy(base, clinicalStatus={"text": "Resolved"}).value is False


@pytest.mark.parametrize("clinical", ["inactive", "remission", "resolved"])
def test_a_problem_that_is_over_counts_only_as_history(base: RuleBase, clinical: str) -> None:
    assert heavy(base, clinicalStatus=status(clinical)).value is False
    assert heavy(base, "heavy-ever", clinicalStatus=status(clinical)).value is True


def test_a_problem_that_is_over_is_not_one_that_goes_on(base: RuleBase) -> None:
    assert heavy(base, "heavy-before", clinicalStatus=status("resolved")).value is True
    assert heavy(base, "heavy-before", clinicalStatus=status("active")).value is False
    assert heavy(base, "heavy-before").value is False


@pytest.mark.parametrize("verification", ["entered-in-error", "refuted"])
def test_what_was_refuted_never_counts(base: RuleBase, verification: str) -> None:
    assert heavy(base, verificationStatus=status(verification)).value is False
    assert heavy(base, "heavy-ever", verificationStatus=status(verification)).value is False


@pytest.mark.parametrize("verification", ["unconfirmed", "provisional", "differential"])
def test_an_unconfirmed_problem_counts_says_so_and_never_for_what_must_be_certain(
    base: RuleBase, verification: str
) -> None:
    found = heavy(base, verificationStatus=status(verification))

    assert found.value is True
    assert found.data[0].notes == ("unconfirmed",)
    assert heavy(base, "heavy-certain", verificationStatus=status(verification)).value is False


@pytest.mark.parametrize(
    ("ended", "active"),
    [
        ({}, True),
        ({"abatementDateTime": "2026-01-01"}, False),
        ({"abatementPeriod": {"start": "2026-01-01"}}, False),
        ({"abatementString": "last spring"}, False),
        ({"abatementAge": {"value": 40, "code": "a"}}, False),
        ({"abatementRange": {"low": {"value": 40}}}, False),
    ],
)
def test_without_a_clinical_status_the_abatement_decides(
    base: RuleBase, ended: dict[str, Any], active: bool
) -> None:
    assert heavy(base, clinicalStatus=None, **ended).value is active


def test_the_reason_of_this_encounter_counts_even_when_marked_resolved(base: RuleBase) -> None:
    visit = {
        "resourceType": "Encounter",
        "id": "e",
        "status": "in-progress",
        "subject": {"reference": "Patient/p"},
        "reasonReference": [{"reference": "Condition/c-heavy"}],
    }
    resolved = condition(clinicalStatus=status("resolved"), onsetDateTime="2020-01-01")
    facts = assessed(base, conditions=[resolved], raw={"encounter": visit})

    assert facts.value("heavy") is True
    assert facts.value("heavy-30") is True


@pytest.mark.parametrize(("state", "expected"), [("in-progress", True), ("cancelled", False)])
def test_a_coded_reason_of_the_encounter_counts_as_a_problem_without_any_date(
    base: RuleBase, state: str, expected: bool
) -> None:
    visit = {
        "resourceType": "Encounter",
        "id": "e",
        "status": state,
        "reasonCode": [concept("heavy"), concept("weak")],
    }
    facts = assessed(base, raw={"encounter": visit})

    assert facts.value("heavy-30") is expected
    assert (facts.value("weak") is True) is expected


@pytest.mark.parametrize(("state", "expected"), [("in-progress", True), ("entered-in-error", False)])
def test_the_service_of_the_encounter_counts_where_a_fact_asks_for_it(
    base: RuleBase, state: str, expected: bool
) -> None:
    visit = {"resourceType": "Encounter", "id": "e", "status": state, "serviceType": concept("c")}

    assert assessed(base, raw={"encounter": visit}).value("setting") is expected
    assert assessed(base).value("setting") is False  # no encounter: a general setting


def test_a_service_that_cannot_be_read_is_not_taken_for_another(base: RuleBase) -> None:
    error = {"resourceType": "OperationOutcome", "issue": []}

    assert assessed(base, raw={"encounter": error}).value("setting") is None


def test_a_list_may_hold_orders_where_the_fact_says_so(base: RuleBase) -> None:
    # rules-a, comfort-care: "active condition, procedure or order"; the fact reads serviceRequests.
    assert assessed(base, serviceRequests=[request("g")]).value("palliative") is True
    assert assessed(base, serviceRequests=[request("g", status="revoked")]).value("palliative") is False


# --- dates -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("dates", "expected", "reason"),
    [
        ({"onsetDateTime": "2026-10-23"}, True, None),  # day 30
        ({"onsetDateTime": "2026-10-22"}, False, None),
        ({"onsetDateTime": "2026-10"}, True, None),  # some of it is inside
        ({"onsetDateTime": "2026-09"}, False, None),
        ({"onsetPeriod": {"start": "2026-11-01"}}, True, None),
        ({"recordedDate": "2026-11-01"}, True, None),
        ({"onsetDateTime": "2020-01-01", "recordedDate": "2026-11-01"}, False, None),
        ({}, None, Reason.UNDATED),
        ({"onsetDateTime": "2027-01-01"}, None, Reason.FUTURE),
        ({"onsetDateTime": "last week"}, None, Reason.UNDATED),
    ],
)
def test_a_window_is_held_against_onset_else_the_date_of_recording(
    base: RuleBase, dates: dict[str, Any], expected: bool | None, reason: Reason | None
) -> None:
    found = heavy(base, "heavy-30", **dates)

    assert (found.value, found.reason) == (expected, reason)


def test_an_undated_problem_counts_where_the_fact_says_so(base: RuleBase) -> None:
    assert heavy(base, "heavy-30-undated").value is True


@pytest.mark.parametrize(
    ("dates", "expected"),
    [
        ({"onsetDateTime": "2026-10-23"}, True),
        ({"onsetDateTime": "2026-10-24"}, False),
        ({"onsetDateTime": "2026-10"}, None),
        ({"recordedDate": "2026-10-23"}, True),  # it began then or before
        ({"recordedDate": "2026-11-20"}, None),  # recorded is only an upper bound of onset
        ({}, None),
    ],
)
def test_at_least_so_long_may_be_true_from_a_date_of_recording_but_never_false(
    base: RuleBase, dates: dict[str, Any], expected: bool | None
) -> None:
    assert heavy(base, "heavy-lasting", **dates).value is expected


def test_an_onset_at_an_age_is_a_year_wide(base: RuleBase) -> None:
    old = heavy(base, "heavy-lasting", onsetAge={"value": 40, "code": "a"})
    now = heavy(base, "heavy-lasting", onsetAge={"value": 60, "code": "a"})

    assert old.value is True
    assert now.value is None  # 60 since 5 May: it may be yesterday or half a year


def test_an_onset_in_the_future_is_unreadable_not_recent(base: RuleBase) -> None:
    assert heavy(base, "heavy-at-most-30", onsetDateTime="2027-03-01").value is None
    assert heavy(base, "heavy-at-most-30", onsetDateTime="2026-11-20").value is True


def test_a_date_at_the_beginning_of_time_spoils_nothing(base: RuleBase) -> None:
    # Some systems send the smallest date they have for "none".
    odd = condition(id="odd", onsetDateTime="0001-01-01T00:00:00Z")
    good = condition(onsetDateTime="2026-11-01")
    west = timezone(timedelta(hours=-5))

    facts = assessed(base, conditions=[odd, good], zone=west)

    assert facts.value("heavy-30") is True


# --- findings --------------------------------------------------------------------------------------


def said(base: RuleBase, name: str = "weak", **value: Any) -> Fact:
    return assessed(base, findings=[observation("weak", **value)]).fact(name)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"valueBoolean": True}, True),
        ({"valueBoolean": False}, False),
        ({"valueString": "present"}, True),
        ({"valueString": "Absent"}, False),
        ({"valueString": "a bit"}, None),
        ({"valueCodeableConcept": concept("Y", system="http://example.org/answers")}, True),
        ({"valueCodeableConcept": concept("N", system="http://example.org/answers")}, False),
        ({"valueCodeableConcept": {"text": "no"}}, False),
        ({"dataAbsentReason": concept("not-asked")}, None),
        ({}, None),
    ],
)
def test_asked_and_answered_is_not_the_same_as_not_asked(
    base: RuleBase, value: dict[str, Any], expected: bool | None
) -> None:
    found = said(base, **value)

    assert found.value is expected
    assert found.reason is (Reason.NOT_ASKED if expected is None else None)


def test_not_asked_is_not_no_even_where_nothing_recorded_means_no(base: RuleBase) -> None:
    absent = said(base, "weak-not-recorded-is-no", dataAbsentReason=concept("not-asked"))

    assert absent.value is None
    assert assessed(base).value("weak-not-recorded-is-no") is False


def test_a_finding_as_the_value_of_an_observation_counts(base: RuleBase) -> None:
    found = observation("finding", valueCodeableConcept=concept("weak"))

    assert assessed(base, findings=[found]).value("weak") is True


def test_a_coded_answer_is_yes_or_no_only_where_the_fact_says_which(base: RuleBase) -> None:
    local = "http://example.org/local"

    worse = said(base, "weak-worse", valueCodeableConcept=concept("worse", system=local))
    same = said(base, "weak-worse", valueCodeableConcept=concept("same", system=local))
    other = said(base, "weak-worse", valueCodeableConcept=concept("declined", system=local))

    assert (worse.value, same.value, other.value) == (True, False, None)


@pytest.mark.parametrize("state", ["entered-in-error", "cancelled", "preliminary"])
def test_a_finding_that_does_not_stand_says_nothing(base: RuleBase, state: str) -> None:
    assert said(base, valueBoolean=True, status=state).value is None


def test_the_newest_answer_decides(base: RuleBase) -> None:
    yes = observation("weak", "2026-11-01", valueBoolean=True)
    no = observation("weak", "2026-11-20", valueBoolean=False)

    assert assessed(base, findings=[yes, no]).value("weak") is False
    assert assessed(base, findings=[no, yes]).value("weak") is False


def test_of_two_answers_of_the_same_day_the_worse_counts(base: RuleBase) -> None:
    yes = observation("weak", "2026-11-20", valueBoolean=True)
    no = observation("weak", "2026-11-20", valueBoolean=False)

    assert assessed(base, findings=[yes, no]).value("weak") is True
    assert assessed(base, findings=[no, yes]).value("weak") is True


def test_any_yes_is_enough_whatever_another_question_says(base: RuleBase) -> None:
    found = [observation("weak", valueBoolean=False), observation("weak-too", valueBoolean=True)]

    assert assessed(base, findings=found).value("weak") is True


def test_an_old_answer_is_too_old_and_no_answer(base: RuleBase) -> None:
    found = said(base, valueBoolean=True, effectiveDateTime="2026-10-22")

    assert (found.value, found.reason) == (None, Reason.TOO_OLD)


def test_a_finding_may_be_a_problem_by_onset_or_by_recording(base: RuleBase) -> None:
    def weak(**dates: str) -> bool | None:
        return assessed(base, conditions=[condition("weak", **dates)]).value("weak")

    assert weak(onsetDateTime="2026-11-01") is True
    assert weak(onsetDateTime="2020-01-01", recordedDate="2026-11-01") is True
    assert weak(onsetDateTime="2020-01-01") is None


# --- who -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("born", "adult"),
    [
        ("2008-11-22", True),
        ("2008-11-23", False),
        ("2008", None),
        ("2008-11", None),
        ("2008-10", True),
        ("2009", False),
        ("2030-01-01", None),
        ("1850-01-01", None),
        ("soon", None),
        (None, None),
    ],
)
def test_a_partial_birth_date_is_an_interval(
    base: RuleBase, born: str | None, adult: bool | None
) -> None:
    assert assessed(base, patient={"birthDate": born}).value("adult") is adult


@pytest.mark.parametrize(
    ("born", "odd"),
    [
        (None, False),
        ("1950", False),
        ("1950-02-30", True),
        ("", True),
        ("2027-01-01", True),
        ("1850", True),
    ],
)
def test_a_birth_date_that_tells_no_age_is_said(base: RuleBase, born: str | None, odd: bool) -> None:
    found = assessed(base, patient={"birthDate": born}).undelivered
    assert (("patient: birthDate", "unreadable") in found) is odd


@pytest.mark.parametrize(
    ("person", "dead"),
    [
        ({}, False),
        ({"deceasedBoolean": False}, False),
        ({"deceasedBoolean": True}, True),
        ({"deceasedDateTime": "2026"}, True),
        ({"deceasedDateTime": "2026-11-21"}, True),
        ({"deceasedDateTime": ""}, False),
        ({"deceasedDateTime": "unknown"}, False),
        ({"deceasedDateTime": "9999-12-31"}, False),
        ({"deceasedDateTime": "2027-11-21"}, False),
        ({"deceasedDateTime": "", "deceasedBoolean": True}, True),
    ],
)
def test_deceased_is_said_or_dated(base: RuleBase, person: dict[str, Any], dead: bool) -> None:
    found = assessed(base, patient=person)
    assert found.value("deceased") is dead
    odd = "deceasedDateTime" in person and person["deceasedDateTime"] not in ("2026", "2026-11-21")
    assert (("patient: deceasedDateTime", "unreadable") in found.undelivered) is odd


def test_the_day_is_the_local_one(base: RuleBase) -> None:
    tokyo = timezone(timedelta(hours=9))
    now = datetime(2026, 11, 21, 16, 0, tzinfo=UTC)  # already the 22nd there

    def adult(zone: Any) -> bool | None:
        facts: FactSet = assessed(base, patient={"birthDate": "2008-11-22"}, now=now, zone=zone)
        return facts.value("adult")

    assert adult(UTC) is False
    assert adult(tokyo) is True
