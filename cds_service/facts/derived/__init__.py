"""Facts that need a formula: each a named, tested function, found by its name in content.

A function takes (definition, record, side, fact_of) and returns the fact. New ones are added to
`BY_NAME`, with formula, units and source in their docstring.
"""

from collections.abc import Callable, Mapping

import msgspec

from cds_service.facts.derived.fall import fall
from cds_service.facts.derived.sample_suspect import sample_suspect
from cds_service.facts.derived.side_difference import side_difference
from cds_service.facts.derived.unreadable_value import unreadable_value
from cds_service.facts.measurements import FactOf
from cds_service.facts.model import Fact, Side
from cds_service.facts.record import Record
from cds_service.rulebase.definitions import DerivedFact


class Formula(msgspec.Struct, frozen=True):
    """A function that computes a fact, and what its definition must bring."""

    compute: Callable[[DerivedFact, Record, Side, FactOf], Fact]
    analytes: int
    limits: int


BY_NAME: Mapping[str, Formula] = {
    "fall": Formula(fall, analytes=1, limits=2),
    "sample-suspect": Formula(sample_suspect, analytes=2, limits=1),
    "side-difference": Formula(side_difference, analytes=1, limits=2),
    "unreadable-value": Formula(unreadable_value, analytes=1, limits=1),
}
