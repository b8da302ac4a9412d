"""Facts that need a formula: each a named, tested function, found by its name in content.

A function takes (definition, record, side, fact_of) and returns the fact. New ones are added to
`BY_NAME`, with formula, units and source in their docstring.
"""

from collections.abc import Callable, Mapping

import msgspec

from cds_service.facts.derived import rise_within, times_baseline
from cds_service.facts.derived.began_before import began_before
from cds_service.facts.derived.sample_suspect import sample_suspect
from cds_service.facts.derived.side_difference import side_difference
from cds_service.facts.derived.sound_sample import sound_sample
from cds_service.facts.derived.unreadable_value import unreadable_value
from cds_service.facts.model import Fact, Side
from cds_service.facts.onsets import FactOf
from cds_service.facts.record import Record
from cds_service.rulebase.definitions import DerivedFact


class Formula(msgspec.Struct, frozen=True):
    """A function that computes a fact, and what its definition must bring.

    `of` names first so many analytes, then so many code sets, then so many facts (`more_facts`: at
    least so many); `is` so many limits; `with` these parameters.
    """

    compute: Callable[[DerivedFact, Record, Side, FactOf], Fact]
    analytes: int = 0
    sets: int = 0
    facts: int = 0
    more_facts: bool = False
    limits: int = 0
    parameters: frozenset[str] = frozenset()


BY_NAME: Mapping[str, Formula] = {
    "began-before": Formula(began_before, sets=1, facts=1, more_facts=True),
    "rise-within": Formula(rise_within.rise_within, analytes=1, parameters=rise_within.PARAMETERS),
    "sample-suspect": Formula(sample_suspect, analytes=2, limits=1),
    "side-difference": Formula(side_difference, analytes=1, limits=2),
    "sound-sample": Formula(sound_sample, facts=2),
    "times-baseline": Formula(
        times_baseline.times_baseline, analytes=1, parameters=times_baseline.PARAMETERS
    ),
    "unreadable-value": Formula(unreadable_value, analytes=1, limits=1),
}
