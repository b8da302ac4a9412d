"""Facts that need a formula: each a named, tested function, found by its name in content.

A function takes (definition, record, side, fact_of) and returns the fact. New ones are added to
`BY_NAME`, with formula, units and source in their docstring.
"""

from collections.abc import Callable, Mapping

import msgspec

from cds_service.facts.derived.corrected_sodium import (
    corrected_sodium,
    corrected_sodium_katz,
    glucose_correction,
    glucose_correction_katz,
)
from cds_service.facts.derived.kidney_injury import creatinine_ratio, creatinine_rise
from cds_service.facts.derived.osmolarity import calculated_osmolarity
from cds_service.facts.derived.paired_value import paired_value
from cds_service.facts.derived.postural import (
    fall_from_lying,
    fall_from_sitting,
    postural_base,
    postural_rise,
)
from cds_service.facts.derived.sample_lipaemic import sample_lipaemic
from cds_service.facts.derived.sample_suspect import sample_suspect
from cds_service.facts.derived.side_difference import side_difference
from cds_service.facts.derived.unreadable_value import unreadable_value
from cds_service.facts.derived.urea_creatinine import urea_creatinine
from cds_service.facts.derived.weight_loss import weight_loss
from cds_service.facts.measurements import FactOf
from cds_service.facts.model import Fact, Side
from cds_service.facts.record import Record
from cds_service.rulebase.definitions import DerivedFact


class Formula(msgspec.Struct, frozen=True):
    """A function that computes a fact, and what its definition must bring.

    `analytes` and `facts`: how many of each `of` names, in this order; `limits`: how many `is` may
    have; `paired`: whether it needs `paired-within`.
    """

    compute: Callable[[DerivedFact, Record, Side, FactOf], Fact]
    analytes: int
    limits: tuple[int, ...]
    facts: int = 0
    paired: bool = False


_ONE, _NONE, _SOME = (1,), (0,), (1, 2)

BY_NAME: Mapping[str, Formula] = {
    "sample-suspect": Formula(sample_suspect, 2, _ONE),
    "sample-lipaemic": Formula(sample_lipaemic, 1, _NONE),
    "side-difference": Formula(side_difference, 1, (2,)),
    "unreadable-value": Formula(unreadable_value, 1, _ONE),
    "paired-value": Formula(paired_value, 2, (0, 1, 2), paired=True),
    "corrected-sodium": Formula(corrected_sodium, 2, _SOME, paired=True),
    "corrected-sodium-katz": Formula(corrected_sodium_katz, 2, _SOME, paired=True),
    "glucose-correction": Formula(glucose_correction, 2, _NONE, paired=True),
    "glucose-correction-katz": Formula(glucose_correction_katz, 2, _NONE, paired=True),
    "calculated-osmolarity": Formula(calculated_osmolarity, 5, _SOME),
    "urea-creatinine": Formula(urea_creatinine, 3, _SOME),
    "creatinine-ratio": Formula(creatinine_ratio, 1, _SOME),
    "creatinine-rise": Formula(creatinine_rise, 1, _SOME),
    "postural-fall-lying": Formula(fall_from_lying, 1, _SOME, paired=True),
    "postural-fall-sitting": Formula(fall_from_sitting, 1, _SOME, paired=True),
    "postural-rise": Formula(postural_rise, 1, _SOME, facts=1, paired=True),
    "postural-base": Formula(postural_base, 1, _SOME, paired=True),
    "weight-loss": Formula(weight_loss, 1, _SOME),
}
