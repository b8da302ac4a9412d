"""Which of several ways to measure one thing speaks for today."""

from datetime import date

from cds_service.facts import windows
from cds_service.facts.model import Fact, Side
from cds_service.facts.onsets import FactOf
from cds_service.facts.record import Record
from cds_service.facts.values import Value, reading_datum, values
from cds_service.rulebase.definitions import DerivedFact


def as_new_as(definition: DerivedFact, record: Record, side: Side, _fact_of: FactOf) -> Fact:
    """Whether the newest usable value of the first analyte is of the day of, or later than, all others'.

    For a direct measurement that takes the place of a computed one (reference A 6.3: an ionised
    calcium overrides a corrected one). Only final values inside `within` that can be read and whose
    sample is not in doubt count for the first analyte; any readable value counts for the others,
    preliminary ones too.

    Returns:
        A two-valued fact: without a value of the first analyte it is false.
    """
    first, *others = (record.rule_base.analytes[name] for name in definition.of)
    window = record.rule_base.thresholds[definition.within]
    usable = [
        one
        for one in values(first, record, side, preliminary=False)
        if one.interval is not None
        and not one.statement.suspect
        and one.statement.when is not None
        and windows.within(one.statement.when, window, record.now, record.zone, whole=True)
    ]
    if not usable:
        return Fact(definition.name, False)
    rivals = [
        one
        for other in others
        for one in values(other, record, side, preliminary=True)
        if one.interval is not None
    ]
    newest = max(usable, key=lambda one: _day(one, record))
    late = all(_day(newest, record) >= _day(one, record) for one in rivals)
    return Fact(definition.name, late, data=(reading_datum(newest),) if late else ())


def _day(one: Value, record: Record) -> date:
    when = one.statement.when
    return when.start.astimezone(record.zone).date() if when is not None else date.min
