"""The rule base as frozen values: what each content file means once it has been read.

Every class mirrors one kind of entry in `cards/`; `loader` builds them, `names` has made sure that
every name in them resolves.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import Literal

import msgspec

from cds_service.hooks.service import Service
from cds_service.rulebase.concepts import CodeSet
from cds_service.rulebase.criteria import Criterion, facts_in
from cds_service.rulebase.definitions import (
    AgeFact,
    Analyte,
    AnsweredFact,
    ConditionFact,
    CountFact,
    DoneFact,
    DraftFact,
    DurationFact,
    Fact,
    FindingFact,
    GroupFact,
    HookFact,
    MeasurementFact,
    MedicationFact,
    PatientFact,
    RegionFact,
    ScoreFact,
    ScoreTable,
    Threshold,
)
from cds_service.rulebase.dependence import Dependence, dependence
from cds_service.rulebase.terminology import Terminology
from cds_service.rulebase.wording import Wording

Indicator = Literal["info", "warning", "critical"]
Status = Literal["draft", "in-review", "active", "retired"]
SEVERITY: Mapping[str, int] = {"info": 0, "warning": 1, "critical": 2}


class Coded(msgspec.Struct, frozen=True):
    """A coding as content or a client names it: full system URI, code, and a display if there is one."""

    system: str
    code: str
    display: str = ""


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


class Panel(msgspec.Struct, frozen=True):
    """A laboratory panel: its codes, and the code sets of what it contains."""

    name: str
    codes: str
    covers: tuple[str, ...]
    source: str


class Order(msgspec.Struct, frozen=True):
    """Something a card can suggest, defined once.

    `must_be_clear`: facts that must be false, unknown withholds and asks. `blocked_by`: facts that
    withhold only when true; unknown is printed on the card (ARCHITECTURE section 4).
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
    done_after_latest_onset_of: tuple[str, ...] = ()
    open_within: str = ""
    must_be_clear: tuple[str, ...] = ()
    blocked_by: tuple[str, ...] = ()
    questionnaire: str = ""


class Source(msgspec.Struct, frozen=True):
    """What a rule rests on; `read` says how it was consulted, `short` is its name on a card.

    `url` is empty where the rule base itself is the source: nothing is to be read elsewhere. `reviewed`
    is set where it was looked up again on another day than the rule's own (ISO date).
    """

    id: str
    title: str
    publisher: str
    year: int
    locator: str
    grade: str
    read: str
    url: str = ""
    short: str = ""
    reviewed: str = ""


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
    """The words of one variant of a card: templates, see `presentation.rendering`.

    `source`: the id of the source that these words rest on; empty for that of the card.
    """

    summary: str
    consider: tuple[str, ...]
    why: tuple[str, ...] = ()
    source: str = ""


class Ask(msgspec.Struct, frozen=True):
    """What a rule says when it cannot be decided for want of these facts."""

    facts: tuple[str, ...]
    text: CardText
    indicator: Indicator = "info"
    suggest: tuple[Suggest, ...] = ()
    when: Criterion | None = None


class Hazards(msgspec.Struct, frozen=True):
    """What goes wrong when a rule is wrong, what is done against it, and the case that tests that."""

    fires_wrongly: str
    silent_wrongly: str
    control: str
    case: str


class Rule(msgspec.Struct, frozen=True):
    """One rule and the card it can raise.

    `worth_knowing`: facts whose being unknown (or a test's not being done) the card says whatever else
    it rests on. `alone`: beside its card only criticals and red flags are shown. `yields_to_critical`:
    as information not beside a critical. `general`: neither, and only with an order of its own.
    `tip`: what a tip is about, in a word; `withheld_by`: the gates that keep it back and are named
    as the reason.
    `reviewed`: the day (ISO date) on which its numbers and words were last gone through against its
    sources; no part of what the rule means, and no approval.
    """

    id: str
    reference: str
    version: int
    status: Status
    reviewed: str
    cause: str
    title: str
    intent: str
    limits: tuple[str, ...]
    hazards: Hazards
    hooks: tuple[str, ...]
    sources: tuple[Source, ...]
    levels: tuple[Level, ...]
    texts: Mapping[str, CardText]
    card_source: str
    suggest: tuple[Suggest, ...]
    override_reasons: tuple[str, ...]
    worth_knowing: tuple[str, ...] = ()
    red_flag: bool = False
    alone: bool = False
    yields_to_critical: bool = False
    general: bool = False
    tip: str = ""
    withheld_by: tuple[str, ...] = ()
    per: Literal["patient", "leg"] = "patient"
    yields_to: tuple[Yield, ...] = ()
    merges_into: str = ""
    ask: Ask | None = None

    @property
    def topic(self) -> str:
        """The stable alphanumeric topic code that a client remembers an override by."""
        return self.id.replace("-", "")

    def source(self, text: CardText) -> Source:
        """The source that a card in these words names."""
        named = text.source or self.card_source
        return next(source for source in self.sources if source.id == named)


class Global(msgspec.Struct, frozen=True, dict=True):
    """Who gets no card, who no information card, the order of equals, and the default card cap.

    `rank`: causes and rule ids, the first ones shown first among cards of one indicator. `regions`:
    those that content may have other numbers for, by the name that a setting takes.
    """

    silent_when: tuple[str, ...]
    info_silent_when: tuple[str, ...]
    critical_adds: Mapping[str, str]
    card_cap: int
    entry: str
    rank: tuple[str, ...]
    regions: Mapping[str, str] = {}

    def rank_of(self, rule: Rule) -> int:
        """The place of a rule: that of its own id, else that of its cause; the loader demands one."""
        places = self._places
        return places.get(rule.id, places.get(rule.cause, len(places)))

    @cached_property
    def _places(self) -> Mapping[str, int]:
        return {name: place for place, name in enumerate(self.rank)}


class OverrideReason(msgspec.Struct, frozen=True):
    """A reason for overriding, and how long it keeps a card quiet (days, per indicator)."""

    name: str
    coding: Coded
    quiet: Mapping[str, int]


class RuleBase(msgspec.Struct, frozen=True, dict=True):
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
    wording: Wording = Wording()
    medicine_names: Mapping[
        str, tuple[tuple[str, str], ...]
    ] = {}  # a brand: system and code of what it holds
    unread_medicines: frozenset[str] = frozenset()  # names of medicines that no rule reads
    rule_digests: Mapping[str, str] = {}
    canonical: str = "https://heavy-legs-cds.example/fhir"

    @cached_property
    def dependence(self) -> Dependence:
        """Which facts can depend on which code set."""
        return dependence(self.facts, self.scores, self.analytes, self.code_sets)

    @cached_property
    def remembered(self) -> dict[type, object]:
        """What others have worked out from it once and for all, each under a type of its own."""
        return {}

    @cached_property
    def readers(self) -> Mapping[str, tuple[str, ...]]:
        """Code set → the facts that may read what is stated about it; facts made of facts are none."""
        found: dict[str, list[str]] = {name: [] for name in self.code_sets}
        for fact in self.facts.values():
            for name in _sets_of(fact, self):
                found[name].append(fact.name)
        return {name: tuple(facts) for name, facts in found.items()}

    def hazards_of(self, rule: str) -> tuple[str, ...]:
        """The facts about medicines of use `hazard` that a rule or a gate of its orders may rest on."""
        return self._hazards[rule]

    @cached_property
    def _hazards(self) -> Mapping[str, tuple[str, ...]]:
        users = {
            fact.name: frozenset().union(*(self.dependence.on[one] for one in fact.sets))
            for fact in self.facts.values()
            if isinstance(fact, MedicationFact) and fact.use == "hazard" and not fact.ended_within
        }
        named = {rule.id: frozenset(_named_by(rule, self.orders)) for rule in self.rules.values()}
        return {
            rule: tuple(name for name, using in users.items() if using & facts)
            for rule, facts in named.items()
        }

    def services_for(self, hook: str) -> tuple[Service, ...]:
        """The services of one hook."""
        return tuple(one for one in self.services.values() if one.hook == hook)


def _named_by(rule: Rule, orders: Mapping[str, Order]) -> Iterator[str]:
    """The facts that a rule's levels name, and the gates of its orders."""
    for level in rule.levels:
        yield from facts_in(level.when)
    for entry in (*rule.suggest, *(rule.ask.suggest if rule.ask else ())):
        if entry.order:
            yield from orders[entry.order].must_be_clear
            yield from orders[entry.order].blocked_by


def _sets_of(fact: Fact, rule_base: RuleBase) -> Iterable[str]:
    if fact.legs == "either":  # read for each leg, though asked of the patient
        return rule_base.code_sets
    match fact:
        case ConditionFact() | FindingFact() | DoneFact() | DraftFact() | MedicationFact():
            return fact.sets
        case MeasurementFact():
            return (rule_base.analytes[fact.of].codes,)
        case GroupFact() | CountFact() | AnsweredFact() | ScoreFact() | DurationFact():
            return ()
        case AgeFact() | PatientFact() | HookFact() | RegionFact():
            return ()
        case _:  # a derived fact, or a kind not thought of here: it may read anything
            return rule_base.code_sets
