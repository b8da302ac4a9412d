"""A rule base with a client's own thresholds; they enter the digest."""

from collections.abc import Mapping
from decimal import Decimal
from hashlib import sha256

import msgspec

from cds_service.rulebase.lock import canonical
from cds_service.rulebase.model import RuleBase


def with_thresholds(rule_base: RuleBase, changed: Mapping[str, Mapping[str, Decimal]]) -> RuleBase:
    """The rule base with some threshold values replaced; itself when nothing changes."""
    if not changed:
        return rule_base
    thresholds = dict(rule_base.thresholds)
    for name, values in changed.items():
        old = thresholds[name]
        thresholds[name] = msgspec.structs.replace(old, values={**old.values, **values})
    told = {name: {unit: str(value) for unit, value in one.items()} for name, one in changed.items()}
    digest = sha256(canonical([rule_base.digest, told])).hexdigest()
    return msgspec.structs.replace(rule_base, thresholds=thresholds, digest=digest)
