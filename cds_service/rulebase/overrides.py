"""A rule base with a client's own thresholds, within the bounds that content declares.

They enter the digest.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from hashlib import sha256

import msgspec

from cds_service.failures import Failure, Kind
from cds_service.rulebase.definitions import Analyte, Bounds, Threshold
from cds_service.rulebase.lock import canonical
from cds_service.rulebase.model import RuleBase
from cds_service.rulebase.numbers import labelled

Values = Mapping[str, Decimal]  # unit → number
# Two units say one limit when they differ by no more: round numbers are what laboratories use, and the
# widest pair of content is 1.05 mmol/L and 2.6 mg/dL of magnesium (1.9 %).
_AGREE = Decimal("0.02")


def with_thresholds(rule_base: RuleBase, changed: Mapping[str, Values]) -> RuleBase:
    """The rule base with some threshold values replaced; itself when nothing changes.

    Args:
        rule_base: for the client's region.
        changed: threshold → unit → number, in every unit that the threshold has.

    Raises:
        Failure: incorrect, `where` naming the threshold: unknown, without bounds or outside them, not in
            each of its units, or not the same limit in all of them.
    """
    thresholds = dict(rule_base.thresholds)
    told: dict[str, Mapping[str, str]] = {}
    for name, values in changed.items():
        old = thresholds.get(name)
        if old is None:
            raise _wrong(name, "there is no such threshold", "run: cds-service rules find WORD")
        if values == old.values:
            continue
        _demand_allowed(old, values, rule_base)
        thresholds[name] = msgspec.structs.replace(old, values=dict(values))
        told[name] = {unit: f"{value.normalize():f}" for unit, value in values.items()}
    if not told:
        return rule_base
    digest = sha256(canonical([rule_base.digest, told])).hexdigest()
    facts = labelled(rule_base.facts, thresholds)
    return msgspec.structs.replace(rule_base, thresholds=thresholds, facts=facts, digest=digest)


def unit_of(threshold: Threshold, rule_base: RuleBase) -> str:
    """The unit of a threshold's bounds: the first of its analyte, or its only one."""
    return rule_base.analytes[threshold.of].unit if threshold.of else threshold.unit


def apart(threshold: Threshold, values: Values, rule_base: RuleBase) -> Iterator[str]:
    """The units whose number is another limit than the one in the first unit of the analyte."""
    if not threshold.of:
        return
    analyte = rule_base.analytes[threshold.of]
    first = values[analyte.unit]
    for unit, value in values.items():
        if abs(_canonical(value, unit, analyte) - first) > _AGREE * abs(first):
            yield unit


def _canonical(value: Decimal, unit: str, analyte: Analyte) -> Decimal:
    known = analyte.units[unit]
    return (value - known.zero) * known.factor


def _demand_allowed(old: Threshold, values: Values, rule_base: RuleBase) -> None:
    name, bounds = old.name, old.bounds
    if bounds is None:
        raise _wrong(name, "no client may change this threshold", "take it out: it declares no bounds")
    if values.keys() != old.values.keys():
        units = ", ".join(old.values)
        raise _wrong(name, f"needs a value in each of its units: {units}", "give them all")
    unit = unit_of(old, rule_base)
    if not all(value.is_finite() for value in values.values()) or not _inside(values[unit], bounds):
        raise _wrong(
            name,
            f"is outside its bounds: {bounds.least} to {bounds.most} {unit}",
            f"stay within them ({bounds.source})",
        )
    for other in apart(old, values, rule_base):
        raise _wrong(
            name,
            f"{values[other]} {other} is not {values[unit]} {unit}",
            "give the same limit in each unit",
        )


def _inside(value: Decimal, bounds: Bounds) -> bool:
    return bounds.least <= value <= bounds.most


def _wrong(name: str, what: str, todo: str) -> Failure:
    return Failure(Kind.INCORRECT, what, where=name, todo=todo)
