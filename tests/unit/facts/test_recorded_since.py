"""A diagnosis written down after the complaint began (reference B 3, cause-established)."""

from typing import Any

import pytest

from cds_service.facts.model import Fact, Reason
from cds_service.rulebase.model import RuleBase
from tests.unit.facts.patients import assessed, condition
from tests.unit.rulebase.tiny import fact, rule_base

Json = dict[str, Any]
BASE: RuleBase = rule_base(
    {
        "ache": fact("finding", in_=["heavy"], within="window-90", nothing_recorded="absent"),
        "known": fact("derived", by="recorded-since", of=["weak", "ache"], nothing_recorded="absent"),
    }
)
ACHE = condition("heavy", id="c-ache", onsetDateTime="2026-10-08", recordedDate="2026-10-20")


def known(*conditions: Json, **brought: Any) -> Fact:
    return assessed(BASE, conditions=list(conditions), **brought).fact("known")


def diagnosis(**fields: Any) -> Json:
    return condition("weak", **{"id": "c-weak", "onsetDateTime": None, **fields})


@pytest.mark.parametrize(
    ("recorded", "answer"),
    [("2026-10-07", False), ("2026-10-08", True), ("2026-11-01", True), ("2020-01-01", False)],
)
def test_only_a_diagnosis_from_after_the_beginning_explains_it(recorded: str, answer: bool) -> None:
    assert known(ACHE, diagnosis(recordedDate=recorded)).value is answer


def test_a_month_counts_when_any_part_of_it_is_not_before() -> None:
    assert known(ACHE, diagnosis(recordedDate="2026-10")).value is True
    assert known(ACHE, diagnosis(recordedDate="2026-09")).value is False


def test_without_a_date_of_recording_the_onset_tells() -> None:
    assert known(ACHE, diagnosis(onsetDateTime="2026-11-01")).value is True
    assert known(ACHE, diagnosis(onsetDateTime="2026-01-01")).value is False


def test_a_complaint_without_an_onset_began_at_the_latest_when_it_was_written_down() -> None:
    noted = condition("heavy", id="c-ache", onsetDateTime=None, recordedDate="2026-10-20")

    assert known(noted, diagnosis(recordedDate="2026-10-19")).value is False
    assert known(noted, diagnosis(recordedDate="2026-10-20")).value is True


def test_an_undated_diagnosis_leaves_it_open() -> None:
    found = known(ACHE, diagnosis())
    assert (found.value, found.reason) == (None, Reason.UNDATED)


@pytest.mark.parametrize(
    "fields",
    [
        {"clinicalStatus": {"coding": [{"code": "resolved"}]}},
        {"verificationStatus": {"coding": [{"code": "refuted"}]}},
        {"verificationStatus": {"coding": [{"code": "entered-in-error"}]}},
        {"verificationStatus": {"coding": [{"code": "provisional"}]}},
    ],
)
def test_a_diagnosis_that_is_over_or_not_certain_explains_nothing(fields: Json) -> None:
    assert known(ACHE, diagnosis(recordedDate="2026-11-01", **fields)).value is False


def test_without_a_complaint_nothing_is_explained() -> None:
    assert known(diagnosis(recordedDate="2026-11-01")).value is False


def test_what_explains_it_is_shown() -> None:
    (datum,) = known(ACHE, diagnosis(recordedDate="2026-11-01")).data
    assert datum.ref == "Condition/c-weak"
