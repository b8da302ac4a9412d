"""What a fact is: a value in three truths, the reason it is unknown, and the data it rests on."""

from collections.abc import Callable, Mapping
from datetime import datetime, tzinfo
from enum import StrEnum
from functools import cached_property
from typing import Literal

import msgspec

from cds_service.facts.on_demand import Remembered
from cds_service.fhir.dates import Span
from cds_service.rulebase.concepts import Sidedness

Side = Literal["", "left", "right"]  # "" asks about the patient as a whole
LEGS: tuple[Side, ...] = ("left", "right")
# What a card may say of a datum beside its value: our own words, all of them.
PRELIMINARY, UNCONFIRMED = "preliminary", "unconfirmed"
TEXT_MATCH = "text match"  # no code says it, only words: a medicine's name, the text of an entry
SIDE_BY_TEXT = "side by text match"  # a code says it, and words alone of which leg
HAEMOLYSED, LIPAEMIC, DRIP_ARM = "haemolysed sample", "lipaemic sample", "sample from a drip arm"
SAMPLE_UNSEEN = "state of the sample not known"
NO_RANGE = "no reference range"
EGFR_COMPUTED = "computed from creatinine, CKD-EPI 2021"
NOTES = frozenset(
    {
        *(PRELIMINARY, UNCONFIRMED, TEXT_MATCH, SIDE_BY_TEXT, HAEMOLYSED, LIPAEMIC, DRIP_ARM),
        *(SAMPLE_UNSEEN, NO_RANGE, EGFR_COMPUTED),
    }
)


class Reason(StrEnum):
    """Why a fact is unknown (ARCHITECTURE 5.1)."""

    NOT_RECORDED = "not-recorded"
    NOT_DELIVERED = "not-delivered"
    INCOMPLETE = "incomplete"
    TOO_OLD = "too-old"
    FUTURE = "future"
    UNDATED = "undated"
    DATE_IMPRECISE = "date-imprecise"
    NO_UNIT = "no-unit"
    UNIT_NOT_DECLARED = "unit-not-declared"
    IMPLAUSIBLE = "implausible"
    UNREADABLE = "unreadable"
    NOT_ASKED = "not-asked"
    STRADDLES = "straddles-the-limit"
    SUSPECT_SAMPLE = "suspect-sample"
    NO_RANGE = "no-reference-range"
    RANGES_DIFFER = "reference-ranges-differ"
    ANSWERS_DIFFER = "answers-differ"
    UNDECIDED = "undecided"
    MASKED = "masked"
    ONLY_NAMED = "only-named"
    FAULT = "fault"


class Datum(msgspec.Struct, frozen=True):
    """One thing in the record that a fact rests on.

    `text` is the value as it was reported ("2.4 mmol/L") or the name of the entry; `when` is the time
    it speaks for, `onset` when the thing began; `before` the value before it; `notes` are said on the
    card ("preliminary"). `low` and `high` are the laboratory's own reference range of the value, in its
    unit; `upper_times` is how many times its upper limit the value is, cut to one decimal.
    """

    label: str
    text: str
    ref: str
    when: Span | None = None
    onset: Span | None = None
    recorded: Span | None = None
    side: Sidedness | None = None
    notes: tuple[str, ...] = ()
    before: str = ""
    before_when: Span | None = None
    value: str = ""
    unit: str = ""
    low: str = ""
    high: str = ""
    upper_times: str = ""


class Fact(msgspec.Struct, frozen=True):
    """A statement about the patient: true, false, or unknown with the reason.

    `because`: for a fact made of others, the facts at the bottom that make it true; `open`: those that
    leave it unknown. A true fact with the reason `only-named` rests on words alone. `points`: of a
    score, where it lies: "7", or "5 to 10" while items are unknown.
    """

    name: str
    value: bool | None
    reason: Reason | None = None
    data: tuple[Datum, ...] = ()
    because: tuple[str, ...] = ()
    open: tuple[str, ...] = ()
    points: str = ""

    @property
    def sure(self) -> bool | None:
        """The value, but unknown where it is true by the words of entries alone (see `facts.wording`).

        What only words say may speak for a card or against an order; it settles nothing that a card or
        an order would be spared for.
        """
        return None if self.reason is Reason.ONLY_NAMED else self.value


class OrderState(msgspec.Struct, frozen=True):
    """Whether an order is done inside its window or open already, and what says so."""

    done: str = ""
    open: str = ""

    @property
    def free(self) -> bool:
        """Neither done nor open."""
        return not self.done and not self.open


class Draft(msgspec.Struct, frozen=True):
    """An order being placed, and the draft facts that it makes true."""

    ref: str
    label: str
    sets: frozenset[str]


class FactSet(msgspec.Struct, frozen=True, dict=True):
    """Every fact of one request: enough to decide from, without the evidence.

    From a record, the mappings read what they are asked for and remember it (`facts.on_demand`).

    `sides` maps "" (the patient), and "left" and "right" where the record tells legs apart, to facts
    by name. `unrecognised_medicines`: names of current medicines by whose codes nothing can be told.
    """

    now: datetime
    zone: tzinfo
    sides: Mapping[Side, Mapping[str, Fact]]
    orders: Mapping[Side, Mapping[str, OrderState]]
    readings: Mapping[str, Datum]
    drafts: tuple[Draft, ...] = ()
    undelivered: tuple[tuple[str, str], ...] = ()
    age: tuple[int, int] | None = None
    unrecognised_medicines: tuple[str, ...] = ()

    @property
    def legs(self) -> tuple[Side, ...]:
        """The legs that the record tells apart; empty when it does not."""
        return tuple(side for side in LEGS if side in self.sides)

    def fact(self, name: str, side: Side = "") -> Fact:
        """The fact `name`, for one leg where the record tells legs apart."""
        return self.sides.get(side, self.sides[""])[name]

    def value(self, name: str, side: Side = "") -> bool | None:
        """The truth of the fact `name`."""
        return self.fact(name, side).value

    def sure(self, name: str, side: Side = "") -> bool | None:
        """The truth of the fact `name` where being true would silence something: see `Fact.sure`."""
        return self.fact(name, side).sure

    def sures(self, side: Side) -> Callable[[str], bool | None]:
        """As `truths`, for what stands under `none` and `unless`."""
        return self._asked[side if side in self.sides else ""][1]

    def truths(self, side: Side) -> Callable[[str], bool | None]:
        """Fact name → truth, for one leg where the record tells legs apart: what criteria ask."""
        return self._asked[side if side in self.sides else ""][0]

    @cached_property
    def _asked(self) -> Mapping[Side, tuple[Callable[[str], bool | None], ...]]:
        """Of each side the truth and the sure truth of facts; rules ask the same again and again."""
        return {side: _answers(facts) for side, facts in self.sides.items()}


def _answers(facts: Mapping[str, Fact]) -> tuple[Callable[[str], bool | None], ...]:
    truths = Remembered(lambda name: facts[name].value)
    sures = Remembered(lambda name: facts[name].sure)
    return truths.__getitem__, sures.__getitem__
