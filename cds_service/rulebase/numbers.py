"""Labels that say a threshold's number: `{potassium-low}` in a label is what it is for this client."""

import re
from collections.abc import Iterator, Mapping

import msgspec

from cds_service.rulebase.definitions import Fact, Threshold

_HOLE = re.compile(r"\{([a-z0-9-]+)\}")


def named(label: str) -> Iterator[str]:
    """The thresholds that a label names, as content has it."""
    yield from _HOLE.findall(label)


def labelled(facts: Mapping[str, Fact], thresholds: Mapping[str, Threshold]) -> dict[str, Fact]:
    """The facts with the numbers of these thresholds in their labels."""
    return {name: _with_numbers(fact, thresholds) for name, fact in facts.items()}


def _with_numbers(fact: Fact, thresholds: Mapping[str, Threshold]) -> Fact:
    if not fact.template:
        return fact

    def number(match: re.Match[str]) -> str:
        return str(next(iter(thresholds[match[1]].values.values())))

    return msgspec.structs.replace(fact, label=_HOLE.sub(number, fact.template))
