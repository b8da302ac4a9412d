"""Has a value fallen since a medicine was stopped?"""

from cds_service.facts.data import nothing, unknown
from cds_service.facts.derived.computed import finals_within
from cds_service.facts.derived.fall import fall_between
from cds_service.facts.derived.newest import newest_of
from cds_service.facts.model import Fact, Reason, Side
from cds_service.facts.onsets import FactOf
from cds_service.facts.record import Record
from cds_service.facts.values import Value, reading_datum
from cds_service.fhir.dates import Span, age_in_days
from cds_service.fhir.quantity import compare
from cds_service.rulebase.definitions import DerivedFact

PARAMETERS = frozenset({"apart"})


def fallen_since_end(definition: DerivedFact, record: Record, side: Side, _fact_of: FactOf) -> Fact:
    """Whether the newest value lies so far below the one at the end of a medicine, in per cent.

    fall [%] = (value at the end - newest) / value at the end x 100, with the last value up to the day
    the medicine ended, else the first after it. The newest is at least `apart` days later than the end,
    and both are inside `within` (reference B 3, ck-falling-after-stop). Of several entries the last end
    counts.

    Returns:
        False while the medicine is taken. Unknown where no end or no two values are on record, or the
        newest came too soon to tell.
    """
    analyte, medicine = record.rule_base.analytes[definition.of[0]], definition.of[1]
    stated = record.stated((medicine,))
    if any(one.kind == "medication" for one in stated):
        return Fact(definition.name, False)
    ends = [one.until for one in stated if one.kind == "ended-medication" and one.until is not None]
    if not ends:
        return unknown(definition.name, Reason.NOT_RECORDED)
    ended = max(ends, key=lambda one: one.end)
    window = record.rule_base.thresholds[definition.within]
    inside = finals_within(analyte, window, record, side)
    if not inside:
        return nothing(definition, record, analyte.arrives, (analyte.codes,), definition.within)
    newest = newest_of(inside)
    base = _at_the_end(inside, ended)
    shown = (reading_datum(newest, base),)
    problem = newest.problem or (base.problem if base is not None else None)
    if problem is not None:
        return unknown(definition.name, problem, shown)
    assert newest.statement.when is not None
    passed, _ = age_in_days(ended, newest.statement.when.start, record.zone)
    apart = record.rule_base.thresholds[definition.parameters["apart"]].single()
    if base is None or base is newest or passed < apart:
        return unknown(definition.name, Reason.NOT_RECORDED, shown)
    fallen = fall_between(base, newest, True)
    (limit,) = definition.limits
    size = record.rule_base.thresholds[limit.threshold].single()
    answer = None if fallen is None else compare(fallen, limit.how, size)
    if answer is None:
        return unknown(definition.name, Reason.STRADDLES, shown)
    return Fact(definition.name, answer, data=shown)


def _at_the_end(found: list[Value], ended: Span) -> Value | None:
    """The last value up to the end, else the first after it; `found` is newest first."""
    before = [one for one in found if one.statement.when and one.statement.when.start <= ended.end]
    return before[0] if before else found[-1]
