"""What the content defines for facts: thresholds, analytes with their units, facts by kind, scores."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Literal

import msgspec

from cds_service.fhir.quantity import Comparison
from cds_service.rulebase.criteria import Criterion

Bound = Literal["upper-limit", "lower-limit"]


class Bounds(msgspec.Struct, frozen=True):
    """Between which numbers, both included, a client may set a threshold, and why there."""

    least: Decimal
    most: Decimal
    source: str


class Threshold(msgspec.Struct, frozen=True):
    """A number with a name, its native values per unit, and where it comes from.

    `regions`: the threshold where another number is practice (`rulebase.regions`). `bounds`: in the
    first unit of its analyte, or in its only one; without any no client may set another number.
    """

    name: str
    values: Mapping[str, Decimal]
    source: str
    standing: str
    of: str = ""
    regions: Mapping[str, "Threshold"] = {}
    bounds: Bounds | None = None

    def single(self) -> Decimal:
        """The value of a threshold that has one unit (windows, ages, points)."""
        return next(iter(self.values.values()))

    @property
    def unit(self) -> str:
        """The unit of a threshold that has one."""
        return next(iter(self.values))


class Unit(msgspec.Struct, frozen=True):
    """A unit accepted for one analyte: its UCUM code, other spellings, how it becomes the canonical one.

    Canonical is (value - zero) x factor; `zero` is what this scale says at the canonical nought: 32 in
    [degF].
    """

    code: str
    spellings: tuple[str, ...]
    factor: Decimal
    same_as: str = ""
    zero: Decimal = Decimal(0)


class Analyte(msgspec.Struct, frozen=True):
    """Something measured: its codes, declared units, plausible range, and where it arrives.

    `not_at`: a code set of body sites where the same code measures something else. `plausible_limit`:
    where a limit of the laboratory's own range may lie, in the first unit; else as for a value.
    """

    name: str
    label: str
    codes: str
    unit: str
    units: Mapping[str, Unit]
    plausible: tuple[Decimal, Decimal]
    arrives: tuple[str, ...]
    source: str
    not_at: str = ""
    plausible_limit: tuple[Decimal, Decimal] | None = None

    def unit_named(self, text: str) -> Unit | None:
        """The declared unit with this code or spelling; None for an undeclared one."""
        found = self.units.get(text)
        if found is not None:
            return found
        for unit in self.units.values():
            if text in unit.spellings:
                return unit
        return None


class Limit(msgspec.Struct, frozen=True):
    """One comparison against a named threshold."""

    how: Comparison
    threshold: str


class FactDefinition(msgspec.Struct, frozen=True):
    """What every fact has: how cards name it, what would settle it, where it comes from.

    `legs`: where the record tells legs apart, `together` reads the fact for the patient even while one
    leg is looked at (what the *other* leg has), and `either` makes it true of the patient when it is
    true of one leg (a gate must not be opened by the healthy one). `template`: the label as content has
    it, where that names thresholds (`rulebase.numbers`).
    """

    name: str
    label: str
    source: str
    says: str = ""
    ask: str = ""
    nothing_recorded: bool | None = None
    legs: Literal["", "together", "either"] = ""
    template: str = ""


class AgeFact(FactDefinition, frozen=True, tag="age"):
    """The patient's age in completed years against limits."""

    limits: tuple[Limit, ...] = ()


class PatientFact(FactDefinition, frozen=True, tag="patient"):
    """Something the Patient resource says."""

    attribute: Literal["deceased", "female", "male"] = "deceased"


class HookFact(FactDefinition, frozen=True, tag="hook"):
    """The hook of this request."""

    hooks: tuple[str, ...] = ()


class RegionFact(FactDefinition, frozen=True, tag="region"):
    """The region that the service is set to; `here` once it is known to be one of `regions`."""

    regions: tuple[str, ...] = ()
    here: bool = False


class ConditionFact(FactDefinition, frozen=True, tag="condition"):
    """A coded entry in a list: problem, encounter reason, procedure, device.

    `within`: onset (else recorded) at most that long ago; `lasting`: at least that long.
    `undated_counts`: an entry without any date counts inside the window. `certain` leaves out
    unconfirmed entries; `ever` takes resolved ones too, `resolved` takes none but those.
    """

    sets: tuple[str, ...] = ()
    arrives: tuple[str, ...] = ("conditions",)
    within: str = ""
    lasting: str = ""
    undated_counts: bool = False
    certain: bool = False
    ever: bool = False
    resolved: bool = False


class FindingFact(FactDefinition, frozen=True, tag="finding"):
    """A symptom or sign: observation, questionnaire answer or problem.

    `answers`: the coded values that make it true (default: yes or present); `denials`: those that make
    it false. Any other answer leaves it unknown: "unknown if ever smoked" is not a no.
    `reassuring`: true is the safe side, so a yes beside any other answer is unknown.
    `after_latest_onset_of`: an answer from before the latest onset of these facts does not count.
    """

    sets: tuple[str, ...] = ()
    within: str = ""
    condition_within: str = ""
    answers: tuple[str, ...] = ()
    denials: tuple[str, ...] = ()
    undated_counts: bool = False
    reassuring: bool = False
    after_latest_onset_of: tuple[str, ...] = ()


class MeasurementFact(FactDefinition, frozen=True, tag="measurement"):
    """The newest value of an analyte against limits.

    `within`: how old a value may be that makes the fact true; `clears_within`: that makes it false.
    `reassuring`: true is the safe side, so a date of day precision must lie wholly inside. `older_than`:
    only values that have left that window. `times`: limits count in multiples of that bound of the
    laboratory's own range, `without_range` are the limits for a result that has none (empty: unknown).
    `shorter_while`: while that fact is true the window is
    `shorter_within` and the value must be later than the fact began. `sides`: which leg decides.
    `rounded`: decimals, half up, before comparing. `preliminary`: such results may make it true.
    `at_rest`: values taken standing are left out.
    """

    of: str = ""
    limits: tuple[Limit, ...] = ()
    times: Bound | None = None
    without_range: tuple[Limit, ...] = ()
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
    at_rest: bool = False


class DoneFact(FactDefinition, frozen=True, tag="done"):
    """A test or procedure that has a result inside the window.

    `after_onset_of`: not before the earliest onset of these facts; `after_latest_onset_of`: not before
    the latest, and only a result that is surely later counts.
    """

    sets: tuple[str, ...] = ()
    within: str = ""
    after_onset_of: tuple[str, ...] = ()
    after_latest_onset_of: tuple[str, ...] = ()


class DraftFact(FactDefinition, frozen=True, tag="draft"):
    """An order being placed at this moment, in the hook's context.

    `route`: of medicines, only those by mouth, or only those that are not said to be.
    """

    sets: tuple[str, ...] = ()
    route: Literal["", "mouth", "other"] = ""


class MedicationFact(FactDefinition, frozen=True, tag="medication"):
    """A current medicine; `hazard` facts also take an old open prescription at its word.

    `ended_within`: not a current one, but one that ended so long ago at most.
    """

    sets: tuple[str, ...] = ()
    use: Literal["hazard", "benefit"] = "hazard"
    ended_within: str = ""


class DurationFact(FactDefinition, frozen=True, tag="duration"):
    """How long ago the earliest of some facts began, or with `newest` the one that began last.

    `recorded_counts`: without an onset the date of recording is taken as recent onset (red flags).
    """

    of: tuple[str, ...] = ()
    limits: tuple[Limit, ...] = ()
    recorded_counts: bool = False
    newest: bool = False


class CountFact(FactDefinition, frozen=True, tag="count"):
    """At least so many of some facts are true."""

    of: tuple[str, ...] = ()
    at_least: int = 1


class AnsweredFact(FactDefinition, frozen=True, tag="answered"):
    """At least so many of some facts are known, whatever their value."""

    of: tuple[str, ...] = ()
    at_least: int = 1


class ScoreFact(FactDefinition, frozen=True, tag="score"):
    """Where the interval of a score lies; `undecided` is true when it straddles the limit.

    The first datum is the score itself: `3`, or `-1 to 4` while items are unknown.
    """

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
    """A fact computed by a named, tested function in `facts/derived`.

    `of`: analytes, then code sets, then facts, as the function asks for. `parameters`: the thresholds
    that the function names, where comparisons alone do not say it. `paired_within`: how far apart two
    values may be that are taken together. `times`, `without_range` and the other windows mean what they
    mean in a measurement, where the function computes one.
    """

    by: str = ""
    of: tuple[str, ...] = ()
    limits: tuple[Limit, ...] = ()
    times: Literal["upper-limit", "lower-limit"] | None = None
    without_range: tuple[Limit, ...] = ()
    parameters: Mapping[str, str] = {}
    within: str = ""
    older_than: str = ""
    shorter_while: str = ""
    shorter_within: str = ""
    paired_within: str = ""
    preliminary: bool = False


Fact = (
    AgeFact
    | PatientFact
    | HookFact
    | RegionFact
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
