"""Was a medicine begun lately?"""

from cds_service.facts import windows
from cds_service.facts.data import datum, gap, unknown
from cds_service.facts.model import Fact, Reason, Side
from cds_service.facts.onsets import FactOf
from cds_service.facts.record import Record
from cds_service.facts.statements import Statement
from cds_service.rulebase.definitions import DerivedFact, Threshold

_TAKEN = ("medication", "ended-medication")
_CURRENT_LISTS = ("medicationRequests", "medicationStatements")


def begun_within(definition: DerivedFact, record: Record, _side: Side, _fact_of: FactOf) -> Fact:
    """Whether a current medicine of the code set was begun inside the window `within`.

    begun = the date of its first entry on record, current or ended, under one of the same codes: a
    prescription may be a refill (reference A 2.10 DIURnew, without "dose raised", which no code says).
    An earlier entry that the record does not hold makes a refill look begun; what is on record decides.
    A date without a clock, or a month alone, is inside if any part of it is.

    Returns:
        False when nothing of the set is taken, or all of it for longer; unknown where the first entry
        has no date, or nothing was found and a list of medicines is missing.
    """
    taken = [one for one in record.stated((definition.of[0],)) if one.kind in _TAKEN]
    current = [one for one in taken if one.kind == "medication"]
    answers = _begun(current, taken, record.rule_base.thresholds[definition.within], record)
    lately = next((one for one, answer in zip(current, answers, strict=True) if answer), None)
    if lately is not None:
        return Fact(definition.name, True, data=(datum(lately),))
    if None in answers:
        return unknown(definition.name, Reason.UNDATED, tuple(datum(one) for one in current[:1]))
    missing = gap(record, _CURRENT_LISTS, definition.of[:1])
    if missing is not None or record.unresolved_medicine:
        return unknown(definition.name, missing or Reason.UNREADABLE)
    return Fact(definition.name, False)


def _begun(
    current: list[Statement], taken: list[Statement], window: Threshold, record: Record
) -> list[bool | None]:
    """Whether each entry and all before it under its codes lie inside the window; None when undated.

    In one pass over what was taken: a record may hold thousands of prescriptions. An entry is told by
    its reference: how it is to be taken is raw JSON, so a statement is no key of a dictionary.
    """
    said: dict[tuple[str, str], set[bool | None]] = {}
    for one in taken:
        inside = _inside(one, window, record)
        for key in _names(one):
            said.setdefault(key, set()).add(inside)
    return [_all(set().union(*(said[key] for key in _names(one)))) for one in current]


def _names(one: Statement) -> tuple[tuple[str, str], tuple[str, str]]:
    """What makes two entries the same medicine: one resource, or one code."""
    return ("ref", one.ref), ("code", one.code)


def _all(answers: set[bool | None]) -> bool | None:
    if False in answers:
        return False
    return None if None in answers else True


def _inside(one: Statement, window: Threshold, record: Record) -> bool | None:
    when = one.onset or one.when
    if when is None or not windows.usable(when, record.now):
        return None
    return windows.within(when, window, record.now, record.zone, whole=False)
