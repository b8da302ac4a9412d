"""How far back facts look into each list: what a client that can limit a list by date has to send."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

import msgspec

from cds_service.facts.assessment import Reader
from cds_service.facts.record import Record
from cds_service.fhir.evidence import Arrival, Evidence, Item
from cds_service.fhir.resources import Patient
from cds_service.rulebase.definitions import Fact
from cds_service.rulebase.model import RuleBase

# A window as long as a life stands for "ever": no list is asked for that far.
_LIFETIME = 36_500  # days
# The client reckons `today()` by its own clock and zone, and a day counts as a whole.
_MARGIN = 2  # days
_IN_DAYS = {"d": 1.0, "wk": 7.0, "h": 1 / 24, "min": 1 / 1440}  # years are ages
_NOW = datetime(2026, 1, 1, tzinfo=UTC)  # any: nothing is recorded that could be too old


class _Lookback(msgspec.Struct, frozen=True):
    days: Mapping[str, int]


def lookback(rule_base: RuleBase) -> Mapping[str, int]:
    """Prefetch key → days back that its list must go for all facts that look into it, "ever" left out.

    Found by asking each fact of a patient of whom nothing is recorded: where it looked, and how far; and
    from the windows that its definition names, all together, as it may put one behind the other. Worked
    out once for a rule base.
    """
    known = rule_base.remembered.get(_Lookback)
    if not isinstance(known, _Lookback):
        known = _Lookback(_worked_out(rule_base))
        rule_base.remembered[_Lookback] = known
    return known.days


def _worked_out(rule_base: RuleBase) -> Mapping[str, int]:
    longest: dict[str, float] = {}
    evidence = _of_nobody(rule_base)
    for name, fact in rule_base.facts.items():
        record = Record(evidence, rule_base, _NOW, UTC)
        Reader(record, "").fact(name, "")
        named = list(_windows(fact, rule_base))
        own = sum(one for one in named if one < _LIFETIME)
        for keys, days in record.lacking:
            asked = float(days) if days is not None and days < _LIFETIME else 0.0
            for key in keys:
                longest[key] = max(longest.get(key, 0.0), asked, own)
        for key in _lists_of_analytes(fact, rule_base):
            longest[key] = max(longest.get(key, 0.0), own)
    return {key: int(days) + 1 + _MARGIN for key, days in longest.items() if days}


def _of_nobody(rule_base: RuleBase) -> Evidence:
    keys = dict.fromkeys(key for one in rule_base.services.values() for key in one.prefetch)
    arrivals = {key: Arrival(key, "prefetch") for key in keys}
    somebody = Item(Patient(id="p", gender="female", birthDate="1960-01-01"), "Patient/p", "patient")
    return Evidence(arrivals | {"patient": Arrival("patient", "prefetch", (somebody,))})


def _windows(fact: Fact, rule_base: RuleBase) -> Iterator[float]:
    for name in _texts(msgspec.to_builtins(fact)):
        threshold = rule_base.thresholds.get(name)
        if threshold is not None and not threshold.of and threshold.unit in _IN_DAYS:
            yield float(threshold.single()) * _IN_DAYS[threshold.unit]


def _lists_of_analytes(fact: Fact, rule_base: RuleBase) -> Iterator[str]:
    for name in _texts(msgspec.to_builtins(fact)):
        if name in rule_base.analytes:
            yield from rule_base.analytes[name].arrives


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _texts(one)
