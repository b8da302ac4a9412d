"""From statements to the data a card can show, and from nothing to the reason why."""

from collections.abc import Iterable
from datetime import timedelta

from cds_service.facts.model import Datum, Fact, Reason, Side
from cds_service.facts.record import Record
from cds_service.facts.statements import Statement
from cds_service.fhir.absence import Absence
from cds_service.fhir.evidence import Arrival
from cds_service.rulebase.definitions import FactDefinition


def on_side(one: Statement, side: Side) -> bool:
    """Whether a statement speaks about this leg: same side, both, or no side said."""
    return not side or one.side in (None, "both", side)


def datum(one: Statement, text: str | None = None) -> Datum:
    """The datum of a statement; `text` is a value with its unit (empty: none could be read).

    Without it the text is the entry's own name.
    """
    return Datum(
        label=one.label,
        text=one.label if text is None else text,
        ref=one.ref,
        when=one.when,
        onset=one.onset,
        recorded=one.recorded,
        side=one.side,
        notes=one.notes,
    )


def nothing(
    definition: FactDefinition,
    record: Record,
    keys: Iterable[str],
    sets: Iterable[str],
    within: str = "",
) -> Fact:
    """The fact when nothing is recorded: absence counts only in a complete arrival (ARCHITECTURE 5.1).

    A list that its `_count` cut is complete back to its oldest entry: enough for a window that ends
    before.
    """
    days = _days(record, within) if within else None
    missing = gap(record, keys, sets, days)
    if missing is not None:
        return Fact(definition.name, None, missing)
    if definition.nothing_recorded is None:
        return Fact(definition.name, None, Reason.NOT_RECORDED)
    return Fact(definition.name, definition.nothing_recorded)


def gap(
    record: Record, keys: Iterable[str], sets: Iterable[str], days: int | None = None
) -> Reason | None:
    """Why what is not found is not thereby absent; None when the lists are complete, `days` back."""
    if record.faulty or record.unreadable_about(sets):
        return Reason.UNREADABLE
    asked = (tuple(keys), days)
    if asked not in record.lacking:
        record.lacking[asked] = _lacking(record, *asked)
    lacking: Reason | None = record.lacking[asked]
    return lacking


def _lacking(record: Record, keys: tuple[str, ...], days: int | None) -> Reason | None:
    """Why absence under these keys says nothing; None when it does."""
    for key in keys:
        if key == "encounter" and record.reason_not_delivered:
            return Reason.NOT_DELIVERED
        found = record.evidence.arrivals.get(key)
        if found is None:
            continue  # not asked for here
        if not isinstance(found, Arrival):
            if found.reason == Absence.OUTSIDE:
                continue
            return Reason.NOT_DELIVERED
        if not found.complete and not _reaches_back(found, days, record):
            return Reason.INCOMPLETE
    return None


def _days(record: Record, within: str) -> int:
    window = record.rule_base.thresholds[within]
    return int(window.single()) if window.unit == "d" else int(window.single()) // 24 + 1


def _reaches_back(arrival: Arrival, days: int | None, record: Record) -> bool:
    if arrival.back_to is None or days is None:
        return False
    oldest_needed = record.now.astimezone(record.zone).date() - timedelta(days=days)
    return arrival.back_to < oldest_needed


def unknown(name: str, reason: Reason, data: tuple[Datum, ...] = ()) -> Fact:
    """A fact that is unknown for `reason`, with what was found."""
    return Fact(name, None, reason, data)
