"""Was another test done around the time of a value?"""

from cds_service.facts.data import datum, gap, unknown
from cds_service.facts.derived.newest import newest_of
from cds_service.facts.model import Fact, Reason, Side
from cds_service.facts.onsets import FactOf
from cds_service.facts.record import Record
from cds_service.facts.statements import Statement
from cds_service.facts.values import values
from cds_service.fhir.dates import Span, age_in_days
from cds_service.rulebase.definitions import DerivedFact

PARAMETERS = frozenset({"apart"})


def done_near(definition: DerivedFact, record: Record, side: Side, _fact_of: FactOf) -> Fact:
    """Whether a final result of the code set lies within `apart` days of the analyte's newest value.

    Before it or after it, in whole calendar days; where a date is imprecise, the fewest it may be
    (reference B 3, ft4-same-time: free T4 within 14 days of the TSH).

    Returns:
        False where there is none and the lists are complete, or no value that it could belong to.
    """
    analyte, wanted = record.rule_base.analytes[definition.of[0]], definition.of[1]
    found = values(analyte, record, side, preliminary=False)
    if not found:
        missing = gap(record, analyte.arrives, (analyte.codes,))
        return Fact(definition.name, False) if missing is None else unknown(definition.name, missing)
    when = newest_of(found).statement.when
    assert when is not None
    apart = int(record.rule_base.thresholds[definition.parameters["apart"]].single())
    for one in record.stated((wanted,)):
        if _is_result(one) and one.when is not None and _days(one.when, when, record) <= apart:
            return Fact(definition.name, True, data=(datum(one),))
    if any(_is_result(one) and one.when is None for one in record.stated((wanted,))):
        return unknown(definition.name, Reason.UNDATED)
    missing = gap(record, analyte.arrives, (wanted,))
    return Fact(definition.name, False) if missing is None else unknown(definition.name, missing)


def _is_result(one: Statement) -> bool:
    return one.kind in ("observation", "report") and one.final and not one.problem


def _days(one: Span, other: Span, record: Record) -> int:
    first, last = (one, other) if one.end <= other.end else (other, one)
    return age_in_days(first, last.start, record.zone)[0]
