"""Numbers as the laboratory reported them: exact, bounded, and intervals when they are not points.

Decimal text is checked for length and exponent before any arithmetic: a number of a megabyte, or
`1e999`, must cost nothing and mean nothing.
"""

import re
from decimal import Decimal, localcontext
from typing import Literal

import msgspec

from cds_service.fhir.resources import Quantity

UCUM = "http://unitsofmeasure.org"
# Its OID: https://hl7.org/fhir/R4/namingsystem-terminologies.html. The rest are slips of the pen.
_UCUM = frozenset({UCUM, f"{UCUM}/", "https://unitsofmeasure.org", "https://unitsofmeasure.org/"}) | {
    *("urn:oid:2.16.840.1.113883.6.8", None, "")
}
Comparison = Literal["below", "at-most", "above", "at-least"]

_NUMBER = re.compile(rb"-?(?:0|[1-9]\d{0,19})(?:\.\d{1,20})?(?:[eE][+-]?\d{1,2})?")
_LONGEST = 48  # bytes; the pattern above cannot match more
_PRECISION = 50  # digits: enough for any product of two bounded numbers to be exact


class Interval(msgspec.Struct, frozen=True, gc=False):
    """Where a value lies: between `low` and `high`; None is unbounded; `*_open` excludes the edge."""

    low: Decimal | None
    high: Decimal | None
    low_open: bool = False
    high_open: bool = False


def number(raw: bytes) -> Decimal | None:
    """The exact decimal of a JSON number; None for anything else (a string, NaN, an absurd size)."""
    if len(raw) > _LONGEST or _NUMBER.fullmatch(raw) is None:
        return None
    return Decimal(raw.decode("ascii"))


def unit_text(quantity: Quantity) -> str:
    """The unit as written: the UCUM code when it is one, else the unit's text; empty without one."""
    if quantity.code and quantity.system in _UCUM:
        return quantity.code.strip()
    return (quantity.unit or quantity.code or "").strip()


def interval(value: Decimal, comparator: str | None) -> Interval | None:
    """The interval a value and its FHIR `comparator` stand for; None for an unknown comparator."""
    match comparator:
        case None:
            return Interval(value, value)
        case "<":
            return Interval(None, value, high_open=True)
        case "<=":
            return Interval(None, value)
        case ">":
            return Interval(value, None, low_open=True)
        case ">=":
            return Interval(value, None)
        case _:
            return None


def compare(value: Interval, how: Comparison, limit: Decimal) -> bool | None:
    """Whether the whole of `value` is on one side of `limit`; None when it straddles it."""
    match how:
        case "below":
            return _below(value, limit)
        case "at-least":
            return _opposite(_below(value, limit))
        case "at-most":
            return _at_most(value, limit)
        case "above":
            return _opposite(_at_most(value, limit))


def scaled(value: Interval, factor: Decimal, zero: Decimal = Decimal(0)) -> Interval:
    """`value` less `zero`, times a positive `factor`, in exact decimal arithmetic."""
    if factor == 1 and not zero:
        return value
    with localcontext() as context:
        context.prec = _PRECISION
        return Interval(
            None if value.low is None else (value.low - zero) * factor,
            None if value.high is None else (value.high - zero) * factor,
            value.low_open,
            value.high_open,
        )


def _below(value: Interval, limit: Decimal) -> bool | None:
    if value.high is not None and (value.high < limit or (value.high == limit and value.high_open)):
        return True
    if value.low is not None and value.low >= limit:
        return False
    return None


def _at_most(value: Interval, limit: Decimal) -> bool | None:
    if value.high is not None and value.high <= limit:
        return True
    if value.low is not None and (value.low > limit or (value.low == limit and value.low_open)):
        return False
    return None


def _opposite(answer: bool | None) -> bool | None:
    return None if answer is None else not answer
