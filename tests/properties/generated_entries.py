"""Entries of a record that ought to make a fact true, or false: one method for each kind of fact.

Often at the edge of a window or limit. What ought to be so is an aim: no test takes it for the answer.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal, localcontext
from random import Random
from typing import Any

from cds_service import content, fitness
from cds_service.fhir.quantity import Interval, compare
from cds_service.rulebase import definitions as kinds
from cds_service.rulebase.concepts import Concept
from cds_service.rulebase.criteria import facts_in
from cds_service.rulebase.definitions import Analyte, Limit, Unit
from cds_service.rulebase.model import RuleBase

BASE: RuleBase = fitness.load(content.texts(content.folder("cards")))
NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
PATIENT = "p"
# A request outside any encounter: the encounter's reasons are read like conditions.
LISTS = tuple(
    key for key in next(iter(BASE.services.values())).prefetch if key not in ("patient", "encounter")
)
UCUM = "http://unitsofmeasure.org"
LOCAL = BASE.systems["local"][0]
_SITES = [
    place
    for name in sorted({one.needs_site for known in BASE.code_sets.values() for one in known.concepts})
    if name
    for place in BASE.code_sets[name].concepts
]
_LONGEST_AGO = 40000  # days: a window that stands for "ever" reaches back a century
Json = dict[str, Any]
Entry = tuple[str, Json]  # prefetch key, resource


def at(days: int, clock: str = "") -> str:
    """The date so many days ago, with this clock time and zone."""
    return (NOW - timedelta(days=days)).date().isoformat() + clock


def born(years: int) -> str:
    """A birth date well away from the birthday: moving it by days leaves the age."""
    return f"{NOW.year - years}-05-05"


def native(threshold: str, analyte: Analyte, unit: Unit) -> Decimal:
    """A limit in a unit: its own value there, else converted."""
    values = BASE.thresholds[threshold].values
    found = values.get(unit.code, values.get(unit.same_as))
    if found is not None:
        return found
    with localcontext() as exact:
        exact.prec = 15
        return values[analyte.unit] / unit.factor + unit.zero


def around(limit: Decimal) -> list[Decimal]:
    """A limit, and what lies close and further to either side of it."""
    steps = [Decimal(text) for text in ("0.7", "0.9", "0.99", "1", "1.01", "1.1", "1.4")]
    return [(limit * step).quantize(Decimal("0.0001")).normalize() for step in steps]


def meets(limit: Limit, value: Decimal, threshold: Decimal) -> bool:
    return compare(Interval(value, value), limit.how, threshold) is True


def quantity(chance: Random, value: Decimal, unit: Unit) -> Json:
    """A Quantity as EHRs write it: UCUM code and unit, or the written unit alone."""
    number = Decimal(format(value, "f"))
    if unit.code == "1" and chance.random() < 0.5:
        return {"value": number}
    if chance.random() < 0.3:
        return {"value": number, "unit": chance.choice([unit.code, *unit.spellings])}
    return {"value": number, "unit": unit.code, "system": UCUM, "code": unit.code}


class Maker:
    """Makes the entries of one patient, each with an id of its own."""

    def __init__(self, chance: Random) -> None:
        self.chance = chance
        self.onset: int | None = None  # days ago that complaints began, where a duration is aimed at
        self.person: Json = {"resourceType": "Patient", "id": PATIENT, "birthDate": born(60)}
        self.ages: list[tuple[kinds.AgeFact, bool]] = []
        self.hook = ""
        self.made: list[Entry] = []
        self.drafts: list[Json] = []

    def make(self, name: str, want: bool) -> None:
        """Add the entry that ought to give this fact this value; for some a false one is nothing."""
        definition = BASE.facts[name]
        _MAKERS[type(definition)](self, definition, want)

    def began(self, definition: kinds.DurationFact, want: bool) -> None:
        """Let what begins from now on have begun as long ago as a duration wants it."""
        limits = [(one, BASE.thresholds[one.threshold].single()) for one in definition.limits]
        near = [int(size) + more for _, size in limits for more in (-3, -1, 0, 1, 20)]
        fitting = [
            days
            for days in near
            if days >= 0 and all(meets(one, Decimal(days), size) for one, size in limits) is want
        ]
        self.onset = self.chance.choice(fitting) if fitting else None

    def add(self, key: str, kind: str, **fields: Any) -> None:
        resource = {"resourceType": kind, "id": f"e{len(self.made) + len(self.drafts)}", **fields}
        resource["patient" if kind == "Device" else "subject"] = {"reference": f"Patient/{PATIENT}"}
        if key == "draftOrders":
            self.drafts.append(resource)
        else:
            self.made.append((key, resource))

    def coded(self, sets: Iterable[str]) -> tuple[Concept, Json]:
        """A member of a code set, and the concept that an entry would say it with."""
        concept = self.chance.choice([one for name in sets for one in BASE.code_sets[name].concepts])
        longer = self.chance.choice(["", "", "1"]) if concept.prefix else ""
        names = next((uris for uris in BASE.systems.values() if concept.system in uris), ())
        system = self.chance.choice([concept.system, *names])
        return concept, {"coding": [{"system": system, "code": concept.code + longer}]}

    def site(self, concept: Concept) -> list[Json]:
        places = BASE.code_sets[concept.needs_site].concepts if concept.needs_site else _SITES
        if not places or (not concept.needs_site and self.chance.random() < 0.6):
            return []
        place = self.chance.choice(places)
        return [{"coding": [{"system": place.system, "code": place.code}]}]

    def when(self, window: str, *, inside: bool = True, least: int = 0) -> str:
        """A date inside a window (or well out of it), often at its edge; the form varies."""
        known = BASE.thresholds[window] if window else None
        if known is not None and known.unit == "h":
            hours = int(known.single())
            ago = timedelta(
                hours=self.chance.choice([0, 1, hours - 1, hours] if inside else [hours + 1])
            )
            return (NOW - ago).isoformat()
        size = int(known.single()) if known else 400
        near = [one for one in (0, 1, 3, least, least + 1, size - 1, size) if least <= one <= size]
        missed = not inside or self.chance.random() < 0.05  # the day after the last
        days = self.chance.choice([size + 1, size + 40] if missed else near or [least])
        return at(min(days, _LONGEST_AGO), self.chance.choice(["T08:00:00Z", "T09:30:00+01:00", "", ""]))

    # one method a kind
    def age(self, definition: kinds.AgeFact, want: bool) -> None:
        def holds(years: int, fact: kinds.AgeFact) -> bool:
            return all(
                meets(one, Decimal(years), BASE.thresholds[one.threshold].single())
                for one in fact.limits
            )

        self.ages.append((definition, want))  # one birth date for all that is wanted of the age
        fitting = [
            years for years in range(100) if all(holds(years, fact) is so for fact, so in self.ages)
        ]
        if fitting:
            self.person["birthDate"] = born(self.chance.choice([*fitting[:1], *fitting[-1:], *fitting]))

    def patient(self, definition: kinds.PatientFact, want: bool) -> None:
        if definition.attribute == "deceased":
            self.person |= {"deceasedBoolean": True} if want else {}
        else:
            other = "male" if definition.attribute == "female" else "female"
            self.person["gender"] = definition.attribute if want else other

    def hooked(self, definition: kinds.HookFact, want: bool) -> None:
        if want:
            self.hook = self.chance.choice(definition.hooks)

    def condition(self, definition: kinds.ConditionFact, want: bool) -> None:
        keys = [one for one in definition.arrives if one in LISTS]
        if not keys:
            return  # only an encounter says it, and this is outside any
        key = self.chance.choice(keys)
        if definition.ever and not want:
            return  # resolved would count as well
        concept, code = self.coded(definition.sets)
        lasting = int(BASE.thresholds[definition.lasting].single()) if definition.lasting else 0
        began = self.when(definition.within, least=lasting)
        if self.onset is not None:
            began = at(self.onset, "")
        kind = {"procedures": "Procedure", "devices": "Device", "serviceRequests": "ServiceRequest"}.get(
            key
        )
        if kind == "Device":
            self.add(key, kind, status="active" if want else "inactive", type=code)
        elif kind == "ServiceRequest":
            self.add(key, kind, status="active" if want else "revoked", intent="order", code=code)
        elif kind == "Procedure":
            status = "completed" if want else "not-done"
            self.add(key, kind, status=status, code=code, performedDateTime=began)
        else:
            self._condition(concept, code, began, want)

    def _condition(self, concept: Concept, code: Json, began: str, want: bool) -> None:
        status = self.chance.choice(["active", "recurrence"] if want else ["resolved", "inactive"])
        dated = self.chance.choice([{"onsetDateTime": began}, {"recordedDate": began}])
        if self.onset is not None:
            dated = {"onsetDateTime": began}
        site = self.site(concept)
        self.add(
            "conditions",
            "Condition",
            clinicalStatus={"coding": [{"code": status}]},
            code=code,
            **dated,
            **({"bodySite": site} if site else {}),
        )

    def finding(self, definition: kinds.FindingFact, want: bool) -> None:
        concept, code = self.coded(definition.sets)
        when = self.when(definition.within)
        if want and not definition.answers and (self.onset is not None or self.chance.random() < 0.3):
            began = when if self.onset is None else at(self.onset, "")
            self._condition(concept, code, began, True)
            return
        local = BASE.local_codes.get(concept.code)
        denials = definition.denials or (local.values if local else ())
        denials = tuple(one for one in denials if one not in definition.answers)
        answers = definition.answers if want else denials
        if definition.answers and not answers:
            return
        said: Json = {"valueBoolean": want}
        if answers:
            word = self.chance.choice(answers)
            said = {"valueCodeableConcept": {"coding": [{"system": LOCAL, "code": word}]}}
        if concept.system == LOCAL and not answers and self.chance.random() < 0.5:
            item = {"linkId": concept.code, "answer": [{"valueBoolean": want}]}
            self.add(
                "questionnaireResponses",
                "QuestionnaireResponse",
                status="completed",
                authored=when,
                item=[item],
            )
            return
        self._observation("findings", concept, code, when, said)

    def _observation(self, key: str, concept: Concept, code: Json, when: str, said: Json) -> None:
        site = self.site(concept)
        dated = self.chance.choice(["effectiveDateTime"] * 4 + ["issued"])
        timed: Json = (
            {dated: when} if self.chance.random() < 0.8 else {"effectivePeriod": {"start": when}}
        )
        placed = {"bodySite": site[0]} if site else {}
        self.add(key, "Observation", status="final", code=code, **timed, **said, **placed)

    def measurement(self, definition: kinds.MeasurementFact, want: bool) -> None:
        analyte = BASE.analytes[definition.of]
        unit = self.chance.choice(list(analyte.units.values()))
        concept, code = self.coded((analyte.codes,))
        own = Decimal(200) / unit.factor  # the laboratory's own limit, where multiples of it count
        limits = [
            (one, BASE.thresholds[one.threshold].single() * own)
            if definition.times
            else (one, native(one.threshold, analyte, unit))
            for one in definition.limits
        ]
        near = [value for _, limit in limits for value in around(limit)]
        fitting = [
            value for value in near if all(meets(one, value, limit) for one, limit in limits) is want
        ]
        value = self.chance.choice(fitting or near)
        when = self.when(definition.within, inside=not definition.older_than or not want)
        measured = quantity(self.chance, value, unit)
        said: Json = {"valueQuantity": measured}
        if definition.times:
            said["referenceRange"] = [{"high": {**measured, "value": own.quantize(Decimal("0.0001"))}}]
        self._observation(self.chance.choice(analyte.arrives), concept, code, when, said)

    def done(self, definition: kinds.DoneFact, want: bool) -> None:
        concept, code = self.coded(definition.sets)
        when = self.when(definition.within, inside=want)
        match self.chance.choice(["Observation", "DiagnosticReport", "Procedure"]):
            case "Observation":
                said = {"valueString": "done"}  # a value in a unit of its own would be no result
                self._observation("findings", concept, code, when, said)
            case "DiagnosticReport":
                self.add(
                    "diagnosticReports",
                    "DiagnosticReport",
                    status="final",
                    code=code,
                    effectiveDateTime=when,
                )
            case _:
                self.add(
                    "procedures", "Procedure", status="completed", code=code, performedDateTime=when
                )

    def draft(self, definition: kinds.DraftFact, want: bool) -> None:
        if not want:
            return
        _, code = self.coded(definition.sets)
        if definition.route == "mouth":
            self.add(
                "draftOrders",
                "MedicationRequest",
                status="draft",
                intent="order",
                medicationCodeableConcept=code,
                dosageInstruction=[{"route": {"text": "oral"}}],
            )
        else:
            self.add("draftOrders", "ServiceRequest", status="draft", intent="order", code=code)

    def medication(self, definition: kinds.MedicationFact, want: bool) -> None:
        _, code = self.coded(definition.sets)
        status = "active" if want else self.chance.choice(["stopped", "cancelled"])
        if self.chance.random() < 0.3:
            self.add(
                "medicationStatements",
                "MedicationStatement",
                status=status,
                medicationCodeableConcept=code,
                effectiveDateTime=self.when(""),
            )
        else:
            self.add(
                "medicationRequests",
                "MedicationRequest",
                status=status,
                intent="order",
                medicationCodeableConcept=code,
                authoredOn=self.when(""),
            )

    def duration(self, definition: kinds.DurationFact, want: bool) -> None:
        """Nothing of its own: `aims` has what began, and the maker how long ago."""

    def derived(self, definition: kinds.DerivedFact, want: bool) -> None:
        from tests.properties import generated_computed  # noqa: PLC0415 - it is built from a Maker

        generated_computed.make(self, definition, want)

    def doubtful(self, definition: kinds.DerivedFact) -> None:
        """Add a value of the first analyte that cannot be read, or from a spoilt sample."""
        analyte = BASE.analytes[definition.of[0]]
        concept, code = self.coded((analyte.codes,))
        low, high = analyte.plausible
        unit = analyte.units[analyte.unit]
        if definition.by == "unreadable-value":
            said: Json = {
                "valueQuantity": self.chance.choice([{"value": 3}, {"value": 3, "unit": "odd"}])
            }
        else:
            between = [low, (low + high) / 2, (low * 3 + high) / 4, high]
            value = self.chance.choice(between)
            said = {
                "valueQuantity": quantity(self.chance, value, unit),
                "note": [{"text": self.chance.choice(["haemolysed", "lipaemic", "drip arm"])}],
            }
        self._observation(analyte.arrives[0], concept, code, self.when(definition.within), said)

    def bottom(self, name: str, want: bool) -> None:
        """Add what makes a fact so that may be composed of others: any one of those at its bottom."""
        definition = BASE.facts[name]
        while isinstance(definition, kinds.GroupFact | kinds.DurationFact | kinds.CountFact):
            named = (
                list(facts_in(definition.when))
                if isinstance(definition, kinds.GroupFact)
                else list(definition.of)
            )
            definition = BASE.facts[self.chance.choice(named)]
        if type(definition) in _MAKERS:
            self.make(definition.name, want)

    @staticmethod
    def meets(limit: Limit, value: Decimal, threshold: Decimal) -> bool:
        """Whether a value satisfies a limit."""
        return meets(limit, value, threshold)

    @staticmethod
    def sites() -> list[Concept]:
        """Every body site that some code needs."""
        return _SITES

    @staticmethod
    def is_elsewhere(concept: Concept) -> bool:
        """Whether a code counts only with a body site."""
        return bool(concept.needs_site)


_MAKERS: Mapping[type, Callable[[Maker, Any, bool], None]] = {
    kinds.AgeFact: Maker.age,
    kinds.PatientFact: Maker.patient,
    kinds.HookFact: Maker.hooked,
    kinds.RegionFact: lambda *_: None,  # a setting of the service, no entry
    kinds.ConditionFact: Maker.condition,
    kinds.FindingFact: Maker.finding,
    kinds.MeasurementFact: Maker.measurement,
    kinds.DoneFact: Maker.done,
    kinds.DraftFact: Maker.draft,
    kinds.MedicationFact: Maker.medication,
    kinds.DurationFact: Maker.duration,
    kinds.DerivedFact: Maker.derived,
}
