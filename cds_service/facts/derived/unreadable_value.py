"""Is there a recent result of an analyte that cannot be used?"""

from cds_service.facts import windows
from cds_service.facts.model import Fact, Reason, Side
from cds_service.facts.onsets import FactOf
from cds_service.facts.record import Record
from cds_service.facts.values import newest, reading_datum, values
from cds_service.rulebase.definitions import DerivedFact

_UNUSABLE = frozenset({Reason.NO_UNIT, Reason.UNIT_NOT_DECLARED, Reason.IMPLAUSIBLE, Reason.UNREADABLE})


def unreadable_value(definition: DerivedFact, record: Record, side: Side, fact_of: FactOf) -> Fact:
    """Whether the newest result of the analyte, inside the window, has a unit or value we cannot read.

    So that a wrong unit never looks like nothing found (reference A 2.4, item 6: the card says which
    result could not be read). The window is `within`. Facts named after the analyte read words: a result
    that one of them rests on ("negative") is read, though it has no value.

    Returns:
        A two-valued fact: no result at all is another fact's business.
    """
    analyte = record.rule_base.analytes[definition.of[0]]
    found = values(analyte, record, side, preliminary=False)
    said = {datum.ref for name in definition.of[1:] for datum in fact_of(name, side).data}
    wrong = next(
        (one for one in newest(found) if one.problem in _UNUSABLE and one.statement.ref not in said),
        None,
    )
    when = wrong.statement.when if wrong is not None else None
    window = record.rule_base.thresholds[definition.within]
    recent = when is not None and windows.within(when, window, record.now, record.zone, whole=False)
    shown = (reading_datum(wrong),) if wrong is not None and recent else ()
    # Of an entry that is no valid FHIR not even a value is known; it may be the newest.
    return Fact(definition.name, recent or record.unreadable_about((analyte.codes,)), data=shown)
