"""Where a fact, as it is written, names thresholds: one table for whoever follows or checks names."""

from collections.abc import Iterator, Mapping
from typing import Any

from cds_service.rulebase.numbers import named
from cds_service.rulebase.reading import Path

_NAMES = (
    *("within", "clears-within", "condition-within", "older-than", "lasting"),
    *("ended-within", "paired-within"),
)
_MAPPINGS = ("is", "without-range", "with")


def thresholds_in(fact: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    """Every place in the definition of a fact that holds the name of a threshold, and the name."""
    for key in _NAMES:
        if key in fact:
            yield (key,), fact[key]
    for key in _MAPPINGS:
        for inner, name in fact.get(key, {}).items():
            yield (key, inner), name
    if "shorter" in fact:
        yield ("shorter", "within"), fact["shorter"]["within"]


def thresholds_said(fact: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    """The same of the places where its label says the number of one."""
    for name in named(fact["label"]):
        yield ("label",), name
