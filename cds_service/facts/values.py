"""Quantities of the record read for one analyte: in a declared unit, newest first.

Which value is newest: effective time, then issued, then laboratory over bedside (reconciliation,
"Newest, ties").
"""

import re
from collections.abc import Hashable, Iterator
from decimal import Decimal
from functools import cached_property

import msgspec
from msgspec import UNSET

from cds_service.facts import reference_ranges, windows
from cds_service.facts.data import datum, on_side
from cds_service.facts.model import Datum, Reason, Side
from cds_service.facts.record import Record
from cds_service.facts.reference_ranges import NO_NORMAL_RANGE, NormalRange
from cds_service.facts.statements import UNREADABLE, Statement, is_plain
from cds_service.fhir.dates import is_bound
from cds_service.fhir.quantity import Interval, interval, number, scaled, unit_text
from cds_service.fhir.resources import Quantity
from cds_service.rulebase.definitions import Analyte, Unit

_APART = re.compile(r"(?<=[A-Za-z])\{")  # ng/mL{FEU}, but not /{HPF}
_FOR_THE_EYE = str.maketrans({"[": "", "]": "", "{": "", "}": "", "_": " ", "*": "^"})


class Value(msgspec.Struct, frozen=True):
    """A statement's quantity, read for one analyte: an interval in a declared unit, or a problem.

    `range`: the laboratory's own reference range of this result, in its unit.
    """

    statement: Statement
    interval: Interval | None
    unit: Unit | None
    text: str
    problem: Reason | None = None
    range: NormalRange = NO_NORMAL_RANGE

    @property
    def comparator(self) -> str:
        """`<`, `>` and the like, as reported; empty for a point."""
        quantity = self.statement.quantity
        return (quantity.comparator or "") if quantity is not None else ""


class Series(list[Value]):
    """The values of one analyte, newest first. Many facts ask which are the newest: found once."""

    @cached_property
    def newest(self) -> list[Value]:
        """The newest, and every other that may be as new."""
        return _newest(self)

    @cached_property
    def newest_unlike(self) -> list[Value]:
        """The newest, of those that say the very same only the first."""
        unlike: dict[Hashable, Value] = {}
        for one in self.newest:
            unit = one.unit.code if one.unit else ""
            same = (one.interval, unit, one.problem, one.range, one.statement.suspect)
            unlike.setdefault(same, one)
        return list(unlike.values())


def values(analyte: Analyte, record: Record, side: Side, *, preliminary: bool) -> list[Value]:
    """Every result of an analyte, newest first; those without a usable date left out.

    A result that holds something, and no quantity, is one that cannot be read: an older value does not
    speak in its place.
    """
    key = (analyte.name, side, preliminary)
    known: list[Value] | None = record.remembered.get(key)
    if known is None:
        found = [
            one
            for one in _results(analyte, record, side)
            if (one.final or preliminary) and windows.usable(one.when, record.now)
        ]
        # Of several at one time no list's order may decide which is first.
        found.sort(key=lambda one: (*rank(one), one.ref, one.code), reverse=True)
        known = record.remembered[key] = Series(read(one, analyte) for one in found)
    return known


def undatable(analyte: Analyte, record: Record, side: Side) -> Value | None:
    """A final result that no date puts before another: undated, unreadably dated, or in the future.

    It may be the newest, so no other reassures.
    """
    key = (f"undatable {analyte.name}", side, False)
    if key not in record.remembered:
        found = [
            one
            for one in _results(analyte, record, side)
            if one.final
            and (one.when is None or is_bound(one.when) or not windows.usable(one.when, record.now))
        ]
        found.sort(key=lambda one: (one.ref, one.code))
        record.remembered[key] = [
            msgspec.structs.replace(
                read(one, analyte),
                problem=Reason.UNDATED if one.when is None or is_bound(one.when) else Reason.FUTURE,
            )
            for one in found[:1]
        ]
    return next(iter(record.remembered[key]), None)


def _results(analyte: Analyte, record: Record, side: Side) -> Iterator[Statement]:
    for one in record.stated((analyte.codes,)):
        if (
            (one.quantity is not None and one.kind in ("observation", "answer"))
            or (one.kind == "observation" and one.problem in ("", UNREADABLE))
        ) and (on_side(one, side) and analyte.not_at not in one.sites):
            yield one


def rank(one: Statement) -> tuple[float, float, bool]:
    """Newer is more; of one time the later issued, then the laboratory's."""
    when = one.when.end.timestamp() if one.when else 0.0
    issued = one.issued.end.timestamp() if one.issued else 0.0
    return when, issued, one.laboratory


def read(one: Statement, analyte: Analyte) -> Value:
    """The quantity of a statement in a declared unit of the analyte, or why it cannot be read."""
    quantity = one.quantity
    if quantity is None or quantity.value is UNSET:
        return Value(one, None, None, "", Reason.UNREADABLE)
    raw = bytes(quantity.value)
    amount = number(raw)
    if amount is None:
        return Value(one, None, None, "", Reason.UNREADABLE)
    given = unit_text(quantity)
    # For the eye: `{score}` and 1 are no units to read; mmHg, 1.73 m2, 10^9/L stand for the UCUM signs.
    written = _APART.sub(" ", quantity.unit or given).translate(_FOR_THE_EYE)
    shown = "" if given.startswith("{") or written == "1" or not is_plain(written) else written
    text = f"{quantity.comparator or ''}{raw.decode('ascii')} {shown}".strip()
    span = interval(amount, quantity.comparator)
    if span is None:
        return Value(one, None, None, text[:60], Reason.UNREADABLE)
    unit = analyte.unit_named(given) if given else analyte.units.get("1")
    if unit is not None and _contradicted(quantity, unit, analyte):
        return Value(one, None, None, text[:60], Reason.UNIT_NOT_DECLARED)
    if unit is None:
        reason = Reason.UNIT_NOT_DECLARED if given else Reason.NO_UNIT
        return Value(one, None, None, text[:60], reason)
    low, high = analyte.plausible
    canonical = scaled(span, unit.factor, unit.zero)
    edges = [edge for edge in (canonical.low, canonical.high) if edge is not None]
    if any(edge < low or edge > high for edge in edges):
        return Value(one, None, unit, text[:60], Reason.IMPLAUSIBLE)
    own = reference_ranges.normal_range(one.ranges, unit, analyte) if one.ranges else NO_NORMAL_RANGE
    return Value(one, span, unit, text[:60], range=own)


def _contradicted(quantity: Quantity, unit: Unit, analyte: Analyte) -> bool:
    """Whether the unit for the eye is another declared one than its code: which one is meant?"""
    written = analyte.unit_named(quantity.unit) if quantity.unit and quantity.code else None
    return written is not None and (written.factor, written.zero) != (unit.factor, unit.zero)


def canonical(one: Value) -> Interval | None:
    """The interval in the analyte's first unit; None for a value that cannot be read."""
    if one.interval is None or one.unit is None:
        return None
    return scaled(one.interval, one.unit.factor, one.unit.zero)


def point(one: Value) -> Decimal | None:
    """The number in the analyte's first unit; None for one that cannot be read, or is only a bound."""
    span = canonical(one)
    return span.low if span is not None and span.low == span.high else None


def reported(one: Value) -> Decimal | None:
    """The number as it was reported, in the unit of the value; None as for `point`."""
    span = one.interval
    return span.low if span is not None and span.low == span.high else None


def newest(found: list[Value]) -> list[Value]:
    """The newest value of those found, and every other that may be as new; none of none.

    A date is an interval: "today" may be before or after 08:00, and is neither. Of one and the same time
    the later issued supersedes, then the laboratory's (reconciliation, "Newest, ties").
    """
    return found.newest if isinstance(found, Series) else _newest(found)


def _newest(found: list[Value]) -> list[Value]:
    times = [(one, _span(one), rank(one.statement)) for one in found]
    last = max((start for _, (start, _), _ in times), default=0.0)
    best: dict[tuple[float, float], tuple[float, float, bool]] = {}
    for _, span, ranked in times:
        best[span] = max(best.get(span, ranked), ranked)
    return [one for one, span, ranked in times if span[1] >= last and ranked == best[span]]


def _span(one: Value) -> tuple[float, float]:
    when = one.statement.when
    return (when.start.timestamp(), when.end.timestamp()) if when is not None else (0.0, 0.0)


def reading_datum(value: Value, before: Value | None = None) -> Datum:
    """The datum of a value as it was reported, with the value before it."""
    written, _, unit = value.text.partition(" ")
    span, own = value.interval, value.range
    return msgspec.structs.replace(
        datum(value.statement, value.text),
        value=written,
        unit=unit,
        low=reference_ranges.only(own.lower),
        high=reference_ranges.only(own.upper),
        upper_times=reference_ranges.multiple(span, own.upper) if span else "",
        before=before.text if before else "",
        before_when=before.statement.when if before else None,
    )
