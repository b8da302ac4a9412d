"""Osmolarity, urea to creatinine, weight loss: worked vectors (A 5.7)."""

from decimal import Decimal

import pytest

from cds_service.facts.derived.osmolarity import osmolarity
from cds_service.facts.model import Reason
from cds_service.rulebase.model import RuleBase
from tests.unit.facts.chemistry import DAYS, chemistry, derived, result
from tests.unit.facts.patients import assessed


@pytest.fixture(scope="module")
def base() -> RuleBase:
    inputs = ["sodium", "potassium", "glucose", "urea", "nitrogen"]
    return chemistry(
        {
            "concentrated": derived("calculated-osmolarity", inputs, is_={"above": "osm-295"}),
            "urea-high": derived(
                "urea-creatinine", ["creatinine", "nitrogen", "urea"], is_={"above": "ratio"}
            ),
            "lighter": derived("weight-loss", ["weight"], is_={"at-least": "two-percent"}, with_=DAYS),
        }
    )


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [(("147", "4.5", "6", "9"), "311.69"), (("142", "4.2", "5.8", "7.9"), "300.502")],
)
def test_osmolarity_of_the_reference(inputs: tuple[str, ...], expected: str) -> None:
    sodium, potassium, glucose, urea = (Decimal(one) for one in inputs)

    assert osmolarity(sodium, potassium, glucose, urea) == Decimal(expected)


SAMPLE = [result("na", 147), result("k", 4.5), result("glu", 6), result("urea", 9)]


def test_osmolarity_is_shown_and_names_its_inputs(base: RuleBase) -> None:
    found = assessed(base, laboratory=SAMPLE).fact("concentrated")

    assert found.value is True
    assert found.data[0].text == "311.7 mmol/L"
    assert [one.text for one in found.data[1:]] == ["147 mmol/L", "4.5 mmol/L", "6 mmol/L", "9 mmol/L"]


def test_urea_nitrogen_serves_as_urea(base: RuleBase) -> None:
    by_mass = result("bun", 30, "mg/dL")  # x 0.357 = 10.71 mmol/L
    found = assessed(base, laboratory=[*SAMPLE[:3], by_mass]).fact("concentrated")

    assert found.data[0].text == "313.4 mmol/L"  # 281.79 + 6.9 + 10.71 + 14


@pytest.mark.parametrize("missing", range(1, 4))
def test_any_missing_input_leaves_it_unknown(base: RuleBase, missing: int) -> None:
    found = assessed(base, laboratory=[one for n, one in enumerate(SAMPLE) if n != missing])

    assert found.fact("concentrated").reason is Reason.NOT_RECORDED


def test_an_input_of_another_sample_or_an_open_end_is_none(base: RuleBase) -> None:
    for other in (
        result("urea", 9, at="2026-11-22T07:59:00Z"),
        result("urea", 9, comparator=">"),
        result("urea", 9, status="preliminary"),
    ):
        assert assessed(base, laboratory=[*SAMPLE[:3], other]).value("concentrated") is None


@pytest.mark.parametrize(
    ("urea", "creatinine", "shown", "high"),
    [
        (("bun", "36", "mg/dL"), ("1.4", "mg/dL"), "25.7", True),  # A 5.7
        (("bun", "28", "mg/dL"), ("1.4", "mg/dL"), "20.0", False),
        (("bun", "28.001", "mg/dL"), ("1.4", "mg/dL"), "20.0", True),
        (("urea", "8.08", "mmol/L"), ("100", "umol/L"), "80.8", False),
        (("urea", "8.0801", "mmol/L"), ("100", "umol/L"), "80.8", True),
        # A 5.7: 36 mg/dL over 1.4 mg/dL is the index 103.8 (36 x 0.357 = 12.852; 1.4 x 88.4 = 123.76)
        (("bun", "36", "mg/dL"), ("123.76", "umol/L"), "103.8", True),
        # whole urea in mg/dL is no urea nitrogen: 60 x 0.1665 = 9.99 mmol/L over 123.76 umol/L is 80.7
        (("urea", "60", "mg/dL"), ("1.4", "mg/dL"), "80.7", False),
    ],
)
def test_urea_to_creatinine_natively(
    base: RuleBase,
    urea: tuple[str, str, str],
    creatinine: tuple[str, str],
    shown: str,
    high: bool,
) -> None:
    found = assessed(base, laboratory=[result(*urea), result("crea", *creatinine)]).fact("urea-high")

    assert found.data[0].text == shown
    assert found.value is high


def test_urea_of_another_sample_makes_no_ratio(base: RuleBase) -> None:
    other = result("bun", 36, "mg/dL", at="2026-11-22T06:00:00Z")

    assert assessed(base, laboratory=[other, result("crea", 1.4, "mg/dL")]).value("urea-high") is None


@pytest.mark.parametrize(
    ("before", "now", "day", "lighter"),
    [
        ("80", "78.4", "2026-11-17", True),
        ("80", "78.41", "2026-11-17", False),
        ("80", "70", "2026-11-20", None),  # two days before: no baseline
        ("80", "70", "2026-11-19", True),
        ("80", "70", "2026-11-15", True),
        ("80", "70", "2026-11-14", None),
    ],
)
def test_weight_loss_within_a_week(
    base: RuleBase, before: str, now: str, day: str, lighter: bool | None
) -> None:
    weights = [result("kg", now, "kg"), result("kg", before, "kg", at=f"{day}T07:00:00Z")]

    assert assessed(base, vitals=weights).value("lighter") is lighter
