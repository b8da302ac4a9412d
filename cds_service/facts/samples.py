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
_WORDS = re.compile(
    r"\bh(a)?emoly[sz]|\blip(a)?emi[ac]|\bdrip arm\b|\b(iv|infusion) arm\b", re.IGNORECASE
)
_DENIED = re.compile(
    r"\b(no|not|non|without|nil|absent|negative)\b[^|.;]{0,20}?\b(h(a)?emoly[sz]|lip(a)?emi[ac])",
    re.IGNORECASE,
)


def mark(
    by_set: dict[str, list[Statement]], specimens: Mapping[str, Specimen], rule_base: RuleBase
) -> None:
    """Mark every result whose sample was suspect, in place of the unmarked one."""
    spoiled = {name for name, specimen in specimens.items() if _specimen_is_suspect(specimen, rule_base)}
    flagged = [one for one in by_set.get(HAEMOLYSIS_FLAG, ()) if _positive(one)]
    for name, statements in by_set.items():
        by_set[name] = [
            msgspec.structs.replace(one, suspect=True, notes=(*one.notes, "suspect sample"))
            if _is_suspect(one, spoiled, flagged)
            else one
            for one in statements
        ]


def _is_suspect(one: Statement, spoiled: set[str], flagged: Iterable[Statement]) -> bool:
    if one.kind != "observation" or one.quantity is None:
        return False
    if one.specimen and last_segment(one.specimen) in spoiled:
        return True
    if one.sample_text and says_suspect(one.sample_text):
        return True
    return any(_same_sample(one, flag) for flag in flagged)


def _same_sample(one: Statement, flag: Statement) -> bool:
    if one.specimen and flag.specimen:
        return last_segment(one.specimen) == last_segment(flag.specimen)
    return one.when is not None and flag.when is not None and one.when.text == flag.when.text


def _positive(flag: Statement) -> bool:
    if flag.says is not None:
        return flag.says
    return flag.answer not in ("", "negative", "none", "no") and not says_suspect(f"no {flag.answer}")


def _specimen_is_suspect(specimen: Specimen, rule_base: RuleBase) -> bool:
    for condition in specimen.condition:
        for coding in condition.coding:
            for match in rule_base.terminology.matches(coding.system, coding.code):
                if match.set == HAEMOLYSED:
                    return True
        if condition.text and says_suspect(condition.text):
            return True
    return any(note.text and says_suspect(note.text) for note in specimen.note)


def says_suspect(text: str) -> bool:
    """Whether a laboratory's remark says that the sample was spoiled, denials apart."""
    return bool(_WORDS.search(_DENIED.sub(" ", text)))
