"""Is the newest potassium from a sample that cannot be trusted?"""

from cds_service.facts.data import nothing, unknown
from cds_service.facts.measurements import against
from cds_service.facts.model import SAMPLE_UNSEEN, Fact, Reason, Side
from cds_service.facts.onsets import FactOf
from cds_service.facts.record import Record
from cds_service.facts.statements import Statement
from cds_service.facts.values import newest, reading_datum, values
from cds_service.rulebase.definitions import DerivedFact


def sample_suspect(definition: DerivedFact, record: Record, side: Side, fact_of: FactOf) -> Fact:  # noqa: ARG001
    """Whether the newest value of the first analyte comes from a suspect sample.

    True when the laboratory says so (haemolysis, lipaemia, drip arm) or when the second analyte, at
    the same time, is beyond the limit: EDTA binds calcium and brings potassium (reference A, LAB-01:
    calcium below 1.5 mmol/L, design). Of several newest values at one time, one suspect is enough. A
    sample of which nothing could be read (`SAMPLE_UNSEEN`) is not said to be spoilt: such a value
    clears nothing, and what it raises stands.

    Returns:
        A two-valued fact wherever a value exists; the definition's value for "nothing recorded" else.
    """
    main, other = (record.rule_base.analytes[name] for name in definition.of)
    found = values(main, record, side, preliminary=True)
    if not found:
        return nothing(definition, record, main.arrives, (main.codes,))
    tied = newest(found)
    told = next((one for one in tied if _said(one.statement)), None)
    if told is not None:
        return Fact(definition.name, True, data=(reading_datum(told),))
    shown = (reading_datum(tied[0]),)
    times = {(when.start, when.end) for one in tied if (when := one.statement.when) is not None}
    beyond = [
        against(one.interval, one.unit, definition.limits[0], record)
        for one in values(other, record, side, preliminary=True)
        if one.interval is not None
        and one.unit is not None
        and (when := one.statement.when) is not None
        and (when.start, when.end) in times
    ]
    if True not in beyond and None in beyond:
        return unknown(definition.name, Reason.STRADDLES, shown)
    return Fact(definition.name, True in beyond, data=shown)


def _said(one: Statement) -> bool:
    return one.suspect and SAMPLE_UNSEEN not in one.notes
