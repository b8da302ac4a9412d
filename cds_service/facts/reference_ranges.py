"""The laboratory's own reference range of a result, as bounds in the unit of that result.

Only `referenceRange` of the same Observation (or component) is read, never a range of ours: what is
normal depends on the method, and no bound by sex or descent is chosen here (reference B 2, "Ratio to
ULN"). FHIR R4: https://hl7.org/fhir/R4/observation-definitions.html#Observation.referenceRange
"""

from collections.abc import Iterable
from decimal import Decimal, localcontext

import msgspec
from msgspec import UNSET

from cds_service.fhir.quantity import Comparison, Interval, compare, number, scaled, unit_text
from cds_service.fhir.resources import CodeableConcept, Quantity, ReferenceRange
from cds_service.rulebase.definitions import Analyte, Bound, Unit

_PRECISION = 50  # digits: quotients of two plausible numbers stay exact where it matters
_NORMAL = "normal"  # referencerange-meaning; a range without a type is the normal one as well


class NormalRange(msgspec.Struct, frozen=True):
    """The lower and upper limits of the ranges given as normal; empty where none can be used.

    More than one where ranges differ (by sex, by age): nothing here says which applies.
    """

    lower: tuple[Decimal, ...] = ()
    upper: tuple[Decimal, ...] = ()

    def of(self, which: Bound) -> tuple[Decimal, ...]:
        """The limits of one kind."""
        return self.upper if which == "upper-limit" else self.lower


NO_NORMAL_RANGE = NormalRange()


def normal_range(ranges: Iterable[ReferenceRange], unit: Unit, analyte: Analyte) -> NormalRange:
    """The limits of a result's normal ranges, in the result's own unit.

    A range in another unit, without one, with a comparator, no plausible limit of this analyte (a
    filler such as 999999) or upside down cannot be used; then none of that kind is, because it might
    have been the one that applies.
    """
    normal = [
        (_read(one.low, unit, analyte), _read(one.high, unit, analyte))
        for one in ranges
        if _is_normal(one.type)
    ]
    if any(_upside_down(low, high) for low, high in normal):
        return NO_NORMAL_RANGE
    return NormalRange(_all_or_none(low for low, _ in normal), _all_or_none(high for _, high in normal))


def times(value: Interval, how: Comparison, factor: Decimal, limits: tuple[Decimal, ...]) -> bool | None:
    """Whether a value is on one side of so many times a limit; None when the limits disagree.

    Exact: 1999 is below 10 times 200, 2000 is not.
    """
    answers = {
        compare(value, how, edge)
        for limit in limits
        if (edge := scaled(Interval(limit, limit), factor).low) is not None
    }
    return answers.pop() if len(answers) == 1 else None


def multiple(value: Interval, limits: tuple[Decimal, ...]) -> str:
    """How many times the limit a value is, cut to one decimal: 9.995 is never shown as 10.

    Empty for a value with a comparator, where the limits differ, and below the limit.
    """
    if len(limits) != 1 or value.low is None or value.low != value.high or value.low < limits[0]:
        return ""
    with localcontext() as context:
        context.prec = _PRECISION
        tenths = value.low * 10 // limits[0]
        return f"{tenths // 10:f}" if tenths % 10 == 0 else f"{tenths / 10:f}"


def only(limits: tuple[Decimal, ...]) -> str:
    """The one limit as text; empty where there is none, or several."""
    return f"{limits[0]:f}" if len(limits) == 1 else ""


def _is_normal(kind: CodeableConcept | None) -> bool:
    if kind is None or not (kind.coding or kind.text):
        return True
    if kind.coding:
        return any(coding.code == _NORMAL for coding in kind.coding)
    return (kind.text or "").strip().lower() == _NORMAL


_Read = tuple[Decimal | None, ...]  # a limit that can be used, None for one that cannot, or no limit


def _read(one: Quantity | None, unit: Unit, analyte: Analyte) -> _Read:
    return () if one is None else (_limit(one, unit, analyte),)


def _all_or_none(limits: Iterable[_Read]) -> tuple[Decimal, ...]:
    read = [one for limit in limits for one in limit]
    if any(one is None for one in read):
        return ()
    return tuple(dict.fromkeys(one for one in read if one is not None))


def _limit(one: Quantity, unit: Unit, analyte: Analyte) -> Decimal | None:
    if one.value is UNSET or one.comparator:
        return None
    amount = number(bytes(one.value))
    given = unit_text(one)
    declared = analyte.unit_named(given) if given else analyte.units.get("1")
    same = declared is not None and (declared.same_as or declared.code) == (unit.same_as or unit.code)
    if not same or amount is None or amount <= 0:
        return None
    low, high = analyte.plausible_limit or analyte.plausible
    canonical = scaled(Interval(amount, amount), unit.factor, unit.zero).low
    return amount if canonical is not None and low <= canonical <= high else None


def _upside_down(low: _Read, high: _Read) -> bool:
    return any(one is not None and other is not None and one >= other for one in low for other in high)
