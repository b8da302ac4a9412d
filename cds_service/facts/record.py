"""The record turned round: from code sets to what the record states about them.

One pass over the evidence; every coding is looked up once. Facts ask this index and never walk over
resources themselves.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime, tzinfo
from typing import Any

from cds_service.facts import answers, encounters, entries, observations, orders, samples
from cds_service.facts.encounters import Target
from cds_service.facts.statements import Statement
from cds_service.fhir import dates
from cds_service.fhir.dates import Span
from cds_service.fhir.evidence import Arrival, Evidence, Item
from cds_service.fhir.references import last_segment, type_in
from cds_service.fhir.resources import (
    AnyResource,
    CodeableConcept,
    Condition,
    Device,
    DeviceRequest,
    DiagnosticReport,
    Encounter,
    Medication,
    MedicationRequest,
    MedicationStatement,
    Observation,
    Patient,
    Procedure,
    QuestionnaireResponse,
    ServiceRequest,
)
from cds_service.rulebase.model import RuleBase


class Record:
    """What one patient's record states, by code set.

    Args:
        evidence: what arrived.
        rule_base: for its terminology.
        now: the time of the question.
        zone: the zone of dates that name none, and of calendar days.
    """

    def __init__(self, evidence: Evidence, rule_base: RuleBase, now: datetime, zone: tzinfo) -> None:
        """Read every resource once."""
        self.evidence = evidence
        self.rule_base = rule_base
        self.now = now
        self.zone = zone
        self.patient = evidence.patient or Patient()
        self.birth: Span | None = dates.parse(self.patient.birthDate, zone)
        self.death: Span | None = dates.parse(self.patient.deceasedDateTime, zone)
        self._spans: dict[str, Span | None] = {}  # a panel's results share their dates
        self._by_set: dict[str, list[Statement]] = {}
        self._worded: dict[str, list[Statement]] = {}  # what no code says, apart: few may ask for it
        self.sided: set[str] = set()  # code sets about which something with a side is stated
        # Why absence says nothing, by prefetch keys and days back: `data` remembers it here.
        self.lacking: dict[tuple[tuple[str, ...], int | None], Any] = {}
        self.remembered: dict[tuple[str, str, bool], list[Any]] = {}  # values per analyte and leg
        self.unresolved_medicine = False
        self.unrecognised_medicines: list[str] = []  # names; what they hold is not known
        self._medications: dict[str, CodeableConcept | None] = {}
        self._unreadable = {
            match.set
            for one in evidence.unread
            if one.code is not None
            for coding in one.code.coding
            for match in rule_base.terminology.matches(coding.system, coding.code)
        }
        self._reasons: set[Target] = set()  # the entries that are the reason of this encounter
        self._prepare()
        self.faulty: list[str] = []
        for arrival in evidence.delivered():
            for item in arrival.items:
                self._read(item, arrival)
        self._read_encounter_reasons()
        self.reason_not_delivered = not self._reasons <= self._delivered_targets()
        self._mark_suspect_samples()

    def stated(self, sets: Iterable[str]) -> Sequence[Statement]:
        """Everything stated about any of these code sets; false where there is nothing."""
        found = [self._by_set[name] for name in sets if name in self._by_set]
        return found[0] if len(found) == 1 else [one for each in found for one in each]

    def worded(self, sets: Iterable[str]) -> Sequence[Statement]:
        """Everything that only words state about these code sets; `stated` has none of it."""
        return [one for name in sets for one in self._worded.get(name, ())] if self._worded else ()

    @property
    def has_words(self) -> bool:
        """Whether anything is stated by words alone."""
        return bool(self._worded)

    def span(self, text: str | None) -> Span | None:
        """A FHIR date in the record's zone."""
        if text is None:
            return None
        if text not in self._spans:
            self._spans[text] = dates.parse(text, self.zone)
        return self._spans[text]

    @property
    def plain(self) -> bool:
        """Whether nothing was unreadable: what no statement is about is then as in an empty record."""
        return not (
            self.faulty or self._unreadable or self.unresolved_medicine or self.reason_not_delivered
        )

    @property
    def about(self) -> Collection[str]:
        """The code sets that something is stated about."""
        return self._by_set.keys() | self._worded.keys() if self._worded else self._by_set.keys()

    def unreadable_about(self, sets: Iterable[str]) -> bool:
        """Whether a resource that could not be read is about one of these code sets."""
        return bool(self._unreadable) and not self._unreadable.isdisjoint(sets)

    def _prepare(self) -> None:
        for arrival in self.evidence.delivered():
            for item in arrival.items:
                resource = item.resource
                if isinstance(resource, Medication):
                    names = (resource.id, item.url)
                    self._medications.update({name: resource.code for name in names if name})
        today = list(self._encounters_of_today())
        if any(encounter.reasonReference for encounter, _ in today):
            bases = encounters.bases_of(self.evidence.server, self._items())
            for encounter, _ in today:
                self._reasons.update(encounters.reasons_elsewhere(encounter, bases))

    def _items(self) -> Iterator[Item]:
        return (item for arrival in self.evidence.delivered() for item in arrival.items)

    def _encounters_of_today(self) -> Iterator[tuple[Encounter, Item]]:
        arrival = self.evidence.arrival("encounter")
        for item in arrival.items if arrival else ():
            found = item.resource
            if isinstance(found, Encounter) and encounters.is_of_today(
                found, self.evidence.encounter, self
            ):
                yield found, item

    def _delivered_targets(self) -> set[Target]:
        if not self._reasons:
            return set()
        return {target for item in self._items() for target in encounters.targets_of(item)}

    def _is_reason(self, item: Item) -> bool:
        return bool(self._reasons) and not self._reasons.isdisjoint(encounters.targets_of(item))

    def _read(self, item: Item, arrival: Arrival) -> None:
        try:
            for name, statement in self._statements(item.resource, item, arrival):
                self._add(name, statement)
        except (ValueError, TypeError, ArithmeticError, AttributeError):
            # One odd resource never takes the rest down; it is said as unreadable.
            self.faulty.append(item.ref)

    def _statements(
        self, resource: AnyResource, item: Item, arrival: Arrival
    ) -> Iterator[tuple[str, Statement]]:
        match resource:
            case Condition():
                yield from entries.of_condition(resource, item.ref, self._is_reason(item), self)
            case Observation():
                current = self._is_reason(item)
                yield from observations.of_observation(resource, item.ref, self, current=current)
            case QuestionnaireResponse():
                yield from answers.of_answers(resource, item.ref, self)
            case Procedure():
                yield from entries.of_procedure(resource, item.ref, self)
            case DiagnosticReport():
                yield from observations.of_report(resource, item.ref, self)
            case ServiceRequest():
                draft = arrival.origin == "context"
                yield from orders.of_request(resource, item.ref, self, draft=draft)
            case DeviceRequest() if arrival.origin == "context":
                yield from orders.of_device_draft(resource, item.ref, self)
            case MedicationRequest() | MedicationStatement():
                code = self._medication_code(resource)
                draft = arrival.origin == "context"
                if not draft and orders.is_taken(resource) and (code is None or not code.coding):
                    # A current medicine that names nothing: any medicine may be it.
                    self.unresolved_medicine |= resource.medicationCodeableConcept is None
                if not draft and (name := orders.unrecognised(resource, code, self)):
                    self.unrecognised_medicines.append(name)
                yield from orders.of_medication(resource, code, item.ref, self, draft=draft)
            case Device():
                yield from entries.of_device(resource, item.ref, self)
            case _:
                return

    def _medication_code(
        self, resource: MedicationRequest | MedicationStatement
    ) -> CodeableConcept | None:
        if resource.medicationCodeableConcept is not None:
            return resource.medicationCodeableConcept
        reference = resource.medicationReference
        if reference is None or not reference.reference:
            return None
        if reference.reference.startswith("#"):
            return orders.contained_medication(resource, reference.reference[1:])
        named = CodeableConcept(text=reference.display)
        if type_in(reference.reference) not in ("", "Medication"):
            return named
        found = self._medications.get(reference.reference)
        return found or self._medications.get(last_segment(reference.reference)) or named

    def _read_encounter_reasons(self) -> None:
        for encounter, item in self._encounters_of_today():
            for name, statement in encounters.of_encounter(encounter, item.ref, self):
                self._add(name, statement)

    def _add(self, name: str, statement: Statement) -> None:
        held = self._worded if statement.worded else self._by_set
        held.setdefault(name, []).append(statement)
        if statement.side is not None:
            self.sided.add(name)

    def _mark_suspect_samples(self) -> None:
        samples.mark(self._by_set, samples.Specimens(self.evidence, self.rule_base))
