"""How much of a medicine is taken in a day, where a FHIR Dosage says it in numbers.

Only `doseAndRate` and `timing` are read: words ("one in the evening") are no number, and a tablet is no
milligram. FHIR R4: https://hl7.org/fhir/R4/dosage.html
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal, localcontext
from fractions import Fraction

import msgspec
from msgspec import UNSET, Raw, UnsetType

from cds_service.fhir.quantity import Interval, number, unit_text
from cds_service.fhir.resources import Dosage, DoseAndRate, Quantity, Timing

_MILLIGRAMS: Mapping[str, Decimal] = {
    "mg": Decimal(1),
    "g": Decimal(1000),
    "ug": Decimal("0.001"),
    "mcg": Decimal("0.001"),
    "µg": Decimal("0.001"),
}
# HL7 v3 GTSAbbreviation, the preferred codes of Timing.code: times a day.
_A_DAY: Mapping[str, Fraction] = {
    "AM": Fraction(1),
    "PM": Fraction(1),
    "BED": Fraction(1),
    "QD": Fraction(1),
    "BID": Fraction(2),
    "TID": Fraction(3),
    "QID": Fraction(4),
    "QOD": Fraction(1, 2),
    "Q4H": Fraction(6),
    "Q6H": Fraction(4),
    "Q8H": Fraction(3),
}
_DAYS: Mapping[str, Fraction] = {"h": Fraction(1, 24), "d": Fraction(1), "wk": Fraction(7)}
_PRECISION = 50


def daily_milligrams(dosages: Iterable[Dosage]) -> Interval | None:
    """From how much to how much a day, in mg; None where any part is not said in numbers.

    Instructions of one `sequence` are taken together and add up; of several, one after the other, any
    may be the present one. "As needed" is from nothing on.
    """
    steps: dict[int | None, Interval] = {}
    for dosage in dosages:
        one = _of(dosage)
        if one is None:
            return None
        held = steps.get(dosage.sequence)
        steps[dosage.sequence] = one if held is None else _sum(held, one)
    if not steps:
        return None
    lows = [one.low for one in steps.values() if one.low is not None]
    highs = [one.high for one in steps.values() if one.high is not None]
    return Interval(min(lows), max(highs))


def _sum(one: Interval, other: Interval) -> Interval:
    assert one.low is not None
    assert one.high is not None
    assert other.low is not None
    assert other.high is not None
    return Interval(one.low + other.low, one.high + other.high)


def _of(dosage: Dosage) -> Interval | None:
    try:
        doses = (
            msgspec.json.decode(dosage.doseAndRate, type=tuple[DoseAndRate, ...])
            if dosage.doseAndRate is not UNSET
            else ()
        )
        timing = msgspec.json.decode(dosage.timing, type=Timing) if dosage.timing is not UNSET else None
    except msgspec.MsgspecError:
        return None
    each = [_amount(one) for one in doses]
    times = _a_day(timing) if timing is not None else None
    if not each or times is None or any(one is None for one in each):
        return None
    lows, highs = zip(*(one for one in each if one is not None), strict=True)
    least, most = times
    needed = dosage.asNeededBoolean is True or dosage.asNeededCodeableConcept is not None
    return Interval(
        Decimal(0) if needed else _times(min(lows), least),
        _times(max(highs), most),
    )


def _amount(one: DoseAndRate) -> tuple[Decimal, Decimal] | None:
    ends = (
        (one.doseRange.low, one.doseRange.high)
        if one.doseRange is not None
        else (one.doseQuantity, one.doseQuantity)
    )
    low, high = (_milligrams(end) for end in ends)
    return None if low is None or high is None or low > high else (low, high)


def _milligrams(one: Quantity | None) -> Decimal | None:
    if one is None or one.value is UNSET or one.comparator:
        return None
    factor, amount = _MILLIGRAMS.get(unit_text(one)), number(bytes(one.value))
    return None if factor is None or amount is None or amount <= 0 else amount * factor


def _a_day(timing: Timing) -> tuple[Fraction, Fraction] | None:
    """How often a day, from and to; None where it is not said, or only on some days of the week."""
    repeat = timing.repeat
    codes = [one.code or "" for one in timing.code.coding] if timing.code is not None else []
    coded = next((_A_DAY[one] for one in codes if one in _A_DAY), None)
    if repeat is None:
        return None if coded is None else (coded, coded)
    if repeat.dayOfWeek:
        return None
    moments = len(repeat.when) or len(repeat.timeOfDay)
    if repeat.period is UNSET and repeat.periodUnit is None:
        often = coded if coded is not None else Fraction(moments) if moments else None
        return None if often is None else (often, often)
    unit, period = _DAYS.get(repeat.periodUnit or ""), _whole(repeat.period)
    frequency = Fraction(moments or 1) if repeat.frequency is UNSET else _whole(repeat.frequency)
    if unit is None or period is None or frequency is None:
        return None
    longest = period if repeat.periodMax is UNSET else _whole(repeat.periodMax)
    most = frequency if repeat.frequencyMax is UNSET else _whole(repeat.frequencyMax)
    if longest is None or most is None:
        return None
    return frequency / (longest * unit), most / (period * unit)


def _whole(raw: Raw | UnsetType) -> Fraction | None:
    found = None if raw is UNSET else number(bytes(raw))
    return None if found is None or found <= 0 else Fraction(found)


def _times(amount: Decimal, often: Fraction) -> Decimal:
    with localcontext() as context:
        context.prec = _PRECISION
        return amount * often.numerator / often.denominator
