"""The rule base as frozen values: what each content file means once it has been read.

Every class mirrors one kind of entry in `cards/`; `loader` builds them, `checks` has made sure that
every name in them resolves.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Literal

import msgspec

from cds_service.fhir.quantity import Comparison
from cds_service.hooks.service import Service
from cds_service.rulebase.concepts import CodeSet, Concept, Sidedness
from cds_service.rulebase.criteria import Criterion
from cds_service.rulebase.terminology import Terminology

__all__ = ["CodeSet", "Concept", "Service", "Sidedness"]

Indicator = Literal["info", "warning", "critical"]
Status = Literal["draft", "in-review", "active", "retired"]
SEVERITY: Mapping[str, int] = {"info": 0, "warning": 1, "critical": 2}


class Coded(msgspec.Struct, frozen=True):
    """A coding as content names it: full system URI, code, display."""

    system: str
    code: str
    display: str


# --- terminology ---------------------------------------------------------------------------------


class LocalCode(msgspec.Struct, frozen=True):
    """A finding for which no verified standard code exists, in the project's own code system.

    `type` is `boolean`, `coded` (with `values`) or `quantity` (with `unit`); `question` is how a
    questionnaire asks for it.
    """

    code: str
    display: str
    type: Literal["boolean", "coded", "quantity", "order"]
    question: str = ""
    values: tuple[str, ...] = ()
    unit: str = ""


class Questionnaire(msgspec.Struct, frozen=True):
    """A short list of questions about local codes, in order."""

    name: str
    title: str
    items: tuple[str, ...]
    source: str


# --- numbers -------------------------------------------------------------------------------------


class Threshold(msgspec.Struct, frozen=True):
    """A number with a name, its native values per unit, and where it comes from."""

    name: str
    values: Mapping[str, Decimal]
    source: str
    standing: str
    of: str = ""

    def single(self) -> Decimal:
        """The value of a threshold that has one unit (windows, ages, points)."""
        return next(iter(self.values.values()))

    @property
    def unit(self) -> str:
        """The first unit: the canonical one."""
        return next(iter(self.values))


class Unit(msgspec.Struct, frozen=True):
    """A unit accepted for one analyte: its UCUM code, other spellings, exact factor to canonical."""

    code: str
    spellings: tuple[str, ...]
    factor: Decimal
    same_as: str = ""


class Analyte(msgspec.Struct, frozen=True):
    """Something measured: its codes, declared units, plausible range, and where it arrives."""

    name: str
    label: str
    codes: str
    unit: str
    units: Mapping[str, Unit]
    plausible: tuple[Decimal, Decimal]
    arrives: tuple[str, ...]
    source: str

    def unit_named(self, text: str) -> Unit | None:
        """The declared unit with this code or spelling; None for an undeclared one."""
        found = self.units.get(text)
        if found is not None:
            return found
        for unit in self.units.values():
            if text in unit.spellings:
                return unit
        return None


# --- facts ---------------------------------------------------------------------------------------


class Limit(msgspec.Struct, frozen=True):
    """One comparison against a named threshold."""

    how: Comparison
    threshold: str


class FactDefinition(msgspec.Struct, frozen=True):
    """What every fact has: how cards name it, what would settle it, where it comes from."""

    name: str
    label: str
    source: str
    says: str = ""
    ask: str = ""
    nothing_recorded: bool | None = None


class AgeFact(FactDefinition, frozen=True, tag="age"):
    """The patient's age in completed years against limits."""

    limits: tuple[Limit, ...] = ()


class PatientFact(FactDefinition, frozen=True, tag="patient"):
    """Something the Patient resource says."""

    attribute: Literal["deceased", "female", "male"] = "deceased"


class HookFact(FactDefinition, frozen=True, tag="hook"):
    """The hook of this request."""

    hooks: tuple[str, ...] = ()


class ConditionFact(FactDefinition, frozen=True, tag="condition"):
    """A coded entry in a list: problem, encounter reason, procedure, device.

    `within`: onset (else recorded) at most that long ago; `lasting`: at least that long.
    `undated_counts`: an entry without any date counts inside the window. `certain` leaves out
    unconfirmed entries; `ever` takes resolved ones too.
    """

    sets: tuple[str, ...] = ()
    arrives: tuple[str, ...] = ("conditions",)
    within: str = ""
    lasting: str = ""
    undated_counts: bool = False
    certain: bool = False
    ever: bool = False


class FindingFact(FactDefinition, frozen=True, tag="finding"):
    """A symptom or sign: observation, questionnaire answer or problem.

    `answers`: the coded values that make it true (default: yes or present).
    """

    sets: tuple[str, ...] = ()
    within: str = ""
    condition_within: str = ""
    answers: tuple[str, ...] = ()
    undated_counts: bool = False


class MeasurementFact(FactDefinition, frozen=True, tag="measurement"):
    """The newest value of an analyte against limits.

    `within`: how old a value may be that makes the fact true; `clears_within`: that makes it false.
    `reassuring`: true is the safe side, so a date of day precision must lie wholly inside. `older_than`:
    only values that have left that window. `shorter_while`: while that fact is true the window is
    `shorter_within` and the value must be later than the fact began. `sides`: which leg decides.
    `rounded`: decimals, half up, before comparing. `preliminary`: such results may make it true.
    """

    of: str = ""
    limits: tuple[Limit, ...] = ()
    within: str = ""
    clears_within: str = ""
    older_than: str = ""
    shorter_while: str = ""
    shorter_within: str = ""
    after_onset_of: tuple[str, ...] = ()
    sides: Literal["newest", "lowest", "highest", "any-ever"] = "newest"
    rounded: int | None = None
    preliminary: bool = False
    reassuring: bool = False


class DoneFact(FactDefinition, frozen=True, tag="done"):
    """A test or procedure that has a result inside the window."""

    sets: tuple[str, ...] = ()
    within: str = ""
    after_onset_of: tuple[str, ...] = ()


class DraftFact(FactDefinition, frozen=True, tag="draft"):
    """An order being placed at this moment, in the hook's context."""

    sets: tuple[str, ...] = ()


class MedicationFact(FactDefinition, frozen=True, tag="medication"):
    """A current medicine; `hazard` facts also take an old open prescription at its word."""

    sets: tuple[str, ...] = ()
    use: Literal["hazard", "benefit"] = "hazard"


class DurationFact(FactDefinition, frozen=True, tag="duration"):
    """How long ago the earliest of some facts began.

    `recorded_counts`: without an onset the date of recording is taken as recent onset (red flags).
    """

    of: tuple[str, ...] = ()
    limits: tuple[Limit, ...] = ()
    recorded_counts: bool = False


class CountFact(FactDefinition, frozen=True, tag="count"):
    """At least so many of some facts are true."""

    of: tuple[str, ...] = ()
    at_least: int = 1


class AnsweredFact(FactDefinition, frozen=True, tag="answered"):
    """At least so many of some facts are known, whatever their value."""

    of: tuple[str, ...] = ()
    at_least: int = 1


class ScoreFact(FactDefinition, frozen=True, tag="score"):
    """Where the interval of a score lies; `undecided` is true when it straddles the limit."""

    table: str = ""
    limits: tuple[Limit, ...] = ()
    undecided: bool = False


class GroupFact(FactDefinition, frozen=True, tag="group", kw_only=True):
    """A criterion over other facts, under one name.

    `unknown_only_if`: without that, members that were merely never recorded count as absent, so that
    an empty record does not leave the group unknown for everybody.
    """

    when: Criterion
    unknown_only_if: Criterion | None = None


class DerivedFact(FactDefinition, frozen=True, tag="derived"):
    """A fact computed by a named, tested function in `facts/derived`."""

    by: str = ""
    of: tuple[str, ...] = ()
    limits: tuple[Limit, ...] = ()


Fact = (
    AgeFact
    | PatientFact
    | HookFact
    | ConditionFact
    | FindingFact
    | MeasurementFact
    | DoneFact
    | DraftFact
    | MedicationFact
    | DurationFact
    | CountFact
    | AnsweredFact
    | ScoreFact
    | GroupFact
    | DerivedFact
)


class ScoreItem(msgspec.Struct, frozen=True):
    """One line of a score table."""

    fact: str
    points: int


class ScoreTable(msgspec.Struct, frozen=True):
    """A scoring instrument as items and points."""

    name: str
    title: str
    items: tuple[ScoreItem, ...]
    source: str


# --- orders --------------------------------------------------------------------------------------


class Panel(msgspec.Struct, frozen=True):
    """A laboratory panel: its codes, and the code sets of what it contains."""

    name: str
    codes: str
    covers: tuple[str, ...]
    source: str


class Order(msgspec.Struct, frozen=True):
    """Something a card can suggest, defined once.

    `must_be_clear`: facts that must be false, unknown withholds and asks. `blocked_by`: facts that
    withhold only when true; unknown is printed on the card (DESIGN section 4).
    """

    name: str
    reference: str
    label: str
    why: str
    kind: Literal["order", "referral", "questionnaire"]
    codings: tuple[Coded, ...]
    text: str
    priority: Literal["routine", "urgent", "asap", "stat"]
    source: str
    sided: Mapping[str, tuple[Coded, ...]] = {}
    category: Coded | None = None
    done_sets: tuple[str, ...] = ()
    done_within: str = ""
    done_after_onset_of: tuple[str, ...] = ()
    open_within: str = ""
    must_be_clear: tuple[str, ...] = ()
    blocked_by: tuple[str, ...] = ()
    questionnaire: str = ""


# --- rules ---------------------------------------------------------------------------------------


class Source(msgspec.Struct, frozen=True):
    """What a rule rests on; `read` says how the source was consulted."""

    id: str
    title: str
    publisher: str
    year: int
    url: str
    locator: str
    grade: str
    read: str


class Level(msgspec.Struct, frozen=True):
    """One level of a rule: when it holds and how strongly it speaks."""

    indicator: Indicator
    when: Criterion
    only_with: tuple[str, ...] = ()
    text: str = "default"


class Yield(msgspec.Struct, frozen=True):
    """A rule whose card silences this one."""

    rule: str
    also_when_unknown: bool = False


class Suggest(msgspec.Struct, frozen=True):
    """An order to suggest (or a draft to delete), when its criterion holds."""

    order: str = ""
    delete: str = ""
    when: Criterion | None = None
    label: str = ""


class CardText(msgspec.Struct, frozen=True):
    """The words of one variant of a card: templates, see `presentation.rendering`."""

    summary: str
    consider: tuple[str, ...]
    why: tuple[str, ...] = ()


class Ask(msgspec.Struct, frozen=True):
    """What a rule says when it cannot be decided for want of these facts."""

    facts: tuple[str, ...]
    text: CardText
    indicator: Indicator = "info"
    suggest: tuple[Suggest, ...] = ()
    when: Criterion | None = None


class Rule(msgspec.Struct, frozen=True):
    """One rule and the card it can raise."""

    id: str
    reference: str
    version: int
    status: Status
    cause: str
    title: str
    intent: str
    limits: tuple[str, ...]
    hooks: tuple[str, ...]
    sources: tuple[Source, ...]
    levels: tuple[Level, ...]
    texts: Mapping[str, CardText]
    card_source: str
    suggest: tuple[Suggest, ...]
    override_reasons: tuple[str, ...]
    red_flag: bool = False
    alone: bool = False
    tip: bool = False
    per: Literal["patient", "leg"] = "patient"
    yields_to: tuple[Yield, ...] = ()
    merges_into: str = ""
    ask: Ask | None = None

    @property
    def topic(self) -> str:
        """The stable alphanumeric topic code that a client remembers an override by."""
        return self.id.replace("-", "")

    def source(self, identifier: str) -> Source:
        """The source with this id."""
        return next(source for source in self.sources if source.id == identifier)


# --- the whole -----------------------------------------------------------------------------------


class Global(msgspec.Struct, frozen=True):
    """Who gets no card, who no information card, and the default card cap."""

    silent_when: tuple[str, ...]
    info_silent_when: tuple[str, ...]
    critical_adds: Mapping[str, str]
    card_cap: int
    entry: str


class OverrideReason(msgspec.Struct, frozen=True):
    """A reason for overriding, and how long it keeps a card quiet (days, per indicator)."""

    name: str
    coding: Coded
    quiet: Mapping[str, int]


class RuleBase(msgspec.Struct, frozen=True):
    """All content, resolved, with its digest."""

    version: str
    digest: str
    rules: Mapping[str, Rule]
    facts: Mapping[str, Fact]
    scores: Mapping[str, ScoreTable]
    thresholds: Mapping[str, Threshold]
    analytes: Mapping[str, Analyte]
    code_sets: Mapping[str, CodeSet]
    systems: Mapping[str, tuple[str, ...]]
    local_codes: Mapping[str, LocalCode]
    questionnaires: Mapping[str, Questionnaire]
    orders: Mapping[str, Order]
    panels: Mapping[str, Panel]
    services: Mapping[str, Service]
    override_reasons: Mapping[str, OverrideReason]
    globals: Global
    terminology: Terminology
    rule_digests: Mapping[str, str] = {}
    canonical: str = "https://heavy-legs-cds.example/fhir"

    def services_for(self, hook: str) -> tuple[Service, ...]:
        """The services of one hook."""
        return tuple(one for one in self.services.values() if one.hook == hook)
