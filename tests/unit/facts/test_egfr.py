"""eGFR, reported or computed (CKD-EPI 2021): published vectors, which value counts, for how long."""

from decimal import ROUND_HALF_UP, Context, Decimal, localcontext
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.facts.derived.egfr import ckd_epi_2021
from cds_service.facts.model import EGFR_COMPUTED, Reason
from cds_service.rulebase.model import RuleBase
from tests.unit.facts.chemistry import result
from tests.unit.facts.patients import assessed, medicine
from tests.unit.rulebase.tiny import code_set, fact, rule_base

_THRESHOLDS = """
thresholds:
  year: {value: {d: 365}, source: s, standing: design}
  gfr-30: {of: gfr, value: {mL/min: 30}, source: s, standing: design}
  gfr-60: {of: gfr, value: {mL/min: 60}, source: s, standing: design}
analytes:
  gfr: {label: l, codes: gfr, unit: mL/min, units: {mL/min: {factor: 1}},
    plausible: {from: 1, to: 250}, arrives-in: [laboratory], source: s}
  creatinine: {label: l, codes: crea, unit: umol/L, units: {umol/L: {factor: 1}, mg/dL: {factor: 88.4}},
    plausible: {from: 8, to: 3000}, arrives-in: [laboratory], source: s}
"""
MAN = {"gender": "male", "birthDate": "1971-05-05"}  # 55 years
WOMAN = {"gender": "female", "birthDate": "1971-05-05"}


def _egfr(**fields: Any) -> dict[str, Any]:
    windows = {"clears-within": "window-90", "clears-within-changing": "window-30"}
    return fact("derived", by="egfr", of=["gfr", "creatinine", "water-tablet"], within="year",
                with_=windows, **fields)  # fmt: skip


@pytest.fixture(scope="module")
def base() -> RuleBase:
    return rule_base(
        {
            "water-tablet": fact("medication", in_=["pill"]),
            "below-30": _egfr(is_={"below": "gfr-30"}),
            "below-60": _egfr(is_={"below": "gfr-60"}),
            "known": _egfr(),
        },
        thresholds=_THRESHOLDS,
        terminology={"gfr": code_set("gfr"), "crea": code_set("crea")},
    )


@pytest.mark.parametrize(
    ("mg", "years", "sex", "expected"),
    [
        ("1.2", 55, "male", 71),  # calculator of the National Kidney Foundation
        ("0.8", 60, "female", 84),  # this and the next: values of other public implementations
        ("1.8", 55, "male", 44),
    ],
)
def test_published_vectors(mg: str, years: int, sex: str, expected: int) -> None:
    assert ckd_epi_2021(Decimal(mg) * Decimal("88.4"), years, sex) == expected


@given(st.decimals("8", "3000", places=1), st.integers(18, 130), st.sampled_from(["female", "male"]))
def test_floating_point_rounds_as_exact_numbers_do(umol: Decimal, years: int, sex: str) -> None:
    knot, below, factor = {"female": ("0.7", "-0.241", "1.012"), "male": ("0.9", "-0.302", "1")}[sex]
    with localcontext(Context(prec=40)):
        ratio = umol / Decimal("88.4") / Decimal(knot)
        slope = min(ratio, Decimal(1)) ** Decimal(below) * max(ratio, Decimal(1)) ** Decimal("-1.200")
        exact = 142 * slope * Decimal("0.9938") ** years * Decimal(factor)
        expected = exact.quantize(Decimal(1), rounding=ROUND_HALF_UP)

    assert ckd_epi_2021(umol, years, sex) == expected


@pytest.mark.parametrize(("sex", "knot"), [("female", "0.7"), ("male", "0.9")])
def test_at_the_knot_only_age_and_sex_count(sex: str, knot: str) -> None:
    # 142 x 0.9938^40 = 110.7; x 1.012 for a woman = 112.0
    expected = {"female": 112, "male": 111}[sex]

    assert ckd_epi_2021(Decimal(knot) * Decimal("88.4"), 40, sex) == expected


@given(
    st.decimals(Decimal(20), Decimal(1500), places=1),
    st.decimals(Decimal(20), Decimal(1500), places=1),
    st.integers(18, 110),
    st.sampled_from(["female", "male"]),
)
def test_more_creatinine_never_means_more_filtration(
    one: Decimal, other: Decimal, years: int, sex: str
) -> None:
    low, high = sorted((one, other))

    assert ckd_epi_2021(low, years, sex) >= ckd_epi_2021(high, years, sex)
    assert ckd_epi_2021(low, years, sex) >= ckd_epi_2021(low, years + 1, sex)


def test_it_says_that_it_was_computed_and_brings_the_creatinine(base: RuleBase) -> None:
    found = assessed(base, patient=MAN, laboratory=[result("crea", 106, "umol/L")]).fact("known")

    assert found.value is True
    assert [one.text for one in found.data] == ["71 mL/min/1.73 m2", "106 umol/L"]
    assert EGFR_COMPUTED in found.data[0].notes
    assert EGFR_COMPUTED not in found.data[1].notes


@pytest.mark.parametrize(
    ("patient", "umol", "below_30"),
    [
        (MAN, 221, False),  # 29.6 is 30, as a laboratory reports it
        (MAN, 222, True),  # 29.4
        (WOMAN, 174, False),  # 29.5
        (WOMAN, 175, True),  # 29.3
        ({"birthDate": "1971-05-05"}, 210, None),  # man 31, woman 24: it lies between
        ({"birthDate": "1971-05-05", "gender": "other"}, 260, True),
        ({"birthDate": "1971-05-05", "gender": "unknown"}, 100, False),
        ({"gender": "male", "birthDate": "2009-05-05"}, 500, None),  # 17
        ({"gender": "male", "birthDate": None}, 500, None),
    ],
)
def test_who_gets_one(base: RuleBase, patient: Any, umol: int, below_30: bool | None) -> None:
    patient = {key: value for key, value in patient.items() if value} | (
        {} if patient.get("birthDate") else {"birthDate": "?"}
    )
    facts = assessed(base, patient=patient, laboratory=[result("crea", umol, "umol/L")])

    assert facts.value("below-30") is below_30


@pytest.mark.parametrize(
    ("reported", "creatinine", "expected"),
    [
        ({}, {}, False),  # one time: the laboratory's own
        ({"at": "2026-11-22T09:00:00Z"}, {}, False),
        ({"at": "2026-11-20"}, {}, True),  # the creatinine is newer
        ({"at": "2026-11-21"}, {"at": "2026-11-21"}, False),
        # It may be older than the creatinine: both stand, and the more dangerous is spoken of.
        ({"at": "2026-11-22"}, {"at": "2026-11-22T08:30:00Z"}, True),
        ({"at": "2026-11"}, {}, True),
        ({"at": "2026"}, {}, True),
        (
            {"at": "2026-11-22T07:00:00Z", "specimen": {"reference": "Specimen/s"}},
            {"specimen": {"reference": "Specimen/s"}},
            False,
        ),
        (  # a laboratory that calls every sample "s"
            {"at": "2025-12-22T07:00:00Z", "specimen": {"reference": "Specimen/s"}},
            {"specimen": {"reference": "Specimen/s"}},
            True,
        ),
        ({"unit": "L/h"}, {"at": "2026-11-22T08:30:00Z"}, True),  # what cannot be read is not reported
    ],
    ids=str,
)
def test_computed_only_where_it_is_not_reported(
    base: RuleBase, reported: Any, creatinine: Any, expected: bool
) -> None:
    told = {"unit": "mL/min"} | reported
    facts = assessed(
        base,
        patient=MAN,
        laboratory=[result("gfr", 50, **told), result("crea", 500, "umol/L", **creatinine)],
    )

    assert facts.value("below-30") is expected


@pytest.mark.parametrize(
    ("value", "at", "tablets", "expected"),
    [
        (25, "2025-11-22", False, True),  # low stays true for a year
        (25, "2025-11-21", False, Reason.TOO_OLD),
        (80, "2026-08-24", False, False),  # normal clears for 90 days
        (80, "2026-08-23", False, Reason.TOO_OLD),
        (80, "2026-10-23", True, False),  # and for 30 while something may change it
        (80, "2026-10-22", True, Reason.TOO_OLD),
        (25, "2025-11-22", True, True),
    ],
)
def test_low_stays_true_longer_than_normal_clears(
    base: RuleBase, value: int, at: str, tablets: bool, expected: bool | Reason
) -> None:
    taken = [medicine()] if tablets else []
    facts = assessed(base, laboratory=[result("gfr", value, "mL/min", at=at)], medicationRequests=taken)
    found = facts.fact("below-30")

    assert (found.reason if found.value is None else found.value) is expected


def test_while_medicines_are_not_known_the_short_window_holds(base: RuleBase) -> None:
    old = result("gfr", 80, "mL/min", at="2026-10-01")
    facts = assessed(base, laboratory=[old], without=["medicationRequests"])

    assert facts.fact("below-30").reason is Reason.TOO_OLD


@pytest.mark.parametrize(
    ("value", "comparator", "below_30", "below_60"),
    [(600, ">", True, True), (90, "<", False, False), (120, ">", None, None), (150, "<", False, None)],
)
def test_a_creatinine_beyond_the_scale_gives_a_bound(
    base: RuleBase, value: int, comparator: str, below_30: bool | None, below_60: bool | None
) -> None:
    facts = assessed(
        base, patient=MAN, laboratory=[result("crea", value, "umol/L", comparator=comparator)]
    )

    assert facts.value("below-30") is below_30
    assert facts.value("below-60") is below_60
