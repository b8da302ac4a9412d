"""A medicine may be called unread only if no code set of the rule base holds it."""

import re
from collections.abc import Iterator, Mapping

from cds_service.failures import ContentProblem
from cds_service.rulebase import model
from cds_service.rulebase.reading import UNREAD, Document

_SYSTEMS = ("rxnorm", "atc")  # those of ingredients


def unread_medicines(
    rule_base: model.RuleBase, documents: Mapping[str, list[Document]]
) -> Iterator[ContentProblem]:
    """Codes and names of `unread-medicines` that are in a code set, and names that stand twice.

    The ATC code finds a medicine that a set holds by its class alone (C07A holds metoprolol).
    """
    atc = rule_base.systems.get("atc", ("",))[0]
    read = _read(rule_base)
    seen: dict[str, str] = {}
    for document in documents["terminology"]:
        for key, value in document.value.get(UNREAD, {}).items():
            for at, code in enumerate(value["atc"]):
                for match in rule_base.terminology.matches(atc, code)[:1]:
                    what = f"{code} is in the code set {match.set!r}: rules read it"
                    yield document.problem((UNREAD, key, "atc", at), what)
            for at, name in enumerate(value["names"]):
                path = (UNREAD, key, "names", at)
                for found in read.findall(name)[:1]:
                    yield document.problem(path, f"{name!r} names {found!r}, which rules read")
                if name in seen:
                    yield document.problem(path, f"{name!r} is already a name of {seen[name]}")
                seen[name] = key


def _read(rule_base: model.RuleBase) -> re.Pattern[str]:
    """Every ingredient that a code set names, and every brand of one, as whole words."""
    systems = {rule_base.systems[name][0] for name in _SYSTEMS if name in rule_base.systems}
    words = set(rule_base.medicine_names)
    for code_set in rule_base.code_sets.values():
        words |= {one.display.lower() for one in code_set.concepts if one.system in systems}
    longest_first = sorted(words, key=len, reverse=True)
    return re.compile(rf"\b(?:{'|'.join(map(re.escape, longest_first)) or '(?!)'})\b")
