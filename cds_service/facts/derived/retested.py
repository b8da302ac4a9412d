"""Is a test being repeated: its newest result, whether that was normal, and an order that is open."""

from cds_service.facts import windows
from cds_service.facts.data import datum, gap, nothing, unknown
from cds_service.facts.model import Fact, Reason, Side
from cds_service.facts.onsets import FactOf
from cds_service.facts.record import Record
from cds_service.facts.statements import Statement, is_plain
from cds_service.fhir.quantity import Interval, compare, interval, number, unit_text
from cds_service.fhir.resources import CodeableConcept, Quantity
from cds_service.rulebase.definitions import DerivedFact

_RESULT_LISTS = ("laboratory", "findings", "diagnosticReports")
_ORDER_LISTS = ("serviceRequests",)
_NORMAL = "normal"  # referencerange-meaning; a range without a type is the normal one as well


def newest_result(definition: DerivedFact, record: Record, _side: Side, _fact_of: FactOf) -> Fact:
    """Whether a final result of the code set lies inside the window `within`; the card gets its value.

    Like `done`, for any unit: nothing is compared. A result that nobody can read is a result too.

    Returns:
        False without one in complete lists; a date is inside only if all of it is, because this takes
        an order away.
    """
    newest = _newest(definition, record)
    if newest is None:
        return nothing(definition, record, _RESULT_LISTS, definition.of[:1], definition.within)
    return Fact(definition.name, True, data=(datum(newest, _written(newest) or None),))


def in_range(definition: DerivedFact, record: Record, _side: Side, _fact_of: FactOf) -> Fact:
    """Whether the newest final result of the code set lies inside its own reference range.

    Compared in the unit that value and range share, as written; with several ranges (by sex, by age)
    only where they agree. For "abnormal previous result" (reference B 3 new-indication).

    Returns:
        Unknown without a result in the window, a readable number, or a usable range.
    """
    newest = _newest(definition, record)
    if newest is None:
        return Fact(definition.name, None, Reason.NOT_RECORDED)
    shown = (datum(newest, _written(newest) or None),)
    value = newest.quantity
    span = _interval(value) if value is not None else None
    if value is None or span is None:
        return unknown(definition.name, Reason.UNREADABLE, shown)
    answers = {
        _inside(span, one.low, one.high, unit_text(value))
        for one in newest.ranges
        if _is_normal(one.type) and (one.low or one.high)
    }
    if len(answers) != 1 or None in answers:
        return unknown(definition.name, Reason.NOT_RECORDED, shown)
    return Fact(definition.name, answers.pop(), data=shown)


def ordered_before(definition: DerivedFact, record: Record, _side: Side, _fact_of: FactOf) -> Fact:
    """Whether a test of the code set is ordered already, by another order than the one being placed.

    The order must be open, of inside the window `within`, and not be followed by a result.
    """
    stated = record.stated((definition.of[0],))
    drafts = {one.ref for one in stated if one.kind == "draft"}
    window = record.rule_base.thresholds[definition.within]
    resulted = max((one.when.end for one in _results(definition, record) if one.when), default=None)
    for one in stated:
        when = one.when
        if one.kind != "order" or one.ref in drafts or not windows.usable(when, record.now):
            continue
        assert when is not None
        if resulted is not None and resulted >= when.start:
            continue
        if windows.within(when, window, record.now, record.zone, whole=True):
            return Fact(definition.name, True, data=(datum(one),))
    missing = gap(record, _ORDER_LISTS, definition.of[:1])
    return Fact(definition.name, False) if missing is None else unknown(definition.name, missing)


def _results(definition: DerivedFact, record: Record) -> list[Statement]:
    return [
        one
        for one in record.stated((definition.of[0],))
        if one.kind in ("observation", "report") and one.final and windows.usable(one.when, record.now)
    ]


def _newest(definition: DerivedFact, record: Record) -> Statement | None:
    """The newest result inside the window; of one time the one with a number."""
    window = record.rule_base.thresholds[definition.within]
    found = [
        one
        for one in _results(definition, record)
        if one.when is not None and windows.within(one.when, window, record.now, record.zone, whole=True)
    ]
    return max(
        found,
        key=lambda one: (one.when.end if one.when else record.now, one.quantity is not None, one.ref),
        default=None,
    )


def _written(one: Statement) -> str:
    """The number and unit as reported; empty where there is none to read."""
    quantity = one.quantity
    if quantity is None or _interval(quantity) is None:
        return ""
    unit = (quantity.unit or unit_text(quantity)).replace("[", "").replace("]", "")
    value = bytes(quantity.value).decode("ascii") if quantity.value else ""
    return f"{quantity.comparator or ''}{value} {unit if is_plain(unit) else ''}".strip()


def _interval(quantity: Quantity) -> Interval | None:
    amount = number(bytes(quantity.value)) if quantity.value else None
    return None if amount is None else interval(amount, quantity.comparator)


def _inside(value: Interval, low: Quantity | None, high: Quantity | None, unit: str) -> bool | None:
    """Whether a value is inside one range; None where unit or comparator leave it open."""
    above_low = _beyond(value, low, unit, below=True)
    below_high = _beyond(value, high, unit, below=False)
    if True in (above_low, below_high):
        return False
    return None if None in (above_low, below_high) else True


def _beyond(value: Interval, limit: Quantity | None, unit: str, *, below: bool) -> bool | None:
    if limit is None:
        return False
    edge = number(bytes(limit.value)) if limit.value else None
    if edge is None or limit.comparator or unit_text(limit) != unit:
        return None
    return compare(value, "below" if below else "above", edge)


def _is_normal(kind: CodeableConcept | None) -> bool:
    if kind is None or not (kind.coding or kind.text):
        return True
    return any(one.code == _NORMAL for one in kind.coding) or (kind.text or "").lower() == _NORMAL
