"""From statements to the data a card can show, and from nothing to the reason why."""

from collections.abc import Iterable

from cds_service.facts.model import Datum, Fact, Reason, Side
from cds_service.facts.record import Record
from cds_service.facts.statements import Statement
from cds_service.fhir.evidence import Arrival
from cds_service.rulebase.concepts import Sidedness
from cds_service.rulebase.definitions import FactDefinition


def on_side(one: Statement, side: Side) -> bool:
    """Whether a statement speaks about this leg: same side, both, or no side said."""
    return not side or one.side in (None, "both", side)


def datum(one: Statement, text: str = "") -> Datum:
    """The datum of a statement; `text` is a value with its unit, else the entry's own name."""
    return Datum(
        label=one.label,
        text=text or one.label,
        ref=one.ref,
        when=one.when,
        onset=one.onset,
        recorded=one.recorded,
        side=one.side,
        notes=one.notes,
    )


def side_of(data: Iterable[Datum]) -> Sidedness | None:
    """The side that data agree on; `both` when they name both; None when none names one."""
    sides = {one.side for one in data} - {None}
    if "both" in sides or {"left", "right"} <= sides:
        return "both"
    return next(iter(sides), None)


def nothing(
    definition: FactDefinition, record: Record, keys: Iterable[str], sets: Iterable[str]
) -> Fact:
    """The fact when nothing is recorded: absence counts only in a complete arrival (DESIGN 5.1)."""
    if record.unreadable_about(sets):
        return Fact(definition.name, None, Reason.UNREADABLE)
    for key in keys:
        found = record.evidence.arrivals.get(key)
        if found is None or (key == "encounter" and not isinstance(found, Arrival)):
            continue  # not asked for here, or a request outside any encounter
        if not isinstance(found, Arrival):
            return Fact(definition.name, None, Reason.NOT_DELIVERED)
        if not found.complete:
            return Fact(definition.name, None, Reason.INCOMPLETE)
    if definition.nothing_recorded is None:
        return Fact(definition.name, None, Reason.NOT_RECORDED)
    return Fact(definition.name, definition.nothing_recorded)


def unknown(name: str, reason: Reason, data: tuple[Datum, ...] = ()) -> Fact:
    """A fact that is unknown for `reason`, with what was found."""
    return Fact(name, None, reason, data)
