"""When the things behind some facts began: the earliest start for windows, the latest for "since"."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

import msgspec

from cds_service.facts.model import Fact, Side
from cds_service.fhir.dates import Span

FactOf = Callable[[str, Side], Fact]
_DAY = timedelta(days=1)


class Latest(msgspec.Struct, frozen=True):
    """By when the last of some things had surely begun; `undated` when nothing bounds one of them."""

    when: datetime | None = None
    undated: bool = False


def earliest(names: Iterable[str], side: Side, fact_of: FactOf) -> datetime | None:
    """The earliest possible onset of the data of some facts; None when none is known."""
    starts = [
        one.onset.start for name in names for one in fact_of(name, side).data if one.onset is not None
    ]
    return min(starts, default=None)


def latest(names: Iterable[str], side: Side, fact_of: FactOf) -> Latest:
    """By when the newest of the true facts had begun.

    Without an onset the time of recording or answering bounds it from above (reconciliation 1,
    Onset): a result from then on surely came after it. A tie within a day counts as after; "in
    November" may be its last day, but no later than the day it was written down.
    """
    bounds: list[datetime] = []
    undated = False
    for name in names:
        fact = fact_of(name, side)
        for one in fact.data if fact.value is True else ():
            bound = one.onset or one.recorded or one.when
            if bound is None:
                undated = True
            else:
                bounds.append(_surely_by(bound, one.recorded))
    return Latest(max(bounds, default=None), undated)


def _surely_by(bound: Span, recorded: Span | None) -> datetime:
    if bound.end - bound.start <= _DAY:
        return bound.start
    if recorded is not None and bound.start <= recorded.start < bound.end:
        return recorded.start
    return bound.end
