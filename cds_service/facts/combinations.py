"""Facts made of other facts: `duration`, `count`, `answered`, `score`, `group`."""

from collections.abc import Callable
from decimal import Decimal

import msgspec

from cds_service.facts.model import Datum, Fact, Reason, Side
from cds_service.facts.onsets import FactOf
from cds_service.facts.record import Record
from cds_service.fhir.dates import age_in_days, is_future
from cds_service.fhir.quantity import Interval, compare
from cds_service.rulebase.criteria import Criterion, facts_in, open_facts, supporting, truth
from cds_service.rulebase.definitions import (
    AnsweredFact,
    CountFact,
    DurationFact,
    GroupFact,
    ScoreFact,
    ScoreTable,
)


def duration(definition: DurationFact, record: Record, side: Side, fact_of: FactOf) -> Fact:
    """How long ago the earliest of some true facts began, in whole days.

    A date of recording is only an upper bound of the onset: "at least N days" may be true from it,
    "at most N days" is unknown (unless the definition takes it as onset, for red flags).
    """
    data = [one for name in definition.of for one in _data_if_true(fact_of(name, side))]
    if not data:
        reason = _first_reason(definition.of, side, fact_of)
        recorded = definition.nothing_recorded
        return Fact(definition.name, recorded, None if recorded is not None else reason)
    data = [one for one in data if one.onset is None or not is_future(one.onset, record.now)]
    if not data:  # a date to come is unreadable, not recent (ARCHITECTURE 5.4)
        return Fact(definition.name, None, Reason.FUTURE)
    data.sort(key=_began)  # the card says since when of the one that decides
    span = _elapsed(data, record, definition)
    if span is None:
        return Fact(definition.name, None, Reason.UNDATED, tuple(data))
    answers = [
        compare(span, limit.how, record.rule_base.thresholds[limit.threshold].single())
        for limit in definition.limits
    ]
    if False in answers:
        return Fact(definition.name, False, data=tuple(data))
    if None in answers:
        return Fact(definition.name, None, Reason.DATE_IMPRECISE, tuple(data))
    return Fact(definition.name, True, data=tuple(data))


def _began(one: Datum) -> tuple[bool, float]:
    """Onsets before mere dates of recording, the earliest first."""
    bound = one.onset or one.recorded or one.when
    return one.onset is None, bound.start.timestamp() if bound else 0.0


def _data_if_true(fact: Fact) -> tuple[Datum, ...]:
    return fact.data if fact.value is True else ()


def _elapsed(data: list[Datum], record: Record, definition: DurationFact) -> Interval | None:
    least: list[int] = []
    most: list[int | None] = []
    for one in data:
        known = one.onset or (one.recorded if definition.recorded_counts else None)
        bound = known or one.recorded or one.when
        if bound is None:
            if definition.newest:  # it may have begun today
                least.append(0)
            continue
        youngest, eldest = age_in_days(bound, record.now, record.zone)
        least.append(youngest)
        most.append(eldest if known else None)
    if not least:
        return None
    bounded = [one for one in most if one is not None]
    if definition.newest:
        return Interval(Decimal(min(least)), Decimal(min(bounded)) if bounded else None)
    top = None if None in most else max(bounded)
    return Interval(Decimal(max(least)), None if top is None else Decimal(top))


def _first_reason(names: tuple[str, ...], side: Side, fact_of: FactOf) -> Reason:
    for name in names:
        reason = fact_of(name, side).reason
        if reason is not None and reason is not Reason.NOT_RECORDED:
            return reason
    return Reason.NOT_RECORDED


def count(definition: CountFact, side: Side, fact_of: FactOf) -> Fact:
    """At least so many of some facts are true; unknown while the unknown ones could make it so."""
    facts = [fact_of(name, side) for name in definition.of]
    true = [fact for fact in facts if fact.value is True]
    unknown = [fact for fact in facts if fact.value is None]
    if len(true) >= definition.at_least:
        enough = sum(fact.sure is True for fact in true) >= definition.at_least
        return _made(definition.name, True, true, sure=enough)
    if len(true) + len(unknown) < definition.at_least:
        return Fact(definition.name, False)
    if definition.nothing_recorded is False and not true and _merely_unrecorded(unknown):
        return Fact(definition.name, False)
    return _unsettled(definition.name, unknown)


def answered(definition: AnsweredFact, side: Side, fact_of: FactOf) -> Fact:
    """At least so many of some facts are known, whatever their value; itself never unknown."""
    known = sum(fact_of(name, side).sure is not None for name in definition.of)
    return Fact(definition.name, known >= definition.at_least)


def score(definition: ScoreFact, record: Record, side: Side, fact_of: FactOf) -> Fact:
    """Where the interval of a score lies: unknown items widen it (reference A 2.9).

    Whether it is undecided is always known: of a score of which nothing was asked it is true.
    """
    table = record.rule_base.scores[definition.table]
    low = high = 0
    known = False
    unknown: list[Fact] = []
    held: list[Fact] = []
    for item in table.items:
        fact = fact_of(item.fact, side)
        if fact.sure is True:
            low, high, known = low + item.points, high + item.points, True
            held.append(fact)
        elif fact.sure is None:  # words alone give no point and take none away
            low, high = low + min(item.points, 0), high + max(item.points, 0)
            unknown.append(fact)
        else:
            known = True
    if not known and not definition.undecided and _merely_unrecorded(unknown):
        if definition.nothing_recorded is False:
            return Fact(definition.name, False)
        return _unsettled(definition.name, unknown)
    points = Interval(Decimal(low), Decimal(high))
    answers = [
        compare(points, limit.how, record.rule_base.thresholds[limit.threshold].single())
        for limit in definition.limits
    ]
    answer = False if False in answers else (None if None in answers else True)
    total = _total(table, low, high)
    made = _made(definition.name, answer is None if definition.undecided else bool(answer), held)
    if definition.undecided:  # it rests on being undecided, and on what speaks for it
        return msgspec.structs.replace(made, data=(total,), because=(definition.name, *made.because))
    if answer is None:
        unsettled = _unsettled(definition.name, unknown, Reason.UNDECIDED)
        return msgspec.structs.replace(unsettled, points=total.text)
    return msgspec.structs.replace(made, data=(total, *made.data), points=total.text)


def _total(table: ScoreTable, low: int, high: int) -> Datum:
    """The score as a card shows it: a number, or from where to where it may lie."""
    number = str(low)
    text = number if low == high else f"{low} to {high}"
    return Datum(label=table.title, text=text, ref="", value=number if low == high else "")


def group(definition: GroupFact, side: Side, fact_of: FactOf) -> Fact:
    """A criterion over other facts; see `GroupFact` for what an empty record does to it."""

    def value_of(name: str) -> bool | None:
        return fact_of(name, side).value

    def sure_of(name: str) -> bool | None:
        return fact_of(name, side).sure

    when = definition.when
    answer = truth(when, value_of, sure_of)
    if answer is True:
        held = [fact_of(name, side) for name in dict.fromkeys(supporting(when, value_of, sure_of))]
        words = any(fact.reason is Reason.ONLY_NAMED for fact in held)
        return _made(definition.name, True, held, sure=not words or truth(when, sure_of) is True)
    if answer is False:
        return Fact(definition.name, False)
    unknown = [fact_of(name, side) for name in dict.fromkeys(open_facts(when, value_of, sure_of))]
    if _merely_unrecorded(unknown) and not _points_that_way(definition, side, fact_of):
        return Fact(definition.name, False)
    return _unsettled(definition.name, unknown)


def _points_that_way(definition: GroupFact, side: Side, fact_of: FactOf) -> bool:
    """Whether something positive is recorded that keeps an undecided group unknown."""
    if definition.unknown_only_if is not None:
        return truth(definition.unknown_only_if, lambda name: fact_of(name, side).value) is True
    if definition.nothing_recorded is False:
        return any(fact_of(name, side).value is True for name in _named(definition.when))
    return True


def by_words(found: Fact, surely: Callable[[], Fact]) -> Fact:
    """A fact that may rest on facts that only words make true.

    Args:
        found: the fact.
        surely: works it out as if those were unknown. Where that says the same, no words decide. Else
            true is true by words, and false is unknown: words never make a fact false.
    """
    if found.value is None or found.sure is None or surely().value is found.value:
        return found
    if found.value:
        return msgspec.structs.replace(found, reason=Reason.ONLY_NAMED)
    return Fact(found.name, None, Reason.ONLY_NAMED, found.data)


def _named(criterion: Criterion) -> list[str]:
    return list(dict.fromkeys(facts_in(criterion)))


def _merely_unrecorded(unknown: list[Fact]) -> bool:
    return all(fact.reason is Reason.NOT_RECORDED for fact in unknown)


def _made(name: str, value: bool, parts: list[Fact], *, sure: bool = True) -> Fact:
    because = tuple(dict.fromkeys(leaf for fact in parts for leaf in (fact.because or (fact.name,))))
    data = tuple(dict.fromkeys(one for fact in parts for one in fact.data))
    return Fact(name, value, None if sure else Reason.ONLY_NAMED, data, because)


def _unsettled(name: str, unknown: list[Fact], reason: Reason | None = None) -> Fact:
    leaves = tuple(dict.fromkeys(leaf for fact in unknown for leaf in (fact.open or (fact.name,))))
    worst = next(
        (fact.reason for fact in unknown if fact.reason is not Reason.NOT_RECORDED),
        Reason.NOT_RECORDED,
    )
    return Fact(name, None, reason or worst, open=leaves)
