"""Facts that need a formula: each a named, tested function, found by its name in content.

A function takes (definition, record, side, fact_of) and returns the fact. New ones are added to
`BY_NAME`, with formula, units and source in their docstring.
"""

from collections.abc import Callable, Mapping

import msgspec

from cds_service.facts.derived import (
    age_limit,
    done_near,
    egfr,
    fallen_since_end,
    fresh_result,
    repeated,
    rise_within,
    times_baseline,
    weight_loss,
)
from cds_service.facts.derived import fall as course
from cds_service.facts.derived.ankle_arm_index import ankle_arm_index, ankle_arm_index_rounded
from cds_service.facts.derived.as_new_as import as_new_as
from cds_service.facts.derived.began_before import began_before
from cds_service.facts.derived.begun_within import begun_within
from cds_service.facts.derived.corrected_calcium import corrected_calcium
from cds_service.facts.derived.corrected_sodium import (
    corrected_sodium,
    corrected_sodium_katz,
    glucose_correction,
    glucose_correction_katz,
)
from cds_service.facts.derived.daily_dose import daily_dose
from cds_service.facts.derived.fall_after_exercise import fall_after_exercise
from cds_service.facts.derived.onset_times import SOON_AFTER, age_at_onset, began_soon_after
from cds_service.facts.derived.osmolarity import calculated_osmolarity
from cds_service.facts.derived.paired_value import paired_value
from cds_service.facts.derived.postural import (
    fall_from_lying,
    fall_from_sitting,
    postural_base,
    postural_rise,
)
from cds_service.facts.derived.product import product
from cds_service.facts.derived.recorded_since import recorded_since
from cds_service.facts.derived.retested import in_range, newest_result, ordered_before
from cds_service.facts.derived.sample_lipaemic import sample_lipaemic
from cds_service.facts.derived.sample_suspect import sample_suspect
from cds_service.facts.derived.side_difference import side_difference
from cds_service.facts.derived.sound_sample import sound_sample
from cds_service.facts.derived.unreadable_value import unreadable_value
from cds_service.facts.derived.urea_creatinine import urea_creatinine
from cds_service.facts.model import Fact, Side
from cds_service.facts.onsets import FactOf
from cds_service.facts.record import Record
from cds_service.rulebase.definitions import DerivedFact


class Formula(msgspec.Struct, frozen=True):
    """A function that computes a fact, and what its definition must bring.

    `of` names first so many analytes, then so many code sets, then so many facts (`more_facts`: at
    least so many); `is` so many limits as one of `limits`; `with` these parameters; `paired` and
    `windowed`: it needs `paired-within`, `within`. `personal`: it reads of the Patient (age, sex)
    besides what its definition names, and is never shared between patients. `settled`: true or false,
    never unknown.
    """

    compute: Callable[[DerivedFact, Record, Side, FactOf], Fact]
    analytes: int = 0
    sets: int = 0
    facts: int = 0
    more_facts: bool = False
    limits: tuple[int, ...] = (0,)
    parameters: frozenset[str] = frozenset()
    paired: bool = False
    windowed: bool = False
    personal: bool = False
    settled: bool = False


_SOME = (1, 2)

BY_NAME: Mapping[str, Formula] = {
    "age-limit": Formula(age_limit.age_limit, 1, parameters=age_limit.PARAMETERS, personal=True),
    "ankle-arm-index": Formula(ankle_arm_index, 2, limits=_SOME, paired=True, windowed=True),
    "ankle-arm-index-rounded": Formula(
        ankle_arm_index_rounded, 2, limits=_SOME, paired=True, windowed=True
    ),
    "age-at-onset": Formula(age_at_onset, facts=1, more_facts=True, limits=_SOME, personal=True),
    "as-new-as": Formula(as_new_as, 3, windowed=True),
    "began-before": Formula(began_before, sets=1, facts=1, more_facts=True),
    "begun-within": Formula(begun_within, sets=1, windowed=True),
    "began-soon-after": Formula(began_soon_after, facts=2, parameters=SOON_AFTER),
    "calculated-osmolarity": Formula(calculated_osmolarity, 5, limits=_SOME),
    "corrected-calcium": Formula(corrected_calcium, 3, limits=(0, 1, 2), paired=True),
    "corrected-sodium": Formula(corrected_sodium, 2, limits=_SOME, paired=True),
    "corrected-sodium-katz": Formula(corrected_sodium_katz, 2, limits=_SOME, paired=True),
    "daily-dose": Formula(daily_dose, sets=1, limits=_SOME),
    "done-near": Formula(done_near.done_near, 1, sets=1, parameters=done_near.PARAMETERS),
    "fall": Formula(course.fall, 1, limits=(1,), windowed=True),
    "egfr": Formula(
        egfr.egfr,
        2,
        facts=1,
        limits=(0, 1, 2),
        parameters=egfr.PARAMETERS,
        windowed=True,
        personal=True,
    ),
    "fall-after-exercise": Formula(fall_after_exercise, 2, limits=_SOME, windowed=True),
    "fallen-since-end": Formula(
        fallen_since_end.fallen_since_end,
        1,
        sets=1,
        limits=(1,),
        parameters=fallen_since_end.PARAMETERS,
        windowed=True,
    ),
    "fresh-result": Formula(
        fresh_result.fresh_result, 1, facts=1, parameters=fresh_result.PARAMETERS, windowed=True
    ),
    "glucose-correction": Formula(glucose_correction, 2, paired=True),
    "glucose-correction-katz": Formula(glucose_correction_katz, 2, paired=True),
    "in-range": Formula(in_range, sets=1, windowed=True),
    "newest-result": Formula(newest_result, sets=1, windowed=True),
    "ordered-before": Formula(ordered_before, sets=1, windowed=True),
    "paired-value": Formula(paired_value, 2, limits=(0, 1, 2), paired=True),
    "postural-base": Formula(postural_base, 1, limits=_SOME, paired=True),
    "postural-fall-lying": Formula(fall_from_lying, 1, limits=_SOME, paired=True),
    "postural-fall-sitting": Formula(fall_from_sitting, 1, limits=_SOME, paired=True),
    "postural-rise": Formula(postural_rise, 1, limits=_SOME, facts=1, paired=True),
    "product": Formula(product, 2, limits=_SOME, paired=True),
    "recorded-since": Formula(recorded_since, sets=1, facts=1, more_facts=True),
    "rise": Formula(course.rise, 1, limits=(1,), parameters=course.RISE_PARAMETERS, windowed=True),
    "rise-within": Formula(rise_within.rise_within, 1, parameters=rise_within.PARAMETERS),
    "sample-lipaemic": Formula(sample_lipaemic, 1),
    "sample-suspect": Formula(sample_suspect, 2, limits=(1,)),
    "side-difference": Formula(side_difference, 1, limits=(1,), windowed=True),
    "sound-sample": Formula(sound_sample, facts=2),
    "times-baseline": Formula(times_baseline.times_baseline, 1, parameters=times_baseline.PARAMETERS),
    "times-age-limit": Formula(
        age_limit.times_age_limit,
        1,
        facts=1,
        more_facts=True,
        limits=_SOME,
        parameters=age_limit.PARAMETERS,
        windowed=True,
        personal=True,
    ),
    "twice": Formula(repeated.twice, 1, limits=_SOME, parameters=repeated.PARAMETERS, windowed=True),
    "twice-upper-limit": Formula(
        repeated.twice_upper_limit,
        1,
        sets=1,
        limits=_SOME,
        parameters=repeated.WITH_EFFORT,
        windowed=True,
    ),
    "unreadable-value": Formula(unreadable_value, 1, more_facts=True, windowed=True, settled=True),
    "urea-creatinine": Formula(urea_creatinine, 3, limits=_SOME),
    "weight-loss": Formula(weight_loss.weight_loss, 1, limits=_SOME, parameters=weight_loss.PARAMETERS),
}
