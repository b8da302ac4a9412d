"""A rule base for one region: its own numbers, where its practice has some; they enter the digest."""

from hashlib import sha256

import msgspec

from cds_service.failures import Failure, Kind
from cds_service.rulebase.definitions import Fact, RegionFact
from cds_service.rulebase.lock import canonical
from cds_service.rulebase.model import RuleBase
from cds_service.rulebase.numbers import labelled


def for_region(rule_base: RuleBase, region: str) -> RuleBase:
    """The rule base with the numbers of a region; itself when none is named.

    Raises:
        Failure: incorrect, when content knows no such region.
    """
    if not region:
        return rule_base
    if region not in rule_base.globals.regions:
        known = ", ".join(rule_base.globals.regions) or "none"
        raise Failure(
            Kind.INCORRECT,
            f"the rule base knows no region {region!r}; it knows: {known}",
            where="region",
        )
    thresholds = {name: one.regions.get(region, one) for name, one in rule_base.thresholds.items()}
    facts: dict[str, Fact] = {
        name: msgspec.structs.replace(one, here=region in one.regions)
        if isinstance(one, RegionFact)
        else one
        for name, one in rule_base.facts.items()
    }
    facts = labelled(facts, thresholds)
    digest = sha256(canonical([rule_base.digest, {"region": region}])).hexdigest()
    return msgspec.structs.replace(rule_base, thresholds=thresholds, facts=facts, digest=digest)
