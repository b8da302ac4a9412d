"""A second analyte, taken together with the newest value of a first."""

from cds_service.facts.data import nothing
from cds_service.facts.derived.computed import as_measurement, finals
from cds_service.facts.derived.pairing import partners
from cds_service.facts.measurements import judged
from cds_service.facts.model import Fact, Side
from cds_service.facts.onsets import FactOf
from cds_service.facts.record import Record
from cds_service.facts.values import newest, rank
from cds_service.rulebase.definitions import DerivedFact


def paired_value(definition: DerivedFact, record: Record, side: Side, fact_of: FactOf) -> Fact:
    """Whether the second analyte, taken with the newest value of the first, satisfies the limits.

    `paired-within` says how far apart the two may be (same sample, or so many hours). Only final values
    count, and none of a suspect sample.

    Returns:
        The definition's value for "nothing recorded" where there is no such pair.
    """
    first, second = (record.rule_base.analytes[name] for name in definition.of)
    window = record.rule_base.thresholds[definition.paired_within]
    tied = newest(finals(first, record, side))
    among = partners(second.name, record, side)
    taken = [other for one in tied if (other := among.nearest(one, window)) is not None]
    found = sorted(taken, key=lambda one: rank(one.statement), reverse=True)
    if not found:
        return nothing(
            definition, record, second.arrives, (first.codes, second.codes), definition.within
        )
    return judged(as_measurement(definition), lambda _: found, record, side, fact_of)
