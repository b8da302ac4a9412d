"""Two values that may be taken together: of one sample, or of nearly one time.

One Observation and one Specimen excuse a time that is missing or imprecise, and nothing else: a
laboratory that calls every sample `s` must not pair the glucose of last year with the sodium of today.
"""

from bisect import bisect_left
from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal

from cds_service.facts.model import Side
from cds_service.facts.record import Record
from cds_service.facts.statements import Statement
from cds_service.facts.values import Value, canonical, rank, values
from cds_service.rulebase.definitions import Threshold

ONE_SAMPLE = timedelta(hours=24)  # times of one sample: drawn, arrived, measured
_SPAN = {"h": "hours", "min": "minutes"}


def partners(name: str, record: Record, side: Side) -> "Partners":
    """The final values of an analyte as partners of others; put in order once for a record."""
    key = (f"partners of {name}", side, False)
    if key not in record.remembered:
        analyte = record.rule_base.analytes[name]
        record.remembered[key] = [Partners(values(analyte, record, side, preliminary=False))]
    (found,) = record.remembered[key]
    assert isinstance(found, Partners)
    return found


class Partners:
    """The usable values of one analyte, found by time and sample without going through them all.

    A value that cannot be read, or of a sample that cannot be trusted, is none.
    """

    def __init__(self, found: Iterable[Value]) -> None:
        """Put the values in order.

        Args:
            found: newest first.
        """
        self._at: dict[datetime, Value] = {}  # here and in the next two the lowest of several
        self._excused: dict[str, Value] = {}
        self._vague: dict[str, Value] = {}
        self._of: dict[str, Value] = {}  # here and in the next the one reported last
        self._spans: dict[tuple[datetime, datetime], Value] = {}
        for one in found:
            if one.interval is None or one.statement.suspect:
                continue
            when = one.statement.when
            if when is not None:
                self._spans.setdefault((when.start, when.end), one)
            if _is_precise(one.statement) and when is not None:
                self._at[when.start] = _lower(self._at.get(when.start), one)
            for origin in _origins(one.statement):
                self._of.setdefault(origin, one)
                self._excused[origin] = _lower(self._excused.get(origin), one)
                if not _is_precise(one.statement):
                    self._vague[origin] = _lower(self._vague.get(origin), one)
        self._times = sorted(self._at)

    def nearest(self, to: Value, window: Threshold) -> Value | None:
        """The value nearest in time, inside a window of hours or minutes.

        Of several that are equally near the lowest: it corrects, explains and excuses least.
        """
        size = length(window)
        excused = self._vague if _is_precise(to.statement) else self._excused
        same = [excused[one] for one in _origins(to.statement) if one in excused]
        if same:
            return min(same, key=_height)
        when = to.statement.when
        if when is None or not when.precise:
            return None  # a date without a clock time may be any time of its day
        place = bisect_left(self._times, when.start)
        near = [(abs(at - when.start), at) for at in self._times[max(0, place - 1) : place + 1]]
        least = min((gap for gap, _ in near), default=None)
        if least is None or least > size:
            return None
        return min((self._at[at] for gap, at in near if gap == least), key=_height)

    def of_same_sample(self, to: Value) -> Value | None:
        """The value of one Observation, one Specimen, else of the very same time; the last reported."""
        for origin in _origins(to.statement):
            found = self._of.get(origin)
            if found is not None and may_be_one_sample(to.statement, found.statement):
                return found
        when = to.statement.when
        found = self._spans.get((when.start, when.end)) if when is not None else None
        if found is None or (to.statement.specimen and found.statement.specimen):
            return None  # two samples of one time are two
        return found


def length(window: Threshold) -> timedelta:
    """How long a window of hours or minutes is."""
    return timedelta(**{_SPAN[window.unit]: float(window.single())})


def _lower(held: Value | None, one: Value) -> Value:
    """The lower of two values; of one and the same time what was issued later supersedes."""
    if held is not None and held.statement.when == one.statement.when:
        first, second = rank(held.statement), rank(one.statement)
        if first != second:
            return held if first > second else one
    return one if held is None or _height(one) < _height(held) else held


def _height(one: Value) -> Decimal:
    """The lower edge in the analyte's first unit."""
    span = canonical(one)
    assert span is not None
    return span.low or Decimal(0)


def _origins(one: Statement) -> tuple[str, ...]:
    """The Observation and the Specimen that a result is of."""
    return (f"ref {one.ref}", f"specimen {one.specimen}") if one.specimen else (f"ref {one.ref}",)


def _is_precise(one: Statement) -> bool:
    return one.when is not None and one.when.precise


def same_specimen(one: Statement, other: Statement) -> bool:
    """Whether two results name one Specimen, and their times do not forbid it."""
    return bool(one.specimen) and one.specimen == other.specimen and may_be_one_sample(one, other)


def may_be_one_sample(one: Statement, other: Statement) -> bool:
    """Whether the times do not forbid it."""
    if one.when is None or other.when is None:
        return True
    return max(one.when.start - other.when.end, other.when.start - one.when.end) <= ONE_SAMPLE
