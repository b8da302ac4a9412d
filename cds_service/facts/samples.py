"""Samples that cannot be trusted: haemolysed, drip arm, lipaemic (reference A, LAB-01).

A suspect sample can raise a value, never clear it.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from functools import cache

import msgspec

from cds_service.facts.model import DRIP_ARM, HAEMOLYSED, LIPAEMIC, SAMPLE_UNSEEN
from cds_service.facts.statements import Statement
from cds_service.fhir.absence import NOT_ON_OFFER
from cds_service.fhir.decoding import decode
from cds_service.fhir.evidence import Arrival, Evidence, Unavailable
from cds_service.fhir.references import last_segment, type_in
from cds_service.fhir.resources import Observation, Specimen
from cds_service.rulebase.model import RuleBase

HAEMOLYSED_SET, HAEMOLYSIS_FLAG = SETS = ("sample-haemolysed", "haemolysis-flag")
# Patterns for text in small letters. No step of theirs can be taken back (`*+`): a remark of nothing but
# "no no no" costs one look at each word.
_STEM = "(?:ha?emoly[sz]|lipa?emi[ac])"
_SPOILT = rf"{_STEM}\w*+"
_KINDS = (
    (re.compile(r"\bha?emoly[sz]"), HAEMOLYSED),
    (re.compile(r"\blipa?emi[ac]"), LIPAEMIC),
    (re.compile(r"\b(?:drip|iv|infusion) arm\b"), DRIP_ARM),
)
# What every text has that one of the patterns above finds: looked for first, at a tenth of the cost.
_FRAGMENTS = ("emoly", "emia", "emic", " arm")
_DENIED = re.compile(
    # "no visible haemolysis or lipaemia", but not "not fasting, haemolysed"
    r"\b(?:not|non|no|nil|negative|without|absent)\b[\s:-]*+"
    r"(?:(?:visible|gross|significant|obvious|apparent|evidence|signs?|of|for)\s++)*+"
    rf"{_SPOILT}(?:\s*+(?:/|,?\s*+\b(?:or|nor)\b)\s*+{_SPOILT})*+"
    # and denials that follow the word, with or without a colon
    rf"|\b{_STEM}\w*(?:\s++index)?+\s*+[:=]?+\s*+(?:(?:is|was)\s++)?+"
    r"(?:none|nil|absent|negative|normal|not\s++(?:detected|seen|present|visible))\b"
)
_LONGEST_REMARK, _LONGEST_MATCHED = 8000, 2000  # characters
_NEGATIVE = ("", "negative", "none", "no", "nil", "neg", "normal", "not detected", "not seen", "0", "-")


class Specimens:
    """What arrived of the samples that results name, and what is wrong with them.

    Args:
        evidence: what arrived; a Specimen counts under whatever key it came.
        rule_base: for its terminology.
    """

    def __init__(self, evidence: Evidence, rule_base: RuleBase) -> None:
        """Read every Specimen once."""
        self._spoiled: dict[str, str] = {}  # one that is suspect is not cleared by another of its id
        self._seen: set[str] = set()
        for name, specimen in _specimens(evidence):
            self._seen.add(name)
            if name not in self._spoiled and (what := _specimen_suspicion(specimen, rule_base)):
                self._spoiled[name] = what
        self._unread = {one.id for one in evidence.unread if one.type == "Specimen"}
        self._others_unseen = _list_failed(evidence.arrivals.get("specimens"))

    def suspicion(self, reference: str) -> str:
        """What the Specimen of a reference says is wrong; empty when nothing is known to be."""
        name = _specimen_id(reference)
        return self._spoiled.get(name, "") if name else ""

    def unseen(self, reference: str) -> bool:
        """Whether a Specimen is named whose state should be known and could not be read."""
        name = _specimen_id(reference)
        if not name or name in self._unread:
            return bool(name)
        return name not in self._seen and (self._others_unseen or "#" in name)


def _specimens(evidence: Evidence) -> Iterator[tuple[str, Specimen]]:
    for arrival in evidence.delivered():
        for item in arrival.items:
            if isinstance(item.resource, Specimen) and item.resource.id:
                yield item.resource.id, item.resource
            elif isinstance(item.resource, Observation) and item.resource.contained:
                for raw in item.resource.contained:
                    if b'"Specimen"' in bytes(raw):  # a look, before the cost of reading
                        found = decode(raw)
                        if isinstance(found, Specimen) and found.id:
                            yield f"{item.ref}#{found.id}", found


def _list_failed(found: Arrival | Unavailable | None) -> bool:
    """Whether the list of samples was asked for and did not come whole.

    A key that was not sent says nothing, nor does a server that does not offer samples: such an EHR
    would have no value that reassures.
    """
    if isinstance(found, Arrival):
        return not found.complete or found.other_patient > 0
    return found is not None and found.reason not in NOT_ON_OFFER


def named_by(resource: Observation, ref: str) -> str:
    """The reference of a result to its Specimen; `#s` is local to its resource, which is `ref`."""
    named = (resource.specimen.reference or "") if resource.specimen else ""
    return f"{ref}{named}" if named.startswith("#") else named


def mark(by_set: dict[str, list[Statement]], specimens: Specimens) -> None:
    """Mark every result whose sample was suspect, in place of the unmarked one."""
    flagged = _Flags(one for one in by_set.get(HAEMOLYSIS_FLAG, ()) if _positive(one))
    told = cache(suspicion_in)  # for this record: laboratories repeat themselves
    for name, statements in by_set.items():
        by_set[name] = [_marked(one, _suspicion(one, specimens, flagged, told)) for one in statements]


def _marked(one: Statement, what: str) -> Statement:
    if not what:
        return one
    return msgspec.structs.replace(one, suspect=True, notes=(*one.notes, what))


def _suspicion(
    one: Statement, specimens: Specimens, flagged: "_Flags", told: Callable[[str], str]
) -> str:
    """What is wrong with the sample of a result; empty when nothing is known to be."""
    if one.kind != "observation" or one.quantity is None:
        return ""
    by_specimen = specimens.suspicion(one.specimen) if one.specimen else ""
    if by_specimen:
        return by_specimen
    said = told(one.sample_text) if one.sample_text else ""
    if said:
        return said
    if flagged.share_sample_of(one):
        return HAEMOLYSED
    return SAMPLE_UNSEEN if one.specimen and specimens.unseen(one.specimen) else ""


class _Flags:
    """Positive haemolysis flags: the same specimen where both name one, else the same time."""

    def __init__(self, flags: Iterable[Statement]) -> None:
        found = list(flags)
        self._specimens = {_specimen_id(one.specimen) for one in found if one.specimen} - {""}
        self._times = {_moment(one) for one in found} - {None}
        self._times_without_specimen = {_moment(one) for one in found if not one.specimen} - {None}

    def share_sample_of(self, one: Statement) -> bool:
        if not self._times and not self._specimens:
            return False
        if not one.specimen:
            return _moment(one) in self._times
        return (
            _specimen_id(one.specimen) in self._specimens or _moment(one) in self._times_without_specimen
        )


def _moment(one: Statement) -> tuple[datetime, datetime] | None:
    return (one.when.start, one.when.end) if one.when else None


def _specimen_id(reference: str) -> str:
    """The id of a referenced Specimen; empty for a reference to something else.

    Of one inside a resource, the reference to that resource and the id in it.
    """
    if "#" in reference:
        return reference
    return last_segment(reference) if type_in(reference) in ("", "Specimen") else ""


def _positive(flag: Statement) -> bool:
    if flag.says is not None:
        return flag.says
    return flag.answer not in _NEGATIVE


def _specimen_suspicion(specimen: Specimen, rule_base: RuleBase) -> str:
    for condition in specimen.condition:
        for coding in condition.coding:
            for match in rule_base.terminology.matches(coding.system, coding.code):
                if match.set == HAEMOLYSED_SET:
                    return HAEMOLYSED
    texts = [condition.text for condition in specimen.condition]
    texts += [note.text for note in specimen.note]
    return next((said for text in texts if text and (said := suspicion_in(text))), "")


def suspicion_in(text: str) -> str:
    """What a laboratory's remark says is wrong with the sample, denials apart; empty for nothing."""
    # Blanks made single and the length bounded first: 60,000 blanks would take minutes.
    words = " ".join(text[:_LONGEST_REMARK].split())[:_LONGEST_MATCHED].lower()
    if not any(one in words for one in _FRAGMENTS) or not _kind_in(words):
        return ""
    return _kind_in(_DENIED.sub(" ", words))


def _kind_in(words: str) -> str:
    return next((what for pattern, what in _KINDS if pattern.search(words)), "")
