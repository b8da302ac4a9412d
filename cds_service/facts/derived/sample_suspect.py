"""Is the newest potassium from a sample that cannot be trusted?"""

from cds_service.facts.data import nothing, unknown
from cds_service.facts.measurements import FactOf, against, reading_datum, values
from cds_service.facts.model import Fact, Reason, Side
from cds_service.facts.record import Record
from cds_service.rulebase.definitions import DerivedFact


def sample_suspect(definition: DerivedFact, record: Record, side: Side, fact_of: FactOf) -> Fact:  # noqa: ARG001
    """Whether the newest value of the first analyte comes from a suspect sample.

    True when the laboratory says so (haemolysis, lipaemia, drip arm) or when the second analyte, at
    the same time, is beyond the limit: EDTA binds calcium and brings potassium (reference A, LAB-01:
    calcium below 1.5 mmol/L, design).

    Returns:
        A two-valued fact wherever a value exists; the definition's value for "nothing recorded" else.
    """
    main, other = (record.rule_base.analytes[name] for name in definition.of)
    found = values(main, record, side, preliminary=True)
    if not found:
        return nothing(definition, record, main.arrives, (main.codes,))
    newest = found[0]
    shown = (reading_datum(newest),)
    if newest.statement.suspect:
        return Fact(definition.name, True, data=shown)
    for one in values(other, record, side, preliminary=True):
        same_time = (
            one.statement.when is not None
            and newest.statement.when is not None
            and one.statement.when.text == newest.statement.when.text
        )
        if same_time and one.interval is not None and one.unit is not None:
            beyond = against(one.interval, one.unit, definition.limits[0], record)
            if beyond is None:
                return unknown(definition.name, Reason.STRADDLES, shown)
            return Fact(definition.name, beyond, data=shown)
    return Fact(definition.name, False, data=shown)
