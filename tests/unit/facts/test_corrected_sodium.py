"""Sodium corrected for glucose: vectors of A 5.7, the pair of A 3.5 NA-01, and what corrects nothing."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.facts.derived.corrected_sodium import guideline_correction, katz_correction
from cds_service.facts.model import Reason
from cds_service.rulebase.model import RuleBase
from tests.unit.facts.chemistry import chemistry, derived, result
from tests.unit.facts.patients import assessed, concept, observation, quantity

PAIR = ["sodium", "glucose"]
glucoses = st.decimals(Decimal("0.5"), Decimal(100), places=2)


@pytest.fixture(scope="module")
def base() -> RuleBase:
    return chemistry(
        {
            "below-135": derived("corrected-sodium", PAIR, is_={"below": "na-135"}),
            "below-120": derived(
                "corrected-sodium", PAIR, is_={"below": "na-120"}, preliminary="counts"
            ),
            "katz-below-135": derived("corrected-sodium-katz", PAIR, is_={"below": "na-135"}),
            "corrected": derived("glucose-correction", PAIR),
            "corrected-katz": derived("glucose-correction-katz", PAIR),
        }
    )


@pytest.mark.parametrize(
    ("glucose", "unit", "guideline", "katz"),
    [
        # A 5.7: sodium 128 and glucose 540 mg/dL (29.98 mmol/L): 138.7, and 135.0 by the factor 1.6
        ("540", "mg/dL", "10.7", "7.0"),
        ("29.98", "mmol/L", "10.7", "7.0"),
        ("11", "mmol/L", "2.4", "1.6"),  # one step of 5.5 mmol/L (98 mg/dL above 100)
        ("200", "mg/dL", "2.4", "1.6"),
        ("5.5", "mmol/L", "0.0", "0.0"),
        ("2.2", "mmol/L", "0.0", "0.0"),
    ],
)
def test_vectors(glucose: str, unit: str, guideline: str, katz: str) -> None:
    tenth = Decimal("0.1")

    assert guideline_correction(Decimal(glucose), unit).quantize(tenth) == Decimal(guideline)
    assert katz_correction(Decimal(glucose), unit).quantize(tenth) == Decimal(katz)


def test_one_step_is_exact() -> None:
    assert guideline_correction(Decimal(11), "mmol/L") == Decimal("2.4")
    assert katz_correction(Decimal(200), "mg/dL") == Decimal("1.6")


@given(glucoses, glucoses)
def test_more_glucose_never_corrects_less_and_never_below_nothing(one: Decimal, other: Decimal) -> None:
    low, high = sorted((one, other))
    for correction in (guideline_correction, katz_correction):
        assert 0 <= correction(low, "mmol/L") <= correction(high, "mmol/L")


@given(glucoses)
def test_both_units_of_glucose_correct_alike(glucose: Decimal) -> None:
    in_mg = glucose / Decimal("0.05551")
    for correction in (guideline_correction, katz_correction):
        by_mmol, by_mg = correction(glucose, "mmol/L"), correction(in_mg, "mg/dL")
        assert abs(by_mmol - by_mg) < Decimal("1e-20")


def test_the_card_gets_both_values_and_both_dates(base: RuleBase) -> None:
    facts = assessed(
        base,
        laboratory=[result("na", 128), result("glu", 540, "mg/dL", at="2026-11-22T07:10:00Z")],
    )
    shown = facts.fact("corrected").data

    assert [one.text for one in shown] == ["138.7 mmol/L", "540 mg/dL"]
    assert [one.when.text for one in shown if one.when] == [
        "2026-11-22T08:00:00Z",
        "2026-11-22T07:10:00Z",
    ]
    assert facts.fact("corrected-katz").data[0].text == "135.0 mmol/L"
    # The fact rests on what was measured, and on the glucose that went into it.
    assert [one.text for one in facts.fact("below-135").data] == ["128 mmol/L", "540 mg/dL"]
    assert facts.value("below-135") is False
    assert facts.value("katz-below-135") is False


@pytest.mark.parametrize(
    ("sodium", "glucose", "below"),
    [("117.6", "11", False), ("117.5999", "11", True), ("117.6", "10.9999", True)],
)
def test_the_edge_is_decided_exactly(base: RuleBase, sodium: str, glucose: str, below: bool) -> None:
    facts = assessed(base, laboratory=[result("na", sodium), result("glu", glucose)])

    assert facts.value("below-120") is below


@pytest.mark.parametrize(
    ("glucose", "paired"),
    [
        ({"at": "2026-11-22T04:00:00Z"}, True),
        ({"at": "2026-11-22T03:59:59Z"}, False),
        ({"at": "2026-11-22T12:00:00+04:00"}, True),  # another zone, the same moment
        ({"at": "2026-11-22"}, False),  # some time that day
        ({"status": "preliminary"}, False),
        ({"status": "cancelled"}, False),
        ({"note": [{"text": "taken from drip arm"}]}, False),
    ],
    ids=str,
)
def test_which_glucose_is_paired(base: RuleBase, glucose: dict[str, Any], paired: bool) -> None:
    facts = assessed(base, laboratory=[result("na", 119), result("glu", 30, **glucose)])

    assert facts.value("below-120") is not paired
    assert facts.fact("corrected").reason is (None if paired else Reason.NOT_RECORDED)


def test_a_specimen_pairs_where_a_date_cannot(base: RuleBase) -> None:
    drawn: dict[str, Any] = {"at": "2026-11-22", "specimen": {"reference": "Specimen/s1"}}
    other: dict[str, Any] = {"at": "2026-11-22", "specimen": {"reference": "Specimen/s2"}}

    assert (
        assessed(base, laboratory=[result("na", 119, **drawn), result("glu", 30, **drawn)]).value(
            "below-120"
        )
        is False
    )
    assert (
        assessed(base, laboratory=[result("na", 119, **drawn), result("glu", 30, **other)]).value(
            "below-120"
        )
        is True
    )


def test_components_of_one_panel_are_a_pair(base: RuleBase) -> None:
    panel = observation(
        "panel",
        "2026-11-22",
        component=[
            {"code": concept("na"), "valueQuantity": quantity(119)},
            {"code": concept("glu"), "valueQuantity": quantity(30)},
        ],
    )

    assert assessed(base, laboratory=[panel]).value("below-120") is False


def test_the_nearest_glucose_counts(base: RuleBase) -> None:
    near = result("glu", 6, at="2026-11-22T07:50:00Z")
    far = result("glu", 30, at="2026-11-22T05:00:00Z")

    assert assessed(base, laboratory=[result("na", 119), far, near]).value("below-120") is True


@pytest.mark.parametrize(
    ("comparator", "below"),
    [("<", True), (">", False)],  # "<30" may be 5; ">30" is 30 at least
)
def test_an_open_ended_glucose_corrects_by_what_it_is_at_least(
    base: RuleBase, comparator: str, below: bool
) -> None:
    facts = assessed(base, laboratory=[result("na", 119), result("glu", 30, comparator=comparator)])

    assert facts.value("below-120") is below


def test_an_open_ended_sodium_stays_open_ended(base: RuleBase) -> None:
    facts = assessed(base, laboratory=[result("na", 120, comparator="<"), result("glu", 11)])

    assert facts.fact("below-120").reason is Reason.STRADDLES  # below 122.4, perhaps below 120
    assert facts.fact("corrected").data[0].text == "<122.4 mmol/L"


def test_a_preliminary_sodium_raises_where_the_fact_says_so(base: RuleBase) -> None:
    facts = assessed(base, laboratory=[result("na", 118, status="preliminary")])

    assert facts.value("below-120") is True
    assert facts.value("below-135") is None


def test_without_a_glucose_the_reported_sodium_stands(base: RuleBase) -> None:
    facts = assessed(base, laboratory=[result("na", 119)])

    assert facts.value("below-120") is True
    assert facts.fact("corrected").value is None
    assert [one.text for one in facts.fact("below-120").data] == ["119 mmol/L"]


def test_a_glucose_that_corrects_nothing_is_said_to(base: RuleBase) -> None:
    facts = assessed(base, laboratory=[result("na", 132), result("glu", 5)])

    assert facts.fact("corrected").value is False


def test_an_old_or_unreadable_sodium_is_not_corrected(base: RuleBase) -> None:
    old = {"at": "2026-11-01T08:00:00Z"}
    facts = assessed(base, laboratory=[result("na", 128, **old), result("glu", 30, **old)])
    assert facts.fact("corrected").reason is Reason.NOT_RECORDED

    facts = assessed(base, laboratory=[result("na", 128, "mg/dL"), result("glu", 30)])
    assert facts.fact("corrected").reason is Reason.NOT_RECORDED  # not said of a glucose
    assert facts.fact("below-135").reason is Reason.UNIT_NOT_DECLARED
