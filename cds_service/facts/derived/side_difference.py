"""How much larger is one leg than the other, measured on the same day?"""

from decimal import Decimal

import msgspec

from cds_service.facts import windows
from cds_service.facts.data import nothing, unknown
from cds_service.facts.measurements import against
from cds_service.facts.model import LEGS, Datum, Fact, Reason, Side
from cds_service.facts.onsets import FactOf
from cds_service.facts.record import Record
from cds_service.facts.values import Value, point, reading_datum, reported, values
from cds_service.fhir.dates import Span
from cds_service.fhir.quantity import Interval
from cds_service.rulebase.definitions import Analyte, DerivedFact, Limit, Threshold, Unit


def side_difference(definition: DerivedFact, record: Record, side: Side, fact_of: FactOf) -> Fact:  # noqa: ARG001
    """Whether a leg exceeds the other by as much as `is` says (reference A 5.1, item 6).

    The two values are the newest of one calendar day, inside the window `within`; values of
    different days are no difference. In one unit they are subtracted and compared as they
    were reported, else in the analyte's own. For the patient as a whole the larger leg counts, for a
    leg only how much *it* is the larger one. The first datum is the difference, on the larger leg.

    Returns:
        Unknown where one leg was not measured, or a value cannot be read.
    """
    analyte = record.rule_base.analytes[definition.of[0]]
    (difference,) = definition.limits
    window = record.rule_base.thresholds[definition.within]
    found = [
        one
        for one in values(analyte, record, "", preliminary=False)
        if one.statement.side in LEGS and _recent(one.statement.when, window, record)
    ]
    pair = _pair(found, record)
    if pair is None:
        if found:
            return unknown(definition.name, Reason.NOT_RECORDED, (reading_datum(found[0]),))
        return nothing(definition, record, analyte.arrives, (analyte.codes,))
    unread = next((one for one in pair if point(one) is None), None)
    if unread is not None:
        return unknown(definition.name, unread.problem or Reason.STRADDLES, (reading_datum(unread),))
    return _compared(definition.name, pair, analyte, difference, record, side)


def _recent(when: Span | None, window: Threshold, record: Record) -> bool:
    return when is not None and windows.within(when, window, record.now, record.zone, whole=False)


def _pair(found: list[Value], record: Record) -> tuple[Value, Value] | None:
    """The newest left and right value of one day; None when no day has both.

    `found` is newest first. One pass: a record may hold thousands of measurements of one leg.
    """
    first: dict[tuple[str, str], Value] = {}  # side and day → the newest
    for one in found:
        first.setdefault((one.statement.side or "", _day(one, record)), one)
    for one in found:
        across = "right" if one.statement.side == "left" else "left"
        other = first.get((across, _day(one, record)))
        if other is not None:
            return (one, other) if one.statement.side == "left" else (other, one)
    return None


def _day(one: Value, record: Record) -> str:
    assert one.statement.when is not None
    return one.statement.when.start.astimezone(record.zone).date().isoformat()


def _compared(
    name: str, pair: tuple[Value, Value], analyte: Analyte, limit: Limit, record: Record, side: Side
) -> Fact:
    left, right, unit = _in_one_unit(pair, analyte)
    excess = {"left": left - right, "right": right - left}
    larger: Side = "left" if left >= right else "right"
    asked = side or larger
    answer = against(Interval(excess[asked], excess[asked]), unit, limit, record)
    shown = tuple(reading_datum(one) for one in pair)
    first = _difference(shown[0] if larger == "left" else shown[1], excess[larger], unit, larger)
    return Fact(name, answer, data=(first, *shown))


def _in_one_unit(pair: tuple[Value, Value], analyte: Analyte) -> tuple[Decimal, Decimal, Unit]:
    """Two points and their unit: as they were reported in one, else the analyte's own."""
    unit = pair[0].unit
    if unit is not None and unit == pair[1].unit:
        left, right = (reported(one) for one in pair)
    else:
        unit = analyte.units[analyte.unit]
        left, right = (point(one) for one in pair)
    assert left is not None
    assert right is not None
    return left, right, unit


def _difference(of: Datum, excess: Decimal, unit: Unit, larger: Side) -> Datum:
    text = f"{excess} {unit.code}"
    side = larger or None
    return msgspec.structs.replace(of, text=text, value=str(excess), unit=unit.code, side=side)
