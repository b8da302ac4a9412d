"""Facts of kind `condition`, `finding` and `medication`: what is stated to be there."""

from collections.abc import Iterable, Sequence
from itertools import chain

from cds_service.facts import onsets, windows
from cds_service.facts.data import datum, nothing, on_side, unknown
from cds_service.facts.model import Datum, Fact, Reason, Side
from cds_service.facts.onsets import FactOf, Latest
from cds_service.facts.record import Record
from cds_service.facts.statements import Statement
from cds_service.fhir.dates import age_in_days, is_bound
from cds_service.rulebase.definitions import ConditionFact, FindingFact, MedicationFact

_LISTED = ("condition", "reason", "setting", "procedure", "device")
_COMPLAINED = ("condition", "reason", "setting")
_ANSWERED = ("observation", "answer")
_ASKED_IN = ("conditions", "encounter", "findings", "questionnaireResponses")


def condition(definition: ConditionFact, record: Record, side: Side) -> Fact:
    """An entry in a list: active (or ever), inside its window, long enough; coded, else by its words."""
    coded = _condition(definition, record, side, record.stated(definition.sets))
    words = record.worded(definition.sets) if coded.value is not True else ()
    if not words:
        return coded
    said = _condition(definition, record, side, words)
    if said.value is True:
        return Fact(definition.name, True, Reason.ONLY_NAMED, said.data)
    return said if coded.value is False and said.value is None else coded


def _condition(
    definition: ConditionFact, record: Record, side: Side, stated: Sequence[Statement]
) -> Fact:
    if not stated:
        return nothing(definition, record, definition.arrives, definition.sets)
    found: list[Statement] = []
    doubtful: Reason | None = None
    for one in stated:
        if one.kind not in _listed(definition) or not on_side(one, side):
            continue
        if not _status_counts(one, definition):
            continue
        holds, reason = _timed(one, definition, record)
        if holds:
            found.append(one)
        elif holds is None:
            doubtful = reason
    if found:
        return Fact(definition.name, True, data=_newest_first(found))
    if doubtful is not None:
        return unknown(definition.name, doubtful)
    return nothing(definition, record, definition.arrives, definition.sets)


def _status_counts(one: Statement, definition: ConditionFact) -> bool:
    if definition.certain and not one.certain:
        return False
    if definition.resolved:
        return not one.active
    return one.active or definition.ever


def _listed(definition: ConditionFact) -> tuple[str, ...]:
    """The kinds of entry that count: orders only where the definition looks at them."""
    return (*_LISTED, "order") if "serviceRequests" in definition.arrives else _LISTED


def _timed(
    one: Statement, definition: ConditionFact, record: Record
) -> tuple[bool | None, Reason | None]:
    if not definition.within and not definition.lasting:
        return True, None
    began = one.onset or one.when or one.recorded
    if began is None:
        if definition.undated_counts or one.current:
            return True, None
        return None, Reason.UNDATED
    if not windows.usable(began, record.now):
        return None, Reason.FUTURE
    thresholds = record.rule_base.thresholds
    # A danger that would count without a date counts by any of its dates: an angina "since 2024" that
    # was written down yesterday is there now.
    dates = (one.onset, one.when, one.recorded) if definition.undated_counts else (began,)
    inside = not definition.within or any(
        windows.within(date, thresholds[definition.within], record.now, record.zone, whole=False)
        for date in dates
        if date is not None and windows.usable(date, record.now)
    )
    if not inside and not one.current:
        return False, None
    if definition.lasting:
        size = int(thresholds[definition.lasting].single())
        youngest, eldest = age_in_days(began, record.now, record.zone)
        if one.onset is None and youngest < size:  # recorded is only an upper bound of onset
            return (True, None) if definition.undated_counts else (None, Reason.UNDATED)
        if eldest < size:
            return False, None
        if youngest < size:
            return None, Reason.DATE_IMPRECISE
    return True, None


def finding(definition: FindingFact, record: Record, side: Side, fact_of: FactOf) -> Fact:
    """A symptom or sign; the newest answer to each question decides, any yes makes it true.

    The words of an uncoded entry make it true where neither a code nor an answer says anything.
    """
    began = onsets.latest(definition.after_latest_onset_of, side, fact_of)
    coded = _finding(definition, record, side, began)
    words = record.worded(definition.sets) if coded.value is not True and not coded.data else ()
    said = list(_complained(definition, record, side, words)) if words else []
    return Fact(definition.name, True, Reason.ONLY_NAMED, _newest_first(said)) if said else coded


def _finding(definition: FindingFact, record: Record, side: Side, began: Latest) -> Fact:
    if not record.stated(definition.sets):
        return nothing(definition, record, _ASKED_IN, definition.sets, definition.within)
    yes: list[Statement] = []
    no: list[Statement] = []
    unanswered = stale = undated = False
    for one in _newest_answers(record, definition, side):
        fresh = _fresh(one, definition, record, began, side)
        if fresh is None:
            undated = True
        elif not fresh:
            stale = True
        else:
            says = _says(one, definition, record)
            if says is None:
                unanswered = True
            elif not on_side(one, side):  # the newest answer names the other leg
                no.append(one)
            else:
                (yes if says else no).append(one)
    yes.extend(_complained(definition, record, side, record.stated(definition.sets)))
    if yes:
        return _said(definition, yes, disputed=bool(no) or unanswered)
    if no:
        return Fact(definition.name, False, data=_newest_first(no))
    if unanswered:
        return unknown(definition.name, Reason.NOT_ASKED)
    if undated:
        return unknown(definition.name, Reason.UNDATED)
    absent = nothing(definition, record, _ASKED_IN, definition.sets, definition.within)
    if stale and absent.value is None and absent.reason is Reason.NOT_RECORDED:
        return unknown(definition.name, Reason.TOO_OLD)
    return absent


def _said(definition: FindingFact, yes: list[Statement], *, disputed: bool) -> Fact:
    data = _newest_first(yes, answers=bool(definition.answers))
    if disputed and definition.reassuring:
        return unknown(definition.name, Reason.ANSWERS_DIFFER, data)
    return Fact(definition.name, True, data=data)


def _newest_answers(record: Record, definition: FindingFact, side: Side) -> Iterable[Statement]:
    """The newest answer to each question; of several at that time all, whatever order they came in."""
    newest: dict[tuple[str, str | None, bool], list[Statement]] = {}
    for one in record.stated(definition.sets):
        if one.kind not in _ANSWERED or not one.final:
            continue
        if not one.names_leg and not on_side(one, side):
            continue
        if one.when is not None and not windows.usable(one.when, record.now):
            continue
        # "Which leg?" is one question whatever the answer; others are asked of each leg.
        # One without a date of its own stands beside those that have one: it supersedes none.
        key = (one.code, None if one.names_leg else one.side, _is_unplaced(one))
        held = newest.get(key)
        if held is None or _answered_at(one) > _answered_at(held[0]):
            newest[key] = [one]
        elif _answered_at(one) == _answered_at(held[0]):
            held.append(one)
    return chain.from_iterable(newest.values())


def _is_unplaced(one: Statement) -> bool:
    """Whether its own date cannot be read, and only when it was reported is known."""
    return one.when is not None and is_bound(one.when)


def _answered_at(one: Statement) -> float:
    return one.when.end.timestamp() if one.when else 0.0


def _fresh(
    one: Statement, definition: FindingFact, record: Record, began: Latest, side: Side
) -> bool | None:
    """Whether an answer is inside its window and since that began; a tie counts as after.

    A no without a date of its own may be of long ago, and denies nothing.
    """
    if one.current:
        return True
    if _is_unplaced(one) and not (_says(one, definition, record) and on_side(one, side)):
        return None
    if one.when is None:
        return True if definition.undated_counts else None
    if began.undated:
        return None
    if began.when is not None and one.when.end < began.when:
        return False
    window = record.rule_base.thresholds[definition.within]
    return windows.within(one.when, window, record.now, record.zone, whole=False)


def _says(one: Statement, definition: FindingFact, record: Record) -> bool | None:
    """Yes, no, or neither: a coded answer means no only where the content or its value list says so."""
    if not definition.answers or not one.answer:
        return one.says
    if one.answer in definition.answers:
        return True
    local = record.rule_base.local_codes.get(one.code)
    denials = definition.denials or (local.values if local is not None else ())
    return False if one.answer in denials else None


def _complained(
    definition: FindingFact, record: Record, side: Side, stated: Sequence[Statement]
) -> Iterable[Statement]:
    """Active problems and encounter reasons: onset *or* recorded inside the window counts."""
    window = record.rule_base.thresholds[definition.condition_within]
    for one in stated:
        if one.kind not in _COMPLAINED or not one.active or not on_side(one, side):
            continue
        dates = [span for span in (one.onset, one.recorded) if span is not None]
        if (
            one.current
            or (not dates and definition.undated_counts)
            or any(
                windows.usable(span, record.now)
                and windows.within(span, window, record.now, record.zone, whole=False)
                for span in dates
            )
        ):
            yield one


def medication(definition: MedicationFact, record: Record, side: Side) -> Fact:  # noqa: ARG001
    """A current medicine; an old open prescription, or text without a code, is no sure benefit."""
    if definition.ended_within:
        return _ended(definition, record)
    current = [one for one in record.stated(definition.sets) if one.kind == "medication"]
    doubtful = [one for one in current if one.old or one.only_named]
    hazard = definition.use == "hazard"
    sure = [one for one in current if hazard or not (one.old or one.only_named)]
    if sure:
        return Fact(definition.name, True, data=_newest_first(sure))
    if doubtful:
        reason = Reason.TOO_OLD if any(one.old for one in doubtful) else Reason.ONLY_NAMED
        return unknown(definition.name, reason, _newest_first(doubtful))
    if record.unresolved_medicine:
        return unknown(definition.name, Reason.UNREADABLE)
    keys = ("medicationRequests", "medicationStatements")
    return nothing(definition, record, keys, definition.sets)


def _ended(definition: MedicationFact, record: Record) -> Fact:
    """A medicine that ended inside the window; unknown where an entry of the last year may have."""
    thresholds = record.rule_base.thresholds
    window = thresholds[definition.ended_within]
    maybe: list[Statement] = []
    for one in record.stated(definition.sets):
        if one.kind != "ended-medication":
            continue
        if one.until is None:
            maybe.append(one)
        elif windows.within(one.until, window, record.now, record.zone, whole=True):
            return Fact(definition.name, True, data=_newest_first([one]))
        elif not one.old and windows.within(one.until, window, record.now, record.zone, whole=False):
            maybe.append(one)
    if maybe:
        return unknown(definition.name, Reason.DATE_IMPRECISE, _newest_first(maybe))
    keys = ("medicationRequestsEnded", "medicationRequests", "medicationStatements")
    return nothing(definition, record, keys, definition.sets)


def _newest_first(found: list[Statement], *, answers: bool = False) -> tuple[Datum, ...]:
    """The data of statements; with `answers` a coded answer is said: `Tibial pulse: absent`."""
    ordered = sorted(found, key=_when, reverse=True)[:5]
    return tuple(
        datum(one, f"{one.label}: {one.answered}" if answers and one.answered else None)
        for one in ordered
    )


def _when(one: Statement) -> float:
    span = one.when or one.onset or one.recorded
    return span.end.timestamp() if span else 0.0
