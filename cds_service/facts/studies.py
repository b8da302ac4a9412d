"""Facts of kind `done` and `draft`, and the state of every order: done, open, or free."""

from collections.abc import Collection, Iterable
from datetime import datetime

from cds_service.facts import onsets, values, windows
from cds_service.facts.data import datum, nothing, on_side, unknown
from cds_service.facts.model import Draft, Fact, OrderState, Reason, Side
from cds_service.facts.onsets import FactOf
from cds_service.facts.record import Record
from cds_service.facts.statements import Statement
from cds_service.rulebase.definitions import DoneFact, DraftFact
from cds_service.rulebase.model import Order

_RESULT_KEYS = ("laboratory", "findings", "diagnosticReports", "procedures")


def done(definition: DoneFact, record: Record, side: Side, fact_of: FactOf) -> Fact:
    """A result, report or completed procedure inside the window.

    One without a date counts only where neither a window nor an onset is asked; else it leaves it open.
    A value that cannot be read is no result.
    """
    onset, undated = onsets.earliest(definition.after_onset_of, side, fact_of), False
    results = _legible(_results(record, definition.sets, side), definition.sets, record)
    if definition.after_latest_onset_of:
        latest = onsets.latest(definition.after_latest_onset_of, side, fact_of)
        if latest.undated and results:
            return unknown(definition.name, Reason.UNDATED)
        onset = latest.when
    for one in results:
        if one.when is None:
            if not definition.within and onset is None:
                return Fact(definition.name, True, data=(datum(one),))
            undated = True
        elif _counts(one, definition.within, onset, record):
            return Fact(definition.name, True, data=(datum(one),))
    if undated:
        return unknown(definition.name, Reason.UNDATED)
    return nothing(definition, record, _RESULT_KEYS, definition.sets, definition.within)


def _results(record: Record, sets: Iterable[str], side: Side) -> Iterable[Statement]:
    found = [
        one
        for one in record.stated(sets)
        if one.kind in ("observation", "report", "procedure")
        and one.final
        and not one.problem
        and on_side(one, side)
    ]
    found.sort(key=lambda one: one.when.end.timestamp() if one.when else 0.0, reverse=True)
    return found


def _counts(one: Statement, within: str, onset: datetime | None, record: Record) -> bool:
    if one.when is None or not windows.usable(one.when, record.now):
        return False
    if onset is not None and one.when.end < onset:
        return False
    if not within:
        return True
    window = record.rule_base.thresholds[within]
    # "Done" takes an order away, so a day-precise result must lie wholly inside an hour window.
    return windows.within(one.when, window, record.now, record.zone, whole=window.unit == "h")


def draft(definition: DraftFact, record: Record, side: Side) -> Fact:
    """An order being placed now; false where the hook brings no draft orders."""
    found = [
        one
        for one in record.stated(definition.sets)
        if one.kind == "draft"
        and on_side(one, side)
        and (not definition.route or one.by_mouth is (definition.route == "mouth"))
    ]
    if found:
        return Fact(definition.name, True, data=tuple(datum(one) for one in found))
    return nothing(definition, record, ("draftOrders",), definition.sets)


def drafts(record: Record) -> tuple[Draft, ...]:
    """Every draft order that is in some code set."""
    if record.evidence.arrival("draftOrders") is None:
        return ()
    labels: dict[str, str] = {}
    sets: dict[str, set[str]] = {}
    for name in record.rule_base.code_sets:
        for one in record.stated((name,)):
            if one.kind == "draft":
                labels[one.ref] = one.label
                sets.setdefault(one.ref, set()).add(name)
    return tuple(Draft(ref, labels[ref], frozenset(found)) for ref, found in sets.items())


def order_state(order: Order, record: Record, side: Side, fact_of: FactOf) -> OrderState:
    """Whether an order is done inside its window, or open, also as part of an open panel."""
    if not order.done_sets:
        return OrderState()
    onset = onsets.earliest(order.done_after_onset_of, side, fact_of)
    results = _legible(_results(record, order.done_sets, side), order.done_sets, record)
    if order.done_after_latest_onset_of:
        latest = onsets.latest(order.done_after_latest_onset_of, side, fact_of)
        onset, results = latest.when, [] if latest.undated else results
    performed = next((one.ref for one in results if _counts(one, order.done_within, onset, record)), "")
    return OrderState(done=performed, open=_open(order, record, side))


def _legible(found: Iterable[Statement], sets: Collection[str], record: Record) -> list[Statement]:
    """Those of which an analyte can read the value: 118 mg/dL of sodium takes no repeat away.

    Words in place of the number ("not measurable") are no value either. A report or procedure, or a
    result that no analyte with its code set among `sets` is about, is as good as its status says.
    """
    known = record.rule_base.analytes.values()
    asked = [analyte for analyte in known if analyte.codes in sets]
    about = {one.codes: {(it.ref, it.code) for it in record.stated((one.codes,))} for one in asked}
    kept = []
    for one in found:
        own = [analyte for analyte in asked if (one.ref, one.code) in about[analyte.codes]]
        if (
            one.kind != "observation"
            or not own
            or any(values.read(one, analyte).problem is None for analyte in own)
        ):
            kept.append(one)
    return kept


def _open(order: Order, record: Record, side: Side) -> str:
    panels = [
        panel.codes
        for panel in record.rule_base.panels.values()
        if all(one in panel.covers for one in order.done_sets)
    ]
    window = record.rule_base.thresholds.get(order.open_within)
    newest = _newest_result(order, record, side)
    for one in record.stated((*order.done_sets, *panels)):
        if one.kind not in ("order", "draft") or not on_side(one, side):
            continue
        fresh = (
            one.kind == "draft"
            or window is None
            or one.when is None
            or windows.within(one.when, window, record.now, record.zone, whole=False)
        )
        if fresh and not _answered(one, newest):
            return one.ref
    return ""


def _newest_result(order: Order, record: Record, side: Side) -> datetime | None:
    starts = [one.when.start for one in _results(record, order.done_sets, side) if one.when is not None]
    return max(starts, default=None)


def _answered(one: Statement, newest: datetime | None) -> bool:
    """Whether an order has its result already (reference A 2.8: open while there is no newer one)."""
    if one.kind == "draft" or one.when is None or newest is None:
        return False
    return newest > one.when.end
