"""A rule base with a client's own codes for override reasons; they enter the digest.

An EHR may offer only reasons that it has codes for (Epic: the site maps each code). So a card offers the
client's code in place of ours; what it stands for, and the words, stay ours.
"""

from collections.abc import Mapping
from hashlib import sha256

import msgspec

from cds_service.failures import Failure, Kind
from cds_service.rulebase.lock import canonical
from cds_service.rulebase.model import Coded, RuleBase


def with_reason_codes(rule_base: RuleBase, codes: Mapping[str, Coded]) -> RuleBase:
    """The rule base with other codes for some override reasons; itself when there are none.

    Args:
        rule_base: for the client's region.
        codes: the name of a reason → what stands for it on this client's cards; without a display it
            is shown in our words.

    Raises:
        Failure: incorrect, `where` naming the reason: there is none, or its code is that of another.
    """
    if not codes:
        return rule_base
    reasons = dict(rule_base.override_reasons)
    for name, coding in codes.items():
        old = reasons.get(name)
        if old is None:
            raise _wrong(name, "there is no such override reason", "see cards/suppression.yaml")
        display = coding.display or old.coding.display
        reasons[name] = msgspec.structs.replace(old, coding=Coded(coding.system, coding.code, display))
    whose: dict[str, str] = {}
    for name, reason in reasons.items():
        other = whose.setdefault(reason.coding.code, name)
        if other != name:
            what = f"{reason.coding.code} is the code of {other} too"
            raise _wrong(name if name in codes else other, what, "give each its own")
    told = {name: [one.system, one.code, one.display] for name, one in codes.items()}
    digest = sha256(canonical([rule_base.digest, {"override-reasons": told}])).hexdigest()
    return msgspec.structs.replace(rule_base, override_reasons=reasons, digest=digest)


def _wrong(name: str, what: str, todo: str) -> Failure:
    return Failure(Kind.INCORRECT, what, where=name, todo=todo)
