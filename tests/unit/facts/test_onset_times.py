"""At what age something began, and how soon after something else (reference B 3, B 8.6)."""

from typing import Any

import pytest

from cds_service.facts.model import Fact, Reason
from cds_service.rulebase.model import RuleBase
from tests.unit.facts.patients import assessed, condition
from tests.unit.rulebase.tiny import fact, rule_base

BORN = "1981-11-22"  # 45 on the day of the tests


@pytest.fixture(scope="module")
def base() -> RuleBase:
    return rule_base(
        {
            "ache": fact("condition", in_=["heavy"]),
            "weakness": fact("condition", in_=["weak"]),
            "young": fact("derived", by="age-at-onset", of=["ache"], is_={"below": "age-45"}),
            "young-either": fact(
                "derived", by="age-at-onset", of=["ache", "weakness"], is_={"below": "age-45"}
            ),
            "soon": fact(
                "derived", by="began-soon-after", of=["ache", "weakness"], with_={"after": "a-day"}
            ),
        },
        thresholds="""
        thresholds:
          age-45: {value: {a: 45}, source: s, standing: design}
          a-day: {value: {h: 24}, source: s, standing: design}
        """,
    )


def born_on(date: str | None) -> dict[str, Any]:
    return {"birthDate": date}


def young(base: RuleBase, born: str | None = BORN, **fields: Any) -> Fact:
    return assessed(base, patient=born_on(born), conditions=[condition(**fields)]).fact("young")


@pytest.mark.parametrize(
    ("onset", "answer"),
    [
        ("2026-11-21", True),  # 44 years and 364 days
        ("2026-11-22", False),  # the 45th birthday
        ("1990", True),
        ("2026-10", True),
        ("2026", None),  # before or after the birthday
        ("2026-11", None),
    ],
)
def test_age_at_an_onset(base: RuleBase, onset: str, answer: bool | None) -> None:
    found = young(base, onsetDateTime=onset)
    assert found.value is answer
    assert found.reason is (Reason.DATE_IMPRECISE if answer is None else None)


@pytest.mark.parametrize(("years", "answer"), [(44, True), (45, False), (30, True)])
def test_an_onset_that_is_said_as_an_age(base: RuleBase, years: int, answer: bool) -> None:
    assert young(base, onsetAge={"value": years, "code": "a"}).value is answer


def test_a_birth_year_alone_leaves_the_year_of_the_limit_open(base: RuleBase) -> None:
    assert young(base, born="1981", onsetDateTime="2026-06-01").value is None
    assert young(base, born="1981", onsetDateTime="2025-06-01").value is True
    assert young(base, born="1980", onsetDateTime="2026-06-01").value is False


def test_a_date_of_recording_bounds_the_age_from_above_only(base: RuleBase) -> None:
    assert young(base, recordedDate="2026-11-21").value is True
    late = young(base, recordedDate="2026-11-22")
    assert (late.value, late.reason) == (None, Reason.DATE_IMPRECISE)


def test_without_a_date_or_a_birth_date_or_a_complaint_it_is_unknown(base: RuleBase) -> None:
    assert young(base).reason is Reason.UNDATED
    assert young(base, born=None, onsetDateTime="1990").reason is Reason.NOT_RECORDED
    assert young(base, born="1850", onsetDateTime="1890").reason is Reason.IMPLAUSIBLE
    assert young(base, onsetDateTime="2027-01-01").reason is Reason.UNDATED
    nothing = assessed(base, patient=born_on(BORN), conditions=[]).fact("young")
    assert (nothing.value, nothing.reason) == (None, Reason.NOT_RECORDED)


def test_the_first_of_several_decides(base: RuleBase) -> None:
    first = condition("heavy", onsetDateTime="1990-01-01")
    again = condition("weak", onsetDateTime="2026-11-22")
    assert assessed(base, patient=born_on(BORN), conditions=[first, again]).value("young-either") is True

    undated = condition("weak")
    late = condition("heavy", onsetDateTime="2026-11-22")
    found = assessed(base, patient=born_on(BORN), conditions=[late, undated]).fact("young-either")
    assert found.value is None  # the undated one may have been the first


@pytest.mark.parametrize(
    ("swollen", "hurt", "answer"),
    [
        ("2026-11-10", "2026-11-10", True),
        ("2026-11-11", "2026-11-10", None),  # up to 48 hours later
        ("2026-11-12", "2026-11-10", False),
        ("2026-11-09", "2026-11-10", False),  # before the injury
        ("2026-11-11T10:00:00Z", "2026-11-10T10:00:00Z", True),
        ("2026-11-11T10:00:01Z", "2026-11-10T10:00:00Z", False),
        ("2026-11-10T08:00:00Z", "2026-11-10", True),
        ("2026-11", "2026-11-10", None),
        (None, "2026-11-10", None),
        ("2026-11-10", None, None),
    ],
)
def test_soon_after(base: RuleBase, swollen: str | None, hurt: str | None, answer: bool | None) -> None:
    def dated(code: str, onset: str | None) -> dict[str, Any]:
        return condition(code, **({"onsetDateTime": onset} if onset else {}))

    found = assessed(base, conditions=[dated("heavy", swollen), dated("weak", hurt)]).fact("soon")
    assert found.value is answer
    if answer is None:
        whole = swollen and hurt
        assert found.reason is (Reason.DATE_IMPRECISE if whole else Reason.UNDATED)


def test_soon_after_needs_both(base: RuleBase) -> None:
    only = assessed(base, conditions=[condition("heavy", onsetDateTime="2026-11-10")])
    assert only.fact("soon").value is None
    assert only.fact("soon").reason is Reason.NOT_RECORDED
