"""A rule base with a client's own thresholds; they enter the digest."""

from collections.abc import Mapping
from decimal import Decimal
from hashlib import sha256

import msgspec

from cds_service.failures import Failure, Kind
from cds_service.rulebase.lock import canonical
from cds_service.rulebase.model import RuleBase


def with_thresholds(rule_base: RuleBase, changed: Mapping[str, Mapping[str, Decimal]]) -> RuleBase:
    """The rule base with some threshold values replaced; itself when nothing changes.

    Raises:
        Failure: incorrect, for an unknown threshold, or one that leaves a native pair at its old value.
    """
    if not changed:
        return rule_base
    thresholds = dict(rule_base.thresholds)
    for name, values in changed.items():
        old = thresholds.get(name)
        if old is None:
            raise Failure(Kind.INCORRECT, "there is no such threshold", where=name)
        if values.keys() != old.values.keys():
            units = ", ".join(old.values)
            raise Failure(Kind.INCORRECT, f"needs a value in each of its units: {units}", where=name)
        thresholds[name] = msgspec.structs.replace(old, values=dict(values))
    told = {name: {unit: str(value) for unit, value in one.items()} for name, one in changed.items()}
    digest = sha256(canonical([rule_base.digest, told])).hexdigest()
    return msgspec.structs.replace(rule_base, thresholds=thresholds, digest=digest)
