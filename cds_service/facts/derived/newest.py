"""What facts about the course of a value share: the newest value, those before it, its time."""

from collections.abc import Iterable
from decimal import Decimal

from cds_service.facts import windows
from cds_service.facts.data import gap, unknown
from cds_service.facts.model import Datum, Fact, Reason
from cds_service.facts.record import Record
from cds_service.facts.values import Value, canonical, newest
from cds_service.fhir.dates import age_in_days, is_bound
from cds_service.rulebase.definitions import DerivedFact


def newest_of(found: list[Value]) -> Value:
    """The newest of values sorted newest first (see `values.newest`); of equals the highest."""
    tied = newest(found)
    readable = [one for one in tied if one.problem is None]
    return max(readable, key=_height) if readable else tied[0]


def doubtful(found: Iterable[Value]) -> Reason | None:
    """Why one of these values cannot be read; None if all can."""
    return next((one.problem for one in found if one.problem is not None), None)


def _height(one: Value) -> Decimal:
    edges = edges_of(one)
    return edges[0] if edges is not None else Decimal(0)


def earlier(found: list[Value], last: Value) -> list[Value]:
    """The values from before the last, newest first; one of its own time is none, but replaced by it."""
    when = last.statement.when
    assert when is not None
    return [one for one in found if one.statement.when is not None and one.statement.when.end < when.end]


def edges_of(one: Value) -> tuple[Decimal, Decimal | None] | None:
    """The edges of a readable value in the analyte's first unit, from nought on; None: no upper one."""
    span = canonical(one)
    return None if span is None else (span.low or Decimal(0), span.high)


def decided(
    definition: DerivedFact,
    record: Record,
    last: Value,
    answer: bool | None,
    shown: Datum,
    doubt: Reason | None,
    reach: int,
) -> Fact:
    """The fact for an answer, as long as the newest value counts.

    True for `within` after it, false for `clears-within`; `doubt` (an earlier value, or one beside the
    newest, that cannot be read), a suspect sample and a list that does not go back `reach` days before
    the newest value keep false unknown.
    """
    name, data = definition.name, (shown,)
    if answer is None:
        return unknown(name, Reason.STRADDLES, data)
    window = record.rule_base.thresholds[definition.parameters["within" if answer else "clears-within"]]
    when = last.statement.when
    assert when is not None
    if not windows.within(when, window, record.now, record.zone, whole=False):
        return unknown(name, Reason.TOO_OLD, data)
    if answer:
        return Fact(name, True, data=data)
    if is_bound(when):
        return unknown(name, Reason.UNDATED, data)
    if last.statement.suspect:
        return unknown(name, Reason.SUSPECT_SAMPLE, data)
    analyte = record.rule_base.analytes[definition.of[0]]
    _, age = age_in_days(when, record.now, record.zone)
    doubt = doubt or gap(record, analyte.arrives, (analyte.codes,), age + reach)
    return Fact(name, False, data=data) if doubt is None else unknown(name, doubt, data)
