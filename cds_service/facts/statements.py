"""What the record states: one statement per code set that an entry belongs to.

The status rules are those of ARCHITECTURE 5.3 and reconciliation section 1: entered-in-error, refuted,
cancelled and inactive entries never state anything; unconfirmed ones do, and say so.
"""

import re
from collections.abc import Iterator
from datetime import datetime, tzinfo
from typing import Literal, Protocol

import msgspec

from cds_service.fhir.dates import Span
from cds_service.fhir.resources import CodeableConcept, Quantity
from cds_service.rulebase.concepts import Concept, Sidedness
from cds_service.rulebase.model import RuleBase
from cds_service.rulebase.terminology import Match

StatementKind = Literal[
    "condition",
    "reason",
    "observation",
    "answer",
    "procedure",
    "report",
    "order",
    "draft",
    "medication",
    "device",
]

RESULTS = frozenset({"final", "amended", "corrected"})
_LONGEST_TEXT = 120
_MARKUP = re.compile(r"[<>{}\[\]|*`\\]|://")  # no name of a disease or test needs these


class Statement(msgspec.Struct, frozen=True):
    """One thing the record states about one code set.

    `says`: whether a finding is there (None: asked without an answer); `answer` and `answered` are a
    coded answer's code and words. `when` is the time a result or
    order speaks for; `onset` and `recorded` belong to conditions. `problem` is a reason code when the
    entry cannot be used. `current` marks the reason of this encounter.
    """

    kind: StatementKind
    ref: str
    label: str
    concept: Concept
    code: str
    side: Sidedness | None = None
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
    problem: str = ""
    notes: tuple[str, ...] = ()
    specimen: str = ""
    sample_text: str = ""
    suspect: bool = False
    old: bool = False
    reassures: str = ""


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
            words = text.strip()[:_LONGEST_TEXT]
            return fallback if _MARKUP.search(words) or not words.isprintable() else words
    return fallback


def matches(concept: CodeableConcept | None, context: Context) -> Iterator[tuple[Match, str]]:
    """Every code set a concept is in, once each, with the code that put it there."""
    if concept is None:
        return
    seen = set()
    for coding in concept.coding:
        for match in context.rule_base.terminology.matches(coding.system, coding.code):
            if match.set not in seen:
                seen.add(match.set)
                yield match, coding.code or ""


def _sides(sites: tuple[CodeableConcept, ...], context: Context) -> Sidedness | None:
    found = {match.concept.side for site in sites for match, _ in matches(site, context)} - {None}
    if "both" in found or found >= {"left", "right"}:
        return "both"
    return next(iter(found), None)


def _sites(sites: tuple[CodeableConcept, ...], context: Context) -> set[str]:
    return {match.set for site in sites for match, _ in matches(site, context)}


def placed(
    match: Match, sites: tuple[CodeableConcept, ...], context: Context
) -> tuple[bool, Sidedness | None]:
    """Whether the body site allows this match, and the side."""
    needed = match.concept.needs_site
    if needed and needed not in _sites(sites, context):
        return False, None
    return True, match.concept.side or _sides(sites, context)


def status_of(concept: CodeableConcept | None) -> str:
    """The code of a status concept; empty when there is none."""
    if concept is None:
        return ""
    return next((coding.code for coding in concept.coding if coding.code), concept.text or "")
