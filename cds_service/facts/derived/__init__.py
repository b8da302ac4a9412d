"""Facts that need a formula: each a named, tested function, found by its name in content.

A function takes (definition, record, side, fact_of) and returns the fact. New ones are added to
`BY_NAME`, with formula, units and source in their docstring.
"""

from collections.abc import Callable, Mapping

from cds_service.facts.derived.sample_suspect import sample_suspect
from cds_service.facts.derived.unreadable_value import unreadable_value
from cds_service.facts.measurements import FactOf
from cds_service.facts.model import Fact, Side
from cds_service.facts.record import Record
from cds_service.rulebase.definitions import DerivedFact

BY_NAME: Mapping[str, Callable[[DerivedFact, Record, Side, FactOf], Fact]] = {
    "sample-suspect": sample_suspect,
    "unreadable-value": unreadable_value,
}
