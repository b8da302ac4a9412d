"""Was a diagnosis written down after a complaint began?"""

from cds_service.facts.data import datum, gap, unknown
from cds_service.facts.model import Datum, Fact, Reason, Side
from cds_service.facts.onsets import FactOf
from cds_service.facts.record import Record
from cds_service.facts.statements import Statement
from cds_service.rulebase.definitions import DerivedFact

_LISTS = ("conditions",)


def recorded_since(definition: DerivedFact, record: Record, side: Side, fact_of: FactOf) -> Fact:
    """Whether an active, confirmed problem of the code set was recorded since one of the facts began.

    Reference B 3, cause-established: a diagnosis from before the complaint does not explain it. The
    facts' earliest onset counts, of one without an onset the day it was written down, its latest
    possible one. A diagnosis is dated by recordedDate, else by its onset; of a day precision it counts
    when any part of it is not before. One that is itself the complaint explains it.

    Returns:
        False without such a problem in a complete list, and when none of the facts is true. Unknown
        where a date is missing that decides.
    """
    began = [one for name in definition.of[1:] for one in _true_data(name, side, fact_of)]
    stated = [
        one
        for one in record.stated((definition.of[0],))
        if one.kind == "condition" and one.active and one.certain
    ]
    if began:
        answers = [_since(one, began) for one in stated]
        found = next((one for one, answer in zip(stated, answers, strict=True) if answer), None)
        if found is not None:
            return Fact(definition.name, True, data=(datum(found),))
        if None in answers:
            return unknown(definition.name, Reason.UNDATED, tuple(datum(one) for one in stated[:1]))
    missing = gap(record, _LISTS, definition.of[:1])
    return Fact(definition.name, False) if missing is None else unknown(definition.name, missing)


def _true_data(name: str, side: Side, fact_of: FactOf) -> tuple[Datum, ...]:
    fact = fact_of(name, side)
    return fact.data if fact.value is True else ()


def _since(diagnosis: Statement, began: list[Datum]) -> bool | None:
    if any(one.ref == diagnosis.ref for one in began):
        return True
    starts = [span.start for one in began if (span := one.onset or one.recorded or one.when)]
    written = diagnosis.recorded or diagnosis.onset
    if written is None or len(starts) < len(began):
        return None
    return written.end >= min(starts)
