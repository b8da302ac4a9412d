"""How much of a medicine is taken in a day: FHIR Dosage into milligrams.

    dose x times a day, times a day = frequency / period (in days)

A dose in tablets says nothing without the strength of one, which R4 keeps elsewhere. Times a day are
read from `timing.repeat`, else from a code of HL7's GTSAbbreviation. Vectors: 10 mg twice a day is
20 mg; 5 mg every 6 h is 20 mg; 70 mg once a week is 10 mg.
"""

from collections.abc import Iterable
from decimal import Decimal, localcontext
from typing import Final

import msgspec
from msgspec import UNSET, Raw, UnsetType

from cds_service.fhir.quantity import Interval, number, unit_text
from cds_service.fhir.resources import CodeableConcept, Dosage, Quantity

_MILLIGRAMS: Final = {
    "mg": Decimal(1),
    "g": Decimal(1000),
    "ug": Decimal("0.001"),
    "mcg": Decimal("0.001"),
}
_DAYS: Final = {"h": Decimal(1) / 24, "d": Decimal(1), "wk": Decimal(7)}
# http://terminology.hl7.org/CodeSystem/v3-GTSAbbreviation, the codes that are a number of times a day.
_TIMES: Final = {
    "QD": Decimal(1),
    "AM": Decimal(1),
    "PM": Decimal(1),
    "BED": Decimal(1),
    "BID": Decimal(2),
    "TID": Decimal(3),
    "QID": Decimal(4),
    "QOD": Decimal(1) / 2,
    "Q4H": Decimal(6),
    "Q6H": Decimal(4),
    "Q8H": Decimal(3),
}
_PRECISION = 50
_FINEST = Decimal("0.000001")  # mg: a third of a day is no round number


class _Repeat(msgspec.Struct, rename="camel"):
    frequency: Raw | UnsetType = UNSET
    frequency_max: Raw | UnsetType = UNSET
    period: Raw | UnsetType = UNSET
    period_max: Raw | UnsetType = UNSET
    period_unit: str | None = None
    day_of_week: Raw | UnsetType = UNSET
    when: Raw | UnsetType = UNSET


class _Timing(msgspec.Struct):
    repeat: _Repeat | None = None
    code: CodeableConcept | None = None


class _Range(msgspec.Struct):
    low: Quantity | None = None
    high: Quantity | None = None


class _DoseAndRate(msgspec.Struct, rename="camel"):
    dose_quantity: Quantity | None = None
    dose_range: _Range | None = None


_timing: msgspec.json.Decoder[_Timing] = msgspec.json.Decoder(_Timing)
_doses: msgspec.json.Decoder[list[_DoseAndRate]] = msgspec.json.Decoder(list[_DoseAndRate])


def milligrams_a_day(dosages: Iterable[Dosage]) -> Interval | None:
    """Between how many milligrams a day the dosages of one prescription lie; None where not told.

    Dosages of one sequence number are taken together, those of several after one another: then any of
    them may be the present one. "As needed" may be nothing.
    """
    steps: dict[bytes, list[Interval]] = {}
    for one in dosages:
        found = _daily(one)
        if found is None:
            return None
        key = b"" if one.sequence is UNSET else bytes(one.sequence)
        steps.setdefault(key, []).append(found)
    sums = [_sum(step) for step in steps.values()]
    if not sums:
        return None
    lows, highs = [low for low, _ in sums], [high for _, high in sums]
    return Interval(min(lows), max(highs))


def _sum(step: list[Interval]) -> tuple[Decimal, Decimal]:
    return (
        sum((one.low or Decimal(0) for one in step), Decimal(0)),
        sum((one.high or Decimal(0) for one in step), Decimal(0)),
    )


def _daily(one: Dosage) -> Interval | None:
    """One dosage, in milligrams a day; both edges are set."""
    dose, times = _dose(one.doseAndRate), _times(one.timing)
    if dose is None or times is None:
        return None
    needed = one.asNeededBoolean is not UNSET and bytes(one.asNeededBoolean).strip() != b"false"
    needed = needed or one.asNeededCodeableConcept is not UNSET
    with localcontext() as context:
        context.prec = _PRECISION
        low = Decimal(0) if needed else (dose[0] * times[0]).quantize(_FINEST)
        return Interval(low.normalize(), (dose[1] * times[1]).quantize(_FINEST).normalize())


def _dose(raw: Raw | UnsetType) -> tuple[Decimal, Decimal] | None:
    """The lowest and the highest single dose in milligrams."""
    if raw is UNSET:
        return None
    try:
        given = _doses.decode(raw)
    except msgspec.MsgspecError:
        return None
    if len(given) != 1:
        return None
    (only,) = given
    if only.dose_quantity is not None:
        amount = _milligrams(only.dose_quantity)
        return None if amount is None else (amount, amount)
    low = _milligrams(only.dose_range.low) if only.dose_range and only.dose_range.low else None
    high = _milligrams(only.dose_range.high) if only.dose_range and only.dose_range.high else None
    return None if low is None or high is None else (low, high)


def _milligrams(quantity: Quantity) -> Decimal | None:
    if quantity.value is UNSET or quantity.comparator is not None:
        return None
    amount, factor = number(bytes(quantity.value)), _MILLIGRAMS.get(unit_text(quantity))
    return None if amount is None or amount < 0 or factor is None else amount * factor


def _times(raw: Raw | UnsetType) -> tuple[Decimal, Decimal] | None:
    """The fewest and the most times a day."""
    if raw is UNSET:
        return None
    try:
        timing = _timing.decode(raw)
    except msgspec.MsgspecError:
        return None
    repeat = timing.repeat
    if repeat is None or (repeat.period is UNSET and repeat.frequency is UNSET):
        codes = timing.code.coding if timing.code is not None else ()
        times = next((_TIMES[one.code] for one in codes if one.code in _TIMES), None)
        return None if times is None else (times, times)
    if repeat.day_of_week is not UNSET or repeat.when is not UNSET:
        return None  # on some days, or at several times of one: the frequency may mean either
    days = _DAYS.get(repeat.period_unit or "")
    least, period = _positive(repeat.frequency, 1), _positive(repeat.period, None)
    most = least if repeat.frequency_max is UNSET else _positive(repeat.frequency_max, None)
    longest = period if repeat.period_max is UNSET else _positive(repeat.period_max, None)
    if days is None or least is None or most is None or period is None or longest is None:
        return None
    with localcontext() as context:
        context.prec = _PRECISION
        return least / (longest * days), most / (period * days)


def _positive(raw: Raw | UnsetType, default: int | None) -> Decimal | None:
    """A positive number; `default` where none is written."""
    if raw is UNSET:
        return None if default is None else Decimal(default)
    found = number(bytes(raw))
    return found if found is not None and found > 0 else None
