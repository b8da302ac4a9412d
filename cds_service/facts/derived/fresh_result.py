"""Is there a result of an analyte that may still be relied on?"""

import msgspec

from cds_service.facts.derived.computed import as_measurement, finals
from cds_service.facts.measurements import judged
from cds_service.facts.model import SAMPLE_UNSEEN, Fact, Side
from cds_service.facts.onsets import FactOf
from cds_service.facts.record import Record
from cds_service.facts.values import Value
from cds_service.rulebase.definitions import DerivedFact

PARAMETERS = frozenset({"within-changing"})


def fresh_result(definition: DerivedFact, record: Record, side: Side, fact_of: FactOf) -> Fact:
    """Whether the newest usable value of the analyte is inside the window that is in force.

    `of` is the analyte and a fact; while the fact is true the window is `within-changing`, else
    `within`. `shorter` shortens it further and asks for a value later than the beginning of its fact
    (reference A 3.5 ELY-01: 2 days after an acute loss, 7 after a change, else 30). Only final values
    count that can be read and whose sample nobody called spoilt.

    Returns:
        True, or unknown with the reason (not recorded, too old with the value); false where the content
        says that nothing recorded is absent and the list of results arrived whole.
    """
    analyte = record.rule_base.analytes[definition.of[0]]
    found = [one for one in finals(analyte, record, side) if _is_usable(one)]
    changing = fact_of(definition.of[1], side).value is True
    window = definition.parameters["within-changing"] if changing else definition.within
    # Without limits this asks only for a value inside its window.
    asked = msgspec.structs.replace(as_measurement(definition), within=window, clears_within=window)
    return judged(asked, lambda _: found, record, side, fact_of)


def _is_usable(one: Value) -> bool:
    return one.interval is not None and (
        not one.statement.suspect or SAMPLE_UNSEEN in one.statement.notes
    )
