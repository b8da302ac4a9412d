"""A value is compared in the unit it was reported in, exactly, and never guessed.

ARCHITECTURE 5.2, A 2.6.
"""

from decimal import Decimal

import pytest

from cds_service import content
from cds_service.facts.model import Fact, Reason
from cds_service.rulebase import loader
from cds_service.rulebase.model import RuleBase
from tests.unit.facts.patients import assessed, lab, observation, quantity
from tests.unit.rulebase.tiny import fact, rule_base

UCUM = "http://unitsofmeasure.org"


@pytest.fixture(scope="module")
def base() -> RuleBase:
    return rule_base(
        {
            "k-low": fact("measurement", of="potassium", is_={"below": "potassium-low"}),
            "k-high": fact("measurement", of="potassium", is_={"at-least": "potassium-high"}),
            "ca-high": fact("measurement", of="calcium", is_={"at-least": "calcium-high"}),
            "abi-low": fact("measurement", of="index", is_={"at-most": "index-low"}, rounded=2),
            "abi-stiff": fact("measurement", of="index", is_={"above": "index-high"}, rounded=2),
            "abi-block": fact("measurement", of="index", is_={"below": "index-half"}),
        }
    )


def potassium(base: RuleBase, *args: object, **fields: object) -> Fact:
    return assessed(base, laboratory=[lab(*args, **fields)]).fact("k-low")  # type: ignore[arg-type]


def index(base: RuleBase, name: str, value: str, unit: str | None = "1", **more: str) -> bool | None:
    found = observation("abi", valueQuantity=quantity(value, unit, **more))
    return assessed(base, findings=[found]).value(name)


def test_calcium_of_12_mg_dl_is_at_the_limit_of_12_though_it_converts_to_2_994_mmol(
    base: RuleBase,
) -> None:
    facts = assessed(base, laboratory=[lab("12.0", "mg/dL", of="ca")])

    assert facts.value("ca-high") is True
    assert Decimal("12.0") * Decimal("0.2495") < Decimal("3.00")  # what conversion would have said


@pytest.mark.parametrize(
    ("value", "unit", "high"),
    [
        ("11.9", "mg/dL", False),
        ("2.99", "mmol/L", False),
        ("3.00", "mmol/L", True),
        ("5.9", "meq/L", False),
        ("6.0", "meq/L", True),  # 6 meq/L of a doubly charged ion is 3 mmol/L
        ("12.0", "mg/dl", True),
    ],
)
def test_calcium_is_judged_in_the_unit_reported(
    base: RuleBase, value: str, unit: str, high: bool
) -> None:
    facts = assessed(base, laboratory=[lab(value, unit, of="ca")])

    assert facts.value("ca-high") is high


@pytest.mark.parametrize("unit", ["mmol/L", "mmol/l", "meq/L", "mEq/L"])
def test_a_potassium_is_the_same_number_in_mmol_and_meq(base: RuleBase, unit: str) -> None:
    assert potassium(base, "3.4", unit).value is True
    assert potassium(base, "3.5", unit).value is False


def test_an_exact_decimal_is_compared_not_its_binary_neighbour(base: RuleBase) -> None:
    assert potassium(base, "3.4999999999999999999").value is True  # a float would round it to 3.5
    assert potassium(base, "3.50").value is False
    assert potassium(base, "35e-1").value is False


def test_an_undeclared_unit_is_refused_and_the_value_is_said(base: RuleBase) -> None:
    found = potassium(base, "2.4", "mg/L")

    assert (found.value, found.reason) == (None, Reason.UNIT_NOT_DECLARED)
    assert [one.text for one in found.data] == ["2.4 mg/L"]


def test_a_value_without_a_unit_is_refused(base: RuleBase) -> None:
    assert potassium(base, "2.4", None).reason is Reason.NO_UNIT


def test_a_ratio_needs_no_unit(base: RuleBase) -> None:
    assert index(base, "abi-low", "0.85", None) is True


def test_the_code_of_ucum_counts_before_the_text(base: RuleBase) -> None:
    both = lab("12.0", of="ca") | {
        "valueQuantity": quantity("12.0", "milligrams", system=UCUM, code="mg/dL")
    }

    assert assessed(base, laboratory=[both]).value("ca-high") is True


def test_the_text_counts_where_the_code_is_of_another_system(base: RuleBase) -> None:
    other = {"value": 3.4, "unit": "mmol/L", "system": "urn:local-units", "code": "U17"}

    assert assessed(base, laboratory=[lab("3.4") | {"valueQuantity": other}]).value("k-low") is True


def test_the_text_counts_where_there_is_no_code(base: RuleBase) -> None:
    only_text = {"value": 3.4, "unit": "mEq/L"}

    assert assessed(base, laboratory=[lab("3.4") | {"valueQuantity": only_text}]).value("k-low") is True


def test_the_size_of_a_value_never_decides_its_unit(base: RuleBase) -> None:
    facts = assessed(base, laboratory=[lab("12.0", None, of="ca")])

    assert facts.fact("ca-high").reason is Reason.NO_UNIT


@pytest.mark.parametrize("value", ["40", "0.4", "-3", "-0"])
def test_a_potassium_no_living_patient_has_is_implausible(base: RuleBase, value: str) -> None:
    found = potassium(base, value)

    assert (found.value, found.reason) == (None, Reason.IMPLAUSIBLE)
    assert found.data[0].text == f"{value} mmol/L"


@pytest.mark.parametrize("value", ['"3.1"', "1e999", "3." + "1" * 100_000, "true", "null"])
def test_what_is_no_bounded_number_is_unreadable(base: RuleBase, value: str) -> None:
    found = potassium(base, value)

    assert found.value is None
    assert found.reason in (Reason.UNREADABLE, Reason.NOT_RECORDED)


@pytest.mark.parametrize(
    ("comparator", "value", "low", "high"),
    [
        ("<", "3.0", True, False),
        ("<", "3.5", True, False),
        ("<=", "3.5", None, False),
        (">", "6.0", False, True),
        (">=", "6.0", False, True),
        (">", "5.0", False, None),
        ("<", "7.0", None, None),
    ],
)
def test_a_comparator_makes_an_interval_and_only_the_whole_of_it_decides(
    base: RuleBase, comparator: str, value: str, low: bool | None, high: bool | None
) -> None:
    facts = assessed(base, laboratory=[lab(value, comparator=comparator)])

    assert (facts.value("k-low"), facts.value("k-high")) == (low, high)


def test_an_unknown_comparator_is_not_ignored(base: RuleBase) -> None:
    assert potassium(base, "2.4", comparator="~").reason is Reason.UNREADABLE


@pytest.mark.parametrize(
    ("value", "low"), [("0.904", True), ("0.905", False), ("0.90", True), ("0.9049", True)]
)
def test_an_index_is_rounded_half_up_before_its_band(base: RuleBase, value: str, low: bool) -> None:
    assert index(base, "abi-low", value) is low


def test_a_blocking_limit_is_not_rounded(base: RuleBase) -> None:
    assert index(base, "abi-block", "0.595") is True


@pytest.mark.parametrize(("percent", "low"), [("90", True), ("90.4", True), ("90.5", False)])
def test_an_index_in_percent_is_rounded_as_an_index(base: RuleBase, percent: str, low: bool) -> None:
    # A 2.6: factor 0.01; A 2.7: rounded half up to two decimals first, so 90.4 % is 0.90.
    assert index(base, "abi-low", percent, "%") is low


def test_above_1_40_as_the_device_reports_it_is_above_1_40(base: RuleBase) -> None:
    assert index(base, "abi-stiff", "1.40", comparator=">") is True


def test_rounding_does_not_move_an_interval_off_its_edge(base: RuleBase) -> None:
    # Something above 1.396 may be 1.398, which rounds to 1.40 and is not above it.
    assert index(base, "abi-stiff", "1.396", comparator=">") is None


# --- the shipped analytes, off line -----------------------------------------------------------------

SHIPPED, _ = loader.examine(content.texts(content.folder("cards")), check_lock=False)
MOLAR = {  # g/mol, CIAAW 2021; urea nitrogen is two nitrogens
    "calcium": "40.078",
    "magnesium": "24.305",
    "glucose": "180.156",
    "urea": "60.056",
    "urea-nitrogen": "28.014",
    "creatinine": "113.12",
    "potassium": "39.0983",
    "sodium": "22.98977",
    "chloride": "35.45",
    "bicarbonate": "61.017",
    "digoxin": "780.9",
}
VALENCE = {"calcium": 2, "magnesium": 2, "potassium": 1, "sodium": 1, "chloride": 1, "bicarbonate": 1}
PER_LITRE = {"mmol": Decimal("1e-3"), "umol": Decimal("1e-6"), "nmol": Decimal("1e-9")}
GRAMS_PER_LITRE = {
    "mg/dL": Decimal("1e-2"),
    "g/dL": Decimal(10),
    "g/L": Decimal(1),
    "ng/mL": Decimal("1e-6"),
    "mg/L": Decimal("1e-3"),
}


def moles_per_litre(unit: str, family: str) -> Decimal | None:
    prefix = unit.removesuffix("/L")
    if prefix in PER_LITRE:
        return PER_LITRE[prefix]
    if unit == "meq/L":
        return Decimal("1e-3") / VALENCE[family]
    if unit in GRAMS_PER_LITRE and family in MOLAR:
        return GRAMS_PER_LITRE[unit] / Decimal(MOLAR[family])
    return None


def family_of(name: str) -> str:
    return max((one for one in MOLAR if name.startswith(one)), key=len, default="")


PAIRS = [
    (analyte.name, unit.code)
    for analyte in (SHIPPED.analytes.values() if SHIPPED else ())
    if family_of(analyte.name)
    for unit in analyte.units.values()
    if unit.code != analyte.unit and moles_per_litre(unit.code, family_of(analyte.name)) is not None
]


def test_the_shipped_table_has_pairs_to_check() -> None:
    assert len(PAIRS) > 12


@pytest.mark.parametrize(("name", "code"), PAIRS)
def test_each_shipped_factor_follows_from_molar_mass_and_valence(name: str, code: str) -> None:
    assert SHIPPED is not None
    analyte = SHIPPED.analytes[name]
    family = family_of(name)
    from_unit, to_unit = moles_per_litre(code, family), moles_per_litre(analyte.unit, family)
    assert from_unit is not None
    assert to_unit is not None

    expected = from_unit / to_unit

    assert abs(analyte.units[code].factor / expected - 1) < Decimal("0.0005")


@pytest.mark.parametrize("name", sorted(SHIPPED.analytes) if SHIPPED else ())
def test_the_canonical_unit_has_factor_one_and_so_has_whatever_is_the_same_as_it(name: str) -> None:
    assert SHIPPED is not None
    analyte = SHIPPED.analytes[name]

    assert analyte.units[analyte.unit].factor == 1
    for unit in analyte.units.values():
        if unit.same_as:
            assert unit.factor == analyte.units[unit.same_as].factor


@pytest.mark.parametrize("name", sorted(SHIPPED.analytes) if SHIPPED else ())
def test_no_spelling_means_two_units(name: str) -> None:
    assert SHIPPED is not None
    units = SHIPPED.analytes[name].units.values()
    spellings = [text for unit in units for text in (unit.code, *unit.spellings)]

    assert len(spellings) == len(set(spellings))


@pytest.mark.parametrize("name", sorted(SHIPPED.thresholds) if SHIPPED else ())
def test_the_native_values_of_a_shipped_threshold_are_the_same_limit(name: str) -> None:
    # Rounded to what laboratories report: within three per cent of each other.
    assert SHIPPED is not None
    threshold = SHIPPED.thresholds[name]
    if not threshold.of:
        return
    units = SHIPPED.analytes[threshold.of].units
    same = [(value - units[code].zero) * units[code].factor for code, value in threshold.values.items()]

    assert max(same) <= min(same) * Decimal("1.03")


def test_a_ratio_is_shown_without_its_unit_one() -> None:
    base = rule_base({"low": fact("measurement", of="index", is_={"at-most": "index-low"})})
    found = assessed(base, findings=[observation("abi", valueQuantity=quantity("0.85", "1"))]).fact(
        "low"
    )

    assert found.data[0].text == "0.85"
