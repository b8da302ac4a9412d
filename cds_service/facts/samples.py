"""Samples that cannot be trusted: haemolysed, drip arm, lipaemic (reference A, LAB-01).

A suspect sample can raise a value, never clear it.
"""

import re
from collections.abc import Iterable, Mapping

import msgspec

from cds_service.facts.statements import Statement
from cds_service.fhir.resources import Specimen, last_segment
from cds_service.rulebase.model import RuleBase

HAEMOLYSED, HAEMOLYSIS_FLAG = "sample-haemolysed", "haemolysis-flag"
_KINDS = (
    (re.compile(r"\bh(a)?emoly[sz]", re.IGNORECASE), "haemolysed sample"),
    (re.compile(r"\blip(a)?emi[ac]", re.IGNORECASE), "lipaemic sample"),
    (re.compile(r"\bdrip arm\b|\b(iv|infusion) arm\b", re.IGNORECASE), "sample from a drip arm"),
)
_DENIED = re.compile(
    # "no visible haemolysis or lipaemia", but not "not fasting, haemolysed"
    r"\b(no|not|non|without|nil|absent|negative)\b[\s:-]*"
    r"((visible|gross|significant|obvious|apparent|evidence|signs?|of|for)\s+)*"
    r"(h(a)?emoly[sz]\w*|lip(a)?emi[ac]\w*)(\s*(/|,?\s*\b(or|nor)\b)\s*(h(a)?emoly[sz]\w*|lip(a)?emi[ac]\w*))*"
    # and denials that follow the word, with or without a colon
    r"|\b(h(a)?emoly[sz]\w*|lip(a)?emi[ac]\w*)(\s+index)?\s*[:=]?\s*(is\s+|was\s+)?"
    r"(none|nil|absent|negative|normal|not\s+(detected|seen|present|visible))\b",
    re.IGNORECASE,
)
_NEGATIVE = ("", "negative", "none", "no", "nil", "neg", "normal", "not detected", "not seen", "0", "-")


def mark(
    by_set: dict[str, list[Statement]], specimens: Mapping[str, Specimen], rule_base: RuleBase
) -> None:
    """Mark every result whose sample was suspect, in place of the unmarked one."""
    spoiled = {
        name: what
        for name, specimen in specimens.items()
        if (what := _specimen_suspicion(specimen, rule_base))
    }
    flagged = [one for one in by_set.get(HAEMOLYSIS_FLAG, ()) if _positive(one)]
    for name, statements in by_set.items():
        by_set[name] = [_marked(one, _suspicion(one, spoiled, flagged)) for one in statements]


def _marked(one: Statement, what: str) -> Statement:
    if not what:
        return one
    return msgspec.structs.replace(one, suspect=True, notes=(*one.notes, what))


def _suspicion(one: Statement, spoiled: Mapping[str, str], flagged: Iterable[Statement]) -> str:
    """What is wrong with the sample of a result; empty when nothing is known to be."""
    if one.kind != "observation" or one.quantity is None:
        return ""
    by_specimen = spoiled.get(last_segment(one.specimen), "") if one.specimen else ""
    if by_specimen:
        return by_specimen
    said = suspicion_in(one.sample_text) if one.sample_text else ""
    if said:
        return said
    return "haemolysed sample" if any(_same_sample(one, flag) for flag in flagged) else ""


def _same_sample(one: Statement, flag: Statement) -> bool:
    if one.specimen and flag.specimen:
        return last_segment(one.specimen) == last_segment(flag.specimen)
    if one.when is None or flag.when is None:
        return False
    return (one.when.start, one.when.end) == (flag.when.start, flag.when.end)


def _positive(flag: Statement) -> bool:
    if flag.says is not None:
        return flag.says
    return flag.answer not in _NEGATIVE


def _specimen_suspicion(specimen: Specimen, rule_base: RuleBase) -> str:
    for condition in specimen.condition:
        for coding in condition.coding:
            for match in rule_base.terminology.matches(coding.system, coding.code):
                if match.set == HAEMOLYSED:
                    return "haemolysed sample"
    texts = [condition.text for condition in specimen.condition]
    texts += [note.text for note in specimen.note]
    return next((said for text in texts if text and (said := suspicion_in(text))), "")


def suspicion_in(text: str) -> str:
    """What a laboratory's remark says is wrong with the sample, denials apart; empty for nothing."""
    told = _DENIED.sub(" ", text)
    return next((what for pattern, what in _KINDS if pattern.search(told)), "")
