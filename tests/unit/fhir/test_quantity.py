"""Numbers are exact and bounded; comparators make intervals (A 2.4.5)."""

from decimal import Decimal
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.fhir.quantity import Comparison, Interval, compare, interval, number, scaled, unit_text
from cds_service.fhir.resources import Quantity

HOW: tuple[Comparison, ...] = ("below", "at-most", "above", "at-least")


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b"0", "0"),
        (b"-0", "0"),
        (b"2.40", "2.40"),
        (b"1E2", "1E+2"),
        (b"1e-2", "0.01"),
        (b"-3.5", "-3.5"),
        (b"12345678901234567890", "12345678901234567890"),
        (b"0.00000000000000000001", "1E-20"),
    ],
)
def test_a_json_number_is_its_exact_decimal(raw: bytes, value: str) -> None:
    assert number(raw) == Decimal(value)


def test_a_number_keeps_the_decimals_that_were_reported() -> None:
    assert str(number(b"2.40")) == "2.40"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"NaN",
        b"Infinity",
        b"-Infinity",
        b"1e999",
        b"1e-999",
        b"01",
        b"-01.5",
        b"+1",
        b".5",
        b"1.",
        b"1e",
        b"0x10",
        b"1_000",
        b"1,5",
        b'"2.4"',
        b"null",
        b"true",
        b" 1",
        b"1\n",
        b"\xd9\xa1",  # an Arabic digit
        b"1" * 1_000_000,
        b"1." + b"1" * 1_000_000,
    ],
)
def test_anything_else_is_no_number(raw: bytes) -> None:
    assert number(raw) is None


# What `comparator value` is against the limit 5: below, at-most, above, at-least.
T, F, U = True, False, None
TABLE: dict[tuple[str | None, str], tuple[bool | None, ...]] = {
    (None, "4"): (T, T, F, F),
    (None, "5"): (F, T, F, T),
    (None, "6"): (F, F, T, T),
    ("<", "4"): (T, T, F, F),
    ("<", "5"): (T, T, F, F),
    ("<", "6"): (U, U, U, U),
    ("<=", "4"): (T, T, F, F),
    ("<=", "5"): (U, T, F, U),
    ("<=", "6"): (U, U, U, U),
    (">", "4"): (U, U, U, U),
    (">", "5"): (F, F, T, T),
    (">", "6"): (F, F, T, T),
    (">=", "4"): (U, U, U, U),
    (">=", "5"): (F, U, U, T),
    (">=", "6"): (F, F, T, T),
}


def test_the_table_is_whole() -> None:
    assert set(TABLE) == set(product((None, "<", "<=", ">", ">="), ("4", "5", "6")))


@pytest.mark.parametrize(("reported", "answers"), TABLE.items())
def test_a_comparison_is_known_only_when_the_whole_interval_agrees(
    reported: tuple[str | None, str], answers: tuple[bool | None, ...]
) -> None:
    comparator, value = reported
    span = interval(Decimal(value), comparator)
    assert span is not None

    assert tuple(compare(span, how, Decimal(5)) for how in HOW) == answers


@pytest.mark.parametrize("comparator", ["", "~", "ad", "sa", "=", "<<", "GT"])
def test_an_unknown_comparator_makes_no_interval(comparator: str) -> None:
    assert interval(Decimal(5), comparator) is None


NUMBERS = st.decimals(min_value=-100, max_value=100, places=3)


@given(NUMBERS, NUMBERS)
def test_below_is_the_opposite_of_at_least_and_at_most_of_above(value: Decimal, limit: Decimal) -> None:
    span = Interval(value, value)

    assert compare(span, "below", limit) is not compare(span, "at-least", limit)
    assert compare(span, "at-most", limit) is not compare(span, "above", limit)


@given(NUMBERS, NUMBERS, st.sampled_from(["<", "<=", ">", ">="]), st.sampled_from(HOW), NUMBERS)
def test_what_is_said_of_an_interval_holds_for_every_value_in_it(
    edge: Decimal, limit: Decimal, comparator: str, how: Comparison, inside: Decimal
) -> None:
    span = interval(edge, comparator)
    assert span is not None
    holds = {"<": inside < edge, "<=": inside <= edge, ">": inside > edge, ">=": inside >= edge}
    if not holds[comparator]:
        return
    answer = compare(span, how, limit)

    assert answer is None or compare(Interval(inside, inside), how, limit) is answer


@given(st.decimals(min_value=0, max_value=10**10, places=10), st.sampled_from(["0.2495", "0.5", "88.4"]))
def test_scaling_is_exact(value: Decimal, factor: str) -> None:
    from fractions import Fraction  # noqa: PLC0415

    found = scaled(Interval(value, None, low_open=True), Decimal(factor))

    assert found.low is not None
    assert Fraction(found.low) == Fraction(value) * Fraction(factor)
    assert (found.high, found.low_open) == (None, True)


@pytest.mark.parametrize(("fahrenheit", "celsius"), [("100.4", "38"), ("32", "0"), ("-40", "-40")])
def test_a_scale_with_another_zero_is_moved_before_it_is_stretched(
    fahrenheit: str, celsius: str
) -> None:
    value = Interval(Decimal(fahrenheit), None)
    found = scaled(value, Decimal("0.55555555555555555556"), Decimal(32))

    assert found.low is not None
    assert abs(found.low - Decimal(celsius)) < Decimal("1e-15")
    assert found.high is None


@pytest.mark.parametrize(
    ("system", "read"),
    [
        ("http://unitsofmeasure.org", "mmol/L"),
        ("http://unitsofmeasure.org/", "mmol/L"),
        ("https://unitsofmeasure.org", "mmol/L"),
        ("urn:oid:2.16.840.1.113883.6.8", "mmol/L"),
        (None, "mmol/L"),
        ("", "mmol/L"),
        ("http://snomed.info/sct", "millimole per litre"),
        ("https://ehr.example/units", "millimole per litre"),
    ],
)
def test_the_code_is_the_unit_where_it_is_of_ucum_however_that_is_spelt(
    system: str | None, read: str
) -> None:
    written = Quantity(system=system, code=" mmol/L", unit="millimole per litre")
    assert unit_text(written) == read
