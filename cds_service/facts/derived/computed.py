"""A measurement on computed values: each reported value is replaced by what a formula makes of it.

Windows, preliminary results, samples and ties are those of a plain measurement, so that a corrected
value is as fresh as the value that was corrected.
"""

from collections.abc import Callable, Iterable

import msgspec

from cds_service.facts import windows
from cds_service.facts.measurements import judged
from cds_service.facts.model import Datum, Fact, Side
from cds_service.facts.onsets import FactOf
from cds_service.facts.record import Record
from cds_service.facts.values import Value, newest, reading_datum, values
from cds_service.rulebase.definitions import Analyte, DerivedFact, MeasurementFact, Threshold

Computation = Callable[[Value], tuple[Value, tuple[Value, ...]]]


def as_measurement(definition: DerivedFact) -> MeasurementFact:
    """The limits and windows of a derived fact, as those of a measurement of its first analyte."""
    return MeasurementFact(
        name=definition.name,
        label=definition.label,
        source=definition.source,
        nothing_recorded=definition.nothing_recorded,
        of=definition.of[0],
        limits=definition.limits,
        times=definition.times,
        without_range=definition.without_range,
        within=definition.within,
        clears_within=definition.within,
        older_than=definition.older_than,
        shorter_while=definition.shorter_while,
        shorter_within=definition.shorter_within,
        preliminary=definition.preliminary,
    )


def computed(
    definition: DerivedFact,
    formula: Computation,
    record: Record,
    side: Side,
    fact_of: FactOf,
) -> Fact:
    """Whether the computed value satisfies the limits.

    Args:
        definition: its first analyte is the one that is replaced.
        formula: a reported value into the computed one, and the other values that went into it.
        record: what is on record.
        side: the leg asked about.
        fact_of: the other facts.

    Returns:
        The fact, resting on the reported value and on the others that went into the formula.
    """
    analyte = record.rule_base.analytes[definition.of[0]]
    parts: dict[tuple[str, str], tuple[Value, ...]] = {}

    def found(preliminary: bool) -> list[Value]:
        made = []
        for one in _that_count(values(analyte, record, side, preliminary=preliminary)):
            value, used = formula(one)
            parts[one.statement.ref, value.text] = used
            made.append(value)
        return made

    fact = judged(as_measurement(definition), found, record, side, fact_of)
    return with_parts(fact, parts.get((fact.data[0].ref, fact.data[0].text), ()) if fact.data else ())


def _that_count(found: list[Value]) -> list[Value]:
    """The newest value, every other that may be as new, and the one before: the rest decides nothing."""
    if not found:
        return []
    tied = newest(found)
    before = next((one for one in found[1:] if one.problem is None), None)
    return tied if before is None or any(before is one for one in tied) else [*tied, before]


def with_parts(fact: Fact, used: Iterable[Value]) -> Fact:
    """The fact with the data of further values that it rests on."""
    more: tuple[Datum, ...] = tuple(reading_datum(one) for one in used)
    return msgspec.structs.replace(fact, data=(*fact.data, *more)) if more else fact


def finals(analyte: Analyte, record: Record, side: Side) -> list[Value]:
    """The final values of an analyte, newest first: a preliminary one settles nothing."""
    return values(analyte, record, side, preliminary=False)


def finals_within(analyte: Analyte, window: Threshold, record: Record, side: Side) -> list[Value]:
    """The final values that may lie in a window, newest first: a day may if any part of it does."""
    return [
        one
        for one in finals(analyte, record, side)
        if one.statement.when is not None
        and windows.within(one.statement.when, window, record.now, record.zone, whole=False)
    ]
