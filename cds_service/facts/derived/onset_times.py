"""When something began: at what age, and how soon after something else.

Reference B 3 `back-onset-under-45` and B 8.6 (age at onset), B 3 `effusion-rapid` (swelling within 24
hours of the injury). A date of recording is an upper bound of the onset, never the onset
(reconciliation 1, Onset); a partial date is an interval (reconciliation 1, Partial dates).
"""

from datetime import timedelta
from decimal import Decimal

from cds_service.facts.demographics import age
from cds_service.facts.model import Datum, Fact, Reason, Side
from cds_service.facts.onsets import FactOf
from cds_service.facts.record import Record
from cds_service.fhir.dates import Span, is_future, years_between
from cds_service.fhir.quantity import Interval, compare
from cds_service.rulebase.definitions import DerivedFact

SOON_AFTER = frozenset({"after"})


def age_at_onset(definition: DerivedFact, record: Record, side: Side, fact_of: FactOf) -> Fact:
    """Whether the age in whole years, when the first of some facts began, satisfies the limits.

    With nothing but a date of recording the age then is the highest that it can have been: "below 45"
    may be true from it, never false. Vector: born 22 November 1981, onset 21 November 2026: 44.

    Returns:
        Unknown without a believable birth date, or while none of the facts is true.
    """
    begun = tuple(one for name in definition.of for one in _of_true(fact_of(name, side)))
    birth = record.birth
    if not begun:
        return Fact(definition.name, None, Reason.NOT_RECORDED)
    if birth is None or age(record) is None:
        reason = Reason.NOT_RECORDED if birth is None else Reason.IMPLAUSIBLE
        return Fact(definition.name, None, reason, begun[:1])
    years = [_years(birth, one, record) for one in begun]
    known = [one for one in years if one is not None]
    if not known:
        return Fact(definition.name, None, Reason.UNDATED, begun[:1])
    # An entry without any date may have been the first: then only "at most" is known.
    least = min(one[0] for one in known) if len(known) == len(years) else 0
    span = Interval(Decimal(max(least, 0)), Decimal(max(min(one[1] for one in known), 0)))
    answers = [
        compare(span, limit.how, record.rule_base.thresholds[limit.threshold].single())
        for limit in definition.limits
    ]
    if False in answers:
        return Fact(definition.name, False, data=begun[:1])
    if None in answers:
        return Fact(definition.name, None, Reason.DATE_IMPRECISE, begun[:1])
    return Fact(definition.name, True, data=begun[:1])


def began_soon_after(definition: DerivedFact, record: Record, side: Side, fact_of: FactOf) -> Fact:
    """Whether the first fact began at most `after` (hours) after the second, and not before it.

    Two dates without a clock time of the same day lie within 24 hours of each other; of two days that
    follow each other they may lie further apart.

    Returns:
        Unknown while one of the two is not true, without an onset of both, and where the dates leave
        it open.
    """
    later, earlier = (_of_true(fact_of(name, side)) for name in definition.of)
    if not later or not earlier:
        return Fact(definition.name, None, Reason.NOT_RECORDED)
    most = timedelta(hours=int(record.rule_base.thresholds[definition.parameters["after"]].single()))
    answers = [(_soon(one.onset, two.onset, most), one) for one in later for two in earlier]
    first = next((one for answer, one in answers if answer), None)
    if first is not None:
        return Fact(definition.name, True, data=(first,))
    if any(answer is None for answer, _ in answers):
        undated = any(one.onset is None for one in (*later, *earlier))
        reason = Reason.UNDATED if undated else Reason.DATE_IMPRECISE
        return Fact(definition.name, None, reason, later[:1])
    return Fact(definition.name, False, data=later[:1])


def _of_true(fact: Fact) -> tuple[Datum, ...]:
    return fact.data if fact.value is True else ()


def _years(birth: Span, one: Datum, record: Record) -> tuple[int, int] | None:
    """The least and the greatest age at an onset; the least is 0 where only a later date is known."""
    bound = one.onset or one.recorded or one.when
    if bound is None or is_future(bound, record.now):
        return None
    least, most = years_between(birth, bound, record.zone)
    return (least if one.onset is not None else 0), most


def _soon(later: Span | None, earlier: Span | None, most: timedelta) -> bool | None:
    if later is None or earlier is None:
        return None
    if later.end < earlier.start or later.start - earlier.end > most:
        return False
    return True if later.end - earlier.start <= most else None
