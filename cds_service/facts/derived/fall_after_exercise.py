"""How far a value of a leg fell on exercise, in percent of its value at rest.

For the ankle-brachial index: a fall of more than 20 % shows a narrowed artery that rest hides (reference
A 2.7): 1.00 at rest and 0.79 after exercise make 21 %. Compared exactly.
"""

from decimal import ROUND_DOWN, Decimal, localcontext

import msgspec

from cds_service.facts.data import nothing
from cds_service.facts.derived.computed import computed, finals
from cds_service.facts.model import LEGS, Fact, Reason, Side
from cds_service.facts.onsets import FactOf
from cds_service.facts.record import Record
from cds_service.facts.values import Value, point
from cds_service.fhir.quantity import Interval
from cds_service.rulebase.definitions import DerivedFact, Unit

_PERCENT = Unit("%", (), Decimal(1))
_PRECISION = 50
_TENTH = Decimal("0.1")


def fall_after_exercise(definition: DerivedFact, record: Record, side: Side, fact_of: FactOf) -> Fact:
    """Whether the newest value after exercise lies below the one at rest by as much as `is` says.

    `of` is what is measured after exercise, then the same at rest. The value at rest is the newest final
    one of the same leg, not later than the day of the exercise and usable as a point; both analytes have
    the same first unit. Two values of which neither names a leg are taken for one leg. For the patient
    it is true when it is true of one leg.

    Returns:
        Unknown ("not recorded") where the leg has no such value at rest.
    """
    after = record.rule_base.analytes[definition.of[0]]
    exercised = finals(after, record, side)
    if not exercised:
        return nothing(definition, record, after.arrives, (after.codes,), definition.within)
    legs = [leg for leg in ((side,) if side else LEGS) if finals(after, record, leg)]
    judged = [_of_leg(definition, record, leg, fact_of) for leg in (*legs,) or ("",)]
    true = next((one for one in judged if one.value is True), None)
    unknown = next((one for one in judged if one.value is None), None)
    return true or unknown or judged[0]


def _of_leg(definition: DerivedFact, record: Record, side: Side, fact_of: FactOf) -> Fact:
    rest = record.rule_base.analytes[definition.of[1]]
    rested = [one for one in finals(rest, record, side) if point(one) and not one.statement.suspect]

    def formula(of: Value) -> tuple[Value, tuple[Value, ...]]:
        before = next((one for one in rested if _of_one_leg(one, of, record)), None)
        low, high = point(of), point(before) if before else None
        if before is None or low is None or not high:
            problem = of.problem or Reason.NOT_RECORDED
            return msgspec.structs.replace(of, interval=None, text="", problem=problem), ()
        with localcontext() as context:
            context.prec = _PRECISION
            fall = (high - low) / high * 100
        shown = f"{fall.quantize(_TENTH, rounding=ROUND_DOWN)} %"
        return Value(of.statement, Interval(fall, fall), _PERCENT, shown), (of, before)

    return computed(definition, formula, record, side, fact_of)


def _of_one_leg(rest: Value, after: Value, record: Record) -> bool:
    """Whether both name the same leg, or neither names one, and the rest is not of a later day."""
    when, then = rest.statement.when, after.statement.when
    if when is None or then is None or rest.statement.side != after.statement.side:
        return False
    days = (one.start.astimezone(record.zone).date() for one in (when, then))
    return next(days) <= next(days)
