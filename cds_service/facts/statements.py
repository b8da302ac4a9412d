"""What the record states: one statement per code set that an entry belongs to.

The status rules are those of ARCHITECTURE 5.3 and reconciliation section 1: entered-in-error, refuted,
cancelled and inactive entries never state anything; unconfirmed ones do, and say so.
"""

import re
import unicodedata
from collections.abc import Iterator
from datetime import datetime, tzinfo
from typing import Final, Literal, Protocol

import msgspec

from cds_service.fhir.dates import Span
from cds_service.fhir.resources import CodeableConcept, Dosage, Quantity, ReferenceRange
from cds_service.rulebase.concepts import Concept, Sidedness
from cds_service.rulebase.model import RuleBase
from cds_service.rulebase.terminology import Match

StatementKind = Literal[
    "condition",
    "reason",
    "setting",
    "observation",
    "answer",
    "procedure",
    "report",
    "order",
    "draft",
    "medication",
    "ended-medication",
    "device",
]

Posture = Literal["", "lying", "sitting", "standing"]
_SIDES: Final[dict[str, Sidedness]] = {"left": "left", "right": "right", "both": "both"}
SETS = ("laterality",)  # what a body site may say of the side alone: read here, whatever the rules name
UNREADABLE = "unreadable"  # a result that holds something, and nothing that is read here
RESULTS = frozenset({"final", "amended", "corrected"})
LONGEST_LABEL = 120
_MARKUP = re.compile(
    r"[<>{}\[\]|*`\\]|://|www\.|\b(javascript|data|mailto|tel|file):", re.IGNORECASE
)  # no name of a disease or test needs these


class Statement(msgspec.Struct, frozen=True, gc=False):
    """One thing the record states about one code set.

    `says`: whether a finding is there (None: asked without an answer); `answer` and `answered` are a
    coded answer's code and words. `when` is the time a result or
    order speaks for; `onset` and `recorded` belong to conditions. `problem` is a reason code when the
    entry cannot be used. `current` marks the reason of this encounter. `names_leg`: the answer itself is
    the side ("which leg is affected?"). `until` is when an ended medicine ended, as far as it is told.
    `only_named`: no code says it, only text.
    `posture` is the position of the body while something was
    measured; empty where none is recorded. `posture_unclear`: what is written of it cannot be read or
    contradicts itself; it then counts as standing, never as rest, and makes no pair. `sites` are the
    code sets that its body sites are in. `by_mouth`: every route that is written of a medicine is the
    mouth; without a written route it is not. `dosages` are how a medicine is to be taken.
    """

    kind: StatementKind
    ref: str
    label: str
    concept: Concept
    code: str
    side: Sidedness | None = None
    names_leg: bool = False
    when: Span | None = None
    issued: Span | None = None
    onset: Span | None = None
    recorded: Span | None = None
    active: bool = True
    certain: bool = True
    current: bool = False
    final: bool = True
    laboratory: bool = False
    says: bool | None = True
    answer: str = ""
    answered: str = ""
    quantity: Quantity | None = None
    ranges: tuple[ReferenceRange, ...] = ()
    problem: str = ""
    notes: tuple[str, ...] = ()
    specimen: str = ""
    sample_text: str = ""
    suspect: bool = False
    old: bool = False
    only_named: bool = False
    until: Span | None = None
    posture: Posture = ""
    posture_unclear: bool = False
    sites: frozenset[str] = frozenset()
    by_mouth: bool = False
    dosages: tuple[Dosage, ...] = ()

    @property
    def worded(self) -> bool:
        """Whether it is said of a condition by words alone (`facts.wording`)."""
        return self.only_named and self.kind in ("condition", "reason")


class Context(Protocol):
    """What the readers below need of the record."""

    rule_base: RuleBase
    now: datetime
    zone: tzinfo
    birth: Span | None

    def span(self, text: str | None) -> Span | None:
        """A FHIR date in the record's zone."""


Stated = Iterator[tuple[str, Statement]]


def label_of(concept: CodeableConcept, fallback: str) -> str:
    """The words of an entry: its text, else its first display; ours where those are not plain words."""
    for text in (concept.text, *(coding.display for coding in concept.coding)):
        if text and text.strip():
            words = text.strip()[:LONGEST_LABEL]
            return words if is_plain(words) else fallback
    return fallback


def entry_label(concept: CodeableConcept, known: Concept) -> str:
    """The words of an entry in a code set: its own, or ours where it has only the official title."""
    words = label_of(concept, known.plain or known.display)
    if not known.plain:
        return words
    titles = (known.display, *(coding.display or "" for coding in concept.coding))
    official = {title.strip()[:LONGEST_LABEL].casefold() for title in titles}
    return known.plain if words.casefold() in official else words


# Letters that show nothing (fillers, the empty Braille pattern), marks that choose a form of the one
# before; and more marks upon one letter than any script has, which blot out what stands beside it.
_UNSEEN = re.compile("[\u034f\u115f\u1160\u2800\u3164\uffa0\ufe00-\ufe0f\U000e0100-\U000e01ef]")
_MOST_MARKS = 4


def is_plain(words: str) -> bool:
    """Whether text of a record is words that are seen, and nothing that a viewer could act on."""
    if words.isascii():
        return words.isprintable() and not _MARKUP.search(words)
    return (
        words.isprintable()
        and not _MARKUP.search(words)
        and not _UNSEEN.search(words)
        and not _has_piled_marks(words)
    )


def _has_piled_marks(words: str) -> bool:
    piled = 0
    for one in words[: 4 * LONGEST_LABEL]:
        piled = piled + 1 if unicodedata.category(one) in ("Mn", "Me") else 0
        if piled > _MOST_MARKS:
            return True
    return False


def matches(concept: CodeableConcept | None, context: Context) -> Iterator[tuple[Match, str]]:
    """Every code set a concept is in, once each, with the code that put it there."""
    if concept is None:
        return
    known = context.rule_base.terminology.matches
    seen: set[str] = set()
    for coding in concept.coding:
        for match in known(coding.system, coding.code):
            if match.set not in seen:
                seen.add(match.set)
                yield match, (coding.code or "").strip()


class Place(msgspec.Struct, frozen=True):
    """The body sites of an entry: the code sets they are in, and the side they name."""

    sets: frozenset[str]
    side: Sidedness | None


NO_PLACE = Place(frozenset(), None)


def place_of(sites: tuple[CodeableConcept, ...], context: Context) -> Place:
    """The place that body sites name; worked out once per resource."""
    if not sites:
        return NO_PLACE
    found = [match for site in sites for match, _ in matches(site, context)]
    sides = {match.concept.side for match in found} - {None}
    both = "both" in sides or sides >= {"left", "right"}
    return Place(frozenset(match.set for match in found), "both" if both else next(iter(sides), None))


def placed(match: Match, place: Place) -> tuple[bool, Sidedness | None]:
    """Whether the body site allows this match, and the side."""
    needed = match.concept.needs_site
    if needed and needed not in place.sets:
        return False, None
    return True, agreed(match.concept.side, place.side)


def agreed(*sides: Sidedness | None) -> Sidedness | None:
    """The side that is told: of several that differ none, for a wrong leg is worse than no leg."""
    told = {side for side in sides if side}
    return told.pop() if len(told) == 1 else None


def leg_answered(code: str, answer: str, context: Context) -> Sidedness | None:
    """The leg that an answer to a question of our own names; None where the answers are no sides."""
    local = context.rule_base.local_codes.get(code)
    if local is None or not local.values or not _SIDES.keys() >= set(local.values):
        return None
    return _SIDES.get(answer)


def status_of(concept: CodeableConcept | None) -> str:
    """The code of a status concept; empty when there is none."""
    if concept is None:
        return ""
    return next((coding.code.strip() for coding in concept.coding if coding.code), concept.text or "")
