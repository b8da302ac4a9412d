"""Does the newest value come from a lipaemic sample?"""

from cds_service.facts.data import nothing
from cds_service.facts.derived.computed import finals
from cds_service.facts.model import LIPAEMIC, Fact, Side
from cds_service.facts.onsets import FactOf
from cds_service.facts.record import Record
from cds_service.facts.values import newest, reading_datum
from cds_service.rulebase.definitions import DerivedFact


def sample_lipaemic(definition: DerivedFact, record: Record, side: Side, _fact_of: FactOf) -> Fact:
    """Whether the laboratory called the sample of the newest final value lipaemic (reference A 6.1).

    Of several newest values at one time, one lipaemic sample is enough.
    """
    analyte = record.rule_base.analytes[definition.of[0]]
    found = finals(analyte, record, side)
    if not found:
        return nothing(definition, record, analyte.arrives, (analyte.codes,))
    tied = newest(found)
    told = next((one for one in tied if LIPAEMIC in one.statement.notes), None)
    return Fact(definition.name, told is not None, data=(reading_datum(told or tied[0]),))
