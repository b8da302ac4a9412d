"""When the things behind some facts began: the earliest start for windows, the latest for "since"."""

from collections.abc import Callable, Iterable
from datetime import datetime

import msgspec

from cds_service.facts.model import Fact, Side

FactOf = Callable[[str, Side], Fact]


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
    Onset): a result from then on surely came after it. A tie counts as after.
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
                bounds.append(bound.start)
    return Latest(max(bounds, default=None), undated)
