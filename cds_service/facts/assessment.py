"""Evidence into a FactSet: every fact that some rule, gate or global line can ask for.

The record is read whole; a fact, a reading, the state of an order when it is first asked for.
"""

from collections.abc import Iterator, Mapping
from datetime import date, datetime, tzinfo
from functools import partial

import msgspec

from cds_service.facts import combinations, demographics, findings, measurements, studies, values
from cds_service.facts.derived import BY_NAME
from cds_service.facts.model import LEGS, Datum, Fact, FactSet, OrderState, Reason, Side
from cds_service.facts.on_demand import OnDemand, Remembered
from cds_service.facts.onsets import FactOf
from cds_service.facts.record import Record
from cds_service.facts.shared import shared_by
from cds_service.fhir.absence import Absence
from cds_service.fhir.evidence import Arrival, Evidence, Unavailable
from cds_service.rulebase.definitions import (
    AgeFact,
    AnsweredFact,
    ConditionFact,
    CountFact,
    DerivedFact,
    DoneFact,
    DraftFact,
    DurationFact,
    FindingFact,
    GroupFact,
    HookFact,
    MeasurementFact,
    MedicationFact,
    PatientFact,
    RegionFact,
    ScoreFact,
)
from cds_service.rulebase.model import RuleBase


def assess(evidence: Evidence, rule_base: RuleBase, now: datetime, zone: tzinfo, hook: str) -> FactSet:
    """Everything the rule base can ask about one patient, as plain data.

    The record is read at once. The facts, states of orders and readings of the FactSet are worked out
    when they are first asked for, and remembered; so it holds on to the record.

    A fact that raises is unknown with reason `fault`; the others are unaffected.
    """
    record = Record(evidence, rule_base, now, zone)
    reader = Reader(record, hook, _of_an_empty_record(record, hook))
    sides: dict[Side, Mapping[str, Fact]] = {"": reader.all("")}
    orders: dict[Side, Mapping[str, OrderState]] = {"": reader.orders("")}
    if _tells_legs_apart(record, sides[""]):
        for side in LEGS:
            sides[side] = reader.all(side)
            orders[side] = reader.orders(side)
    return FactSet(
        now=now,
        zone=zone,
        sides=sides,
        orders=orders,
        readings=OnDemand(rule_base.analytes, partial(_reading, record)),
        drafts=studies.drafts(record),
        undelivered=tuple(_undelivered(evidence, record)),
        age=demographics.age(record),
        unrecognised_medicines=tuple(dict.fromkeys(record.unrecognised_medicines)),
    )


class Reader:
    """Reads facts on demand and remembers them.

    Args:
        record: what is stated.
        hook: where the question comes from.
        empty: what an empty record would say; asked for every fact that nothing stated can touch.
    """

    def __init__(self, record: Record, hook: str, empty: Mapping[str, Fact] | None = None) -> None:
        """Know nothing yet."""
        self._record = record
        self._hook = hook
        self._empty = empty
        self._known: dict[Side, Remembered[Fact]] = {
            side: Remembered(partial(self._found, side=side)) for side in ("", *LEGS)
        }
        self._touched = record.rule_base.dependence.touched(record.about) | _personal(record.rule_base)

    def all(self, side: Side) -> Mapping[str, Fact]:
        """Every fact."""
        return OnDemand(self._record.rule_base.facts, self._known[side].__getitem__)

    def orders(self, side: Side) -> Mapping[str, OrderState]:
        """The state of every order."""
        known = self._record.rule_base.orders

        def state(name: str) -> OrderState:
            return studies.order_state(known[name], self._record, side, self.fact)

        return OnDemand(known, state)

    def fact(self, name: str, side: Side) -> Fact:
        """One fact; unknown with reason `fault` when it cannot be worked out."""
        return self._known[side][name]

    def _found(self, name: str, side: Side) -> Fact:
        if self._empty is not None and name not in self._touched:
            return self._empty[name]
        try:
            return self._of_legs(name, side)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
            return Fact(name, None, Reason.FAULT)

    def _of_legs(self, name: str, side: Side) -> Fact:
        """A fact as its `legs` says: of both together, of either one, or of this leg alone."""
        legs = self._record.rule_base.facts[name].legs
        if legs == "together" and side:
            return self.fact(name, "")
        found = self._read(name, side, self.fact)
        if self._record.has_words:
            found = combinations.by_words(found, lambda: self._read(name, side, self._surely))
        if legs != "either" or side or found.value is True:
            return found
        either = [self.fact(name, leg) for leg in LEGS]
        true = next((one for one in either if one.value is True), None)
        unknown = next((one for one in (found, *either) if one.value is None), None)
        return true or unknown or found

    def _surely(self, name: str, side: Side) -> Fact:
        """A fact as if what only words say were not known."""
        found = self.fact(name, side)
        return found if found.sure is found.value else Fact(name, None, Reason.ONLY_NAMED)

    def _read(self, name: str, side: Side, fact: FactOf) -> Fact:  # noqa: C901, PLR0911, PLR0912 - one line a kind
        record = self._record
        definition = record.rule_base.facts[name]
        match definition:
            case ConditionFact():
                return findings.condition(definition, record, side)
            case FindingFact():
                return findings.finding(definition, record, side, fact)
            case MeasurementFact():
                return measurements.measurement(definition, record, side, fact)
            case GroupFact():
                return combinations.group(definition, side, fact)
            case MedicationFact():
                return findings.medication(definition, record, side)
            case DoneFact():
                return studies.done(definition, record, side, fact)
            case DraftFact():
                return studies.draft(definition, record, side)
            case DurationFact():
                return combinations.duration(definition, record, side, fact)
            case CountFact():
                return combinations.count(definition, side, fact)
            case AnsweredFact():
                return combinations.answered(definition, side, fact)
            case ScoreFact():
                return combinations.score(definition, record, side, fact)
            case AgeFact():
                return demographics.age_fact(definition, record)
            case PatientFact():
                return demographics.patient_fact(definition, record)
            case HookFact():
                return demographics.hook_fact(definition, self._hook)
            case RegionFact():
                return demographics.region_fact(definition)
            case DerivedFact():
                return BY_NAME[definition.by].compute(definition, record, side, fact)


class _Personal(msgspec.Struct, frozen=True):
    """The facts that rest on a formula which reads of the Patient."""

    names: frozenset[str]


def _personal(rule_base: RuleBase) -> frozenset[str]:
    """The facts that a formula makes each patient's own, worked out once for a rule base."""
    known = rule_base.remembered.get(_Personal)
    if not isinstance(known, _Personal):
        derived = (fact for fact in rule_base.facts.values() if isinstance(fact, DerivedFact))
        own = (fact.name for fact in derived if BY_NAME[fact.by].personal)
        known = _Personal(rule_base.dependence.resting_on(own))
        rule_base.remembered[_Personal] = known
    return known.names


def _of_an_empty_record(record: Record, hook: str) -> Mapping[str, Fact] | None:
    """What an empty record would say of whose lists as much arrived; None where that cannot be shared.

    Most facts of most patients are of this kind, and the same for all of them.
    """
    if not record.plain:
        return None
    bare: dict[str, Arrival | Unavailable] = {}
    day: date | None = None  # how far absence counts depends on it where a list is limited by date
    for key, found in record.evidence.arrivals.items():
        if isinstance(found, Arrival):
            if found.back_to is not None and found.incomplete != Absence.LIMITED:
                return None  # it goes back as far as this patient's entries
            if found.back_to is not None:
                day = record.now.astimezone(record.zone).date()
            bare[key] = Arrival(key, found.origin, complete=found.complete, back_to=found.back_to)
        else:
            bare[key] = found

    def of_nothing() -> Mapping[str, Fact]:
        nothing = Record(Evidence(bare), record.rule_base, record.now, record.zone)
        return Reader(nothing, hook).all("")

    return shared_by(record.rule_base).get((hook, day, frozenset(bare.items())), of_nothing)


def _tells_legs_apart(record: Record, facts: Mapping[str, Fact]) -> bool:
    """Whether some fact rests on something of one leg, or of both by name.

    Only facts that read what has a side are asked: the others rest on theirs.
    """
    readers = record.rule_base.readers
    names = {name: None for one in record.sided for name in readers.get(one, ())}
    return any(one.side is not None for name in names for one in facts[name].data)


def _reading(record: Record, name: str) -> Datum | None:
    analyte = record.rule_base.analytes[name]
    found = values.values(analyte, record, "", preliminary=True)
    return values.reading_datum(found[0]) if found else None


def _undelivered(evidence: Evidence, record: Record) -> Iterator[tuple[str, str]]:
    """What was not delivered, not complete or not readable: (key or reference, why)."""
    for key, found in evidence.arrivals.items():
        if not isinstance(found, Arrival):
            yield key, found.reason
            continue
        if not found.complete:
            yield key, found.incomplete
        for one in found.unread:
            what = f"{one.type}/{one.id}" if one.id else f"{key}: {one.type}"
            named = f": {', '.join(one.elements)}" if one.elements else ""
            yield what, f"{Absence.UNREADABLE}{named}"
        if found.other_patient:
            yield key, f"{Absence.OTHER_PATIENT}: {found.other_patient} dropped"
    if record.patient.deceasedDateTime is not None and not demographics.has_died(record):
        yield "patient: deceasedDateTime", Absence.UNREADABLE
    if record.patient.birthDate is not None and demographics.age(record) is None:
        yield "patient: birthDate", Absence.UNREADABLE
    if record.reason_not_delivered:
        yield "encounter", Absence.REASON_NOT_DELIVERED
    for ref in record.faulty:
        yield ref, Absence.UNREADABLE
