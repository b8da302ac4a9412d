"""Does the newest value come from a lipaemic sample?"""

from cds_service.facts.data import nothing
from cds_service.facts.derived.computed import finals
from cds_service.facts.model import LIPAEMIC, Fact, Side
from cds_service.facts.onsets import FactOf
from cds_service.facts.record import Record
from cds_service.facts.values import reading_datum
from cds_service.rulebase.definitions import DerivedFact


def sample_lipaemic(definition: DerivedFact, record: Record, side: Side, _fact_of: FactOf) -> Fact:
    """Whether the laboratory called the sample of the newest final value lipaemic (reference A 6.1)."""
    analyte = record.rule_base.analytes[definition.of[0]]
    found = finals(analyte, record, side)
    if not found:
        return nothing(definition, record, analyte.arrives, (analyte.codes,))
    return Fact(definition.name, LIPAEMIC in found[0].statement.notes, data=(reading_datum(found[0]),))
