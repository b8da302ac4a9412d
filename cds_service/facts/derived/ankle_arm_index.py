"""The ankle-brachial index of a leg, computed where only the pressures are on record.

The higher of the ankle pressures of the leg at one time, divided by the highest arm pressure taken with
it (reference A 6.6, the guideline's way): 84 mm[Hg] at the ankle and 140 at the arm make 0.60. Compared
exactly, or half up to two decimals as a reported index is (reference A 2.7); limits that block are
compared exactly (reconciliation 5 #9).
"""

from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal, localcontext

import msgspec

from cds_service.facts.data import nothing
from cds_service.facts.derived.computed import computed, finals
from cds_service.facts.derived.pairing import length
from cds_service.facts.model import LEGS, Fact, Reason, Side
from cds_service.facts.onsets import FactOf
from cds_service.facts.record import Record
from cds_service.facts.values import Value, point
from cds_service.fhir.quantity import Interval
from cds_service.rulebase.definitions import DerivedFact, Unit

_INDEX = Unit("1", (), Decimal(1))
_PRECISION = 50
_HUNDREDTH, _THOUSANDTH = Decimal("0.01"), Decimal("0.001")


def ankle_arm_index(definition: DerivedFact, record: Record, side: Side, fact_of: FactOf) -> Fact:
    """Whether the index computed for the newest ankle pressure of a leg satisfies the limits.

    `of` is the ankle pressure and the systolic pressure of the arm; `paired-within` says how far apart
    they may be. Only final point values with a clock time, or of one Observation, are paired. For the
    patient it is true when it is true of one leg: the limits are those of danger. A leg whose pressure
    nobody took says nothing.

    Returns:
        Unknown ("not recorded") where no arm pressure was taken with the ankle pressure.
    """
    return _of_legs(definition, record, side, fact_of, rounded=False)


def ankle_arm_index_rounded(
    definition: DerivedFact, record: Record, side: Side, fact_of: FactOf
) -> Fact:
    """Whether the same index, half up to two decimals, satisfies the limits."""
    return _of_legs(definition, record, side, fact_of, rounded=True)


def _of_legs(
    definition: DerivedFact, record: Record, side: Side, fact_of: FactOf, *, rounded: bool
) -> Fact:
    ankle = record.rule_base.analytes[definition.of[0]]
    legs = [leg for leg in ((side,) if side else LEGS) if finals(ankle, record, leg)]
    if not legs:
        return nothing(definition, record, ankle.arrives, (ankle.codes,), definition.within)
    judged = [_of_leg(definition, record, leg, fact_of, rounded=rounded) for leg in legs]
    true = next((one for one in judged if one.value is True), None)
    unknown = next((one for one in judged if one.value is None), None)
    return true or unknown or judged[0]


def _of_leg(
    definition: DerivedFact, record: Record, side: Side, fact_of: FactOf, *, rounded: bool
) -> Fact:
    ankle, arm = (record.rule_base.analytes[name] for name in definition.of)
    ankles = finals(ankle, record, side)
    arms = [one for one in finals(arm, record, "") if _usable(one)]

    def formula(of: Value) -> tuple[Value, tuple[Value, ...]]:
        higher = _highest([one for one in ankles if one.statement.when == of.statement.when])
        taken = _highest([one for one in arms if _together(of, one, definition, record)])
        if higher is None or taken is None:
            return msgspec.structs.replace(
                of, interval=None, text="", problem=of.problem or Reason.NOT_RECORDED
            ), ()
        index = quotient(higher, taken, rounded=rounded)
        cut = index.quantize(_HUNDREDTH if rounded else _THOUSANDTH, rounding=ROUND_DOWN)
        return Value(of.statement, Interval(index, index), _INDEX, str(cut)), (higher, taken)

    return computed(definition, formula, record, side, fact_of)


def quotient(ankle: Value, arm: Value, *, rounded: bool) -> Decimal:
    """Ankle over arm, both in the analytes' first unit; half up to two decimals if `rounded`."""
    above, below = point(ankle), point(arm)
    assert above is not None
    assert below
    with localcontext() as context:
        context.prec = _PRECISION
        found = above / below
        return found.quantize(_HUNDREDTH, rounding=ROUND_HALF_UP) if rounded else found


def _usable(one: Value) -> bool:
    return bool(point(one)) and not one.statement.suspect


def _highest(found: list[Value]) -> Value | None:
    readable = [one for one in found if _usable(one)]
    return max(readable, key=lambda one: point(one) or Decimal(0), default=None)


def _together(ankle: Value, arm: Value, definition: DerivedFact, record: Record) -> bool:
    if ankle.statement.ref == arm.statement.ref:
        return True
    when, then = ankle.statement.when, arm.statement.when
    if when is None or then is None or not when.precise or not then.precise:
        return False  # a date without a clock time may be any time of its day
    return abs(when.start - then.start) <= length(record.rule_base.thresholds[definition.paired_within])
