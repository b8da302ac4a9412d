"""Where the values of an analyte lie that are near to a time, without going through them all.

A record may hold thousands of results of two analytes. Asking each of one for its partners among the
other must not cost the product: an index answers in a few steps, however many are near.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from cds_service.facts.values import Value, canonical
from cds_service.fhir.dates import Span
from cds_service.fhir.quantity import Interval

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_STEP = timedelta(microseconds=1)


class NearInTime:
    """Readable, dated values by their time; a date alone is its whole day.

    A binary indexed tree over the values in order of their start. Each node holds the ends of its
    values in order and, for each, where the values that end there or later lie together.
    """

    def __init__(self, found: Iterable[Value]) -> None:
        """Put the values in order; one without a date or that cannot be read is left out."""
        dated = [
            (*_edges(one.statement.when), span)
            for one in found
            if one.statement.when is not None and (span := canonical(one)) is not None
        ]
        dated.sort(key=lambda one: one[0])
        self._starts = [start for start, _, _ in dated]
        self._ends = sorted(end for _, end, _ in dated)
        members: list[list[tuple[int, Interval]]] = [[] for _ in range(len(dated) + 1)]
        for place, (_, end, span) in enumerate(dated, 1):
            node = place
            while node <= len(dated):
                members[node].append((end, span))
                node += node & -node
        self._nodes = [_later_together(one) for one in members]

    def together(self, when: Span, gap: timedelta) -> Interval | None:
        """The interval that holds all values at most `gap` apart from a time; None where there is none.

        It lies in the analyte's first unit, and is without an edge where one of the values is.
        """
        start, end = _edges(when)
        far = gap // _STEP
        node = bisect_right(self._starts, end + far)
        found: Interval | None = None
        while node:
            ends, spans = self._nodes[node]
            place = bisect_left(ends, start - far)
            if place < len(ends):
                found = spans[place] if found is None else _hull(found, spans[place])
            node &= node - 1
        return found

    def least_gap(self, when: Span) -> timedelta | None:
        """How far apart from a time the nearest value is at least; None where there is none."""
        if not self._starts:
            return None
        if self.together(when, timedelta()) is not None:
            return timedelta()
        start, end = _edges(when)
        before, after = bisect_left(self._ends, start), bisect_right(self._starts, end)
        gaps = [start - self._ends[before - 1]] if before else []
        gaps += [self._starts[after] - end] if after < len(self._starts) else []
        return min(gaps) * _STEP


def _edges(when: Span) -> tuple[int, int]:
    """Microseconds: exact, and without a first and last moment."""
    return (when.start - _EPOCH) // _STEP, (when.end - _EPOCH) // _STEP


def _later_together(members: list[tuple[int, Interval]]) -> tuple[list[int], list[Interval]]:
    """The ends in order; for each where the values that end there or later lie together."""
    members.sort(key=lambda one: one[0])
    spans = [span for _, span in members]
    for place in range(len(spans) - 2, -1, -1):
        spans[place] = _hull(spans[place], spans[place + 1])
    return [end for end, _ in members], spans


def _hull(one: Interval, other: Interval) -> Interval:
    low = None if one.low is None or other.low is None else min(one.low, other.low)
    high = None if one.high is None or other.high is None else max(one.high, other.high)
    return Interval(low, high)
