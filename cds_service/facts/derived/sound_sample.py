"""A true value, unless its sample is in doubt: then it is open."""

from cds_service.facts.data import unknown
from cds_service.facts.model import Fact, Reason, Side
from cds_service.facts.onsets import FactOf
from cds_service.facts.record import Record
from cds_service.rulebase.definitions import DerivedFact


def sound_sample(definition: DerivedFact, _record: Record, side: Side, fact_of: FactOf) -> Fact:
    """The first fact, except that it is unknown while it is true and the second fact is.

    For a limit that a doubtful sample can neither reach nor rule out (reconciliation 1, Potassium
    critical: a haemolysed 6.0 to 6.4 is unknown).
    """
    value, doubtful = (fact_of(name, side) for name in definition.of)
    if value.value is not True:
        return Fact(definition.name, value.value, value.reason, value.data)
    if doubtful.value is False:
        return Fact(definition.name, True, data=value.data)
    return unknown(definition.name, Reason.SUSPECT_SAMPLE, value.data)
