"""Which facts can depend on what is stated about a code set.

All others say of a patient what they say of an empty record.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal

import msgspec

from cds_service.rulebase.definitions import (
    Analyte,
    AnsweredFact,
    ConditionFact,
    CountFact,
    DerivedFact,
    DoneFact,
    DraftFact,
    DurationFact,
    Fact,
    FindingFact,
    GroupFact,
    HookFact,
    MeasurementFact,
    MedicationFact,
    RegionFact,
    ScoreFact,
    ScoreTable,
)

# These rest on nothing but statements about the code sets that they name, on other facts, on which lists
# arrived, and on the hook. Any other kind (age, one not thought of here) may rest on anything. Of
# derived facts it is the formula that says so: `Formula.personal`.
_BY_NAME = (
    ConditionFact,
    FindingFact,
    MedicationFact,
    MeasurementFact,
    DoneFact,
    DraftFact,
    DurationFact,
    CountFact,
    AnsweredFact,
    ScoreFact,
    GroupFact,
    HookFact,
    RegionFact,
    DerivedFact,
)

_Named = tuple[Literal["fact", "set"], str]


class Dependence(msgspec.Struct, frozen=True):
    """`on`: code set → the facts that can depend on it, directly or not; `always`: those on anything."""

    on: Mapping[str, frozenset[str]]
    always: frozenset[str]
    users: Mapping[_Named, set[_Named]] = {}

    def touched(self, stated: Iterable[str]) -> frozenset[str]:
        """The facts that may say something else than of an empty record, if this much is stated."""
        return self.always.union(*(self.on[name] for name in stated))

    def resting_on(self, facts: Iterable[str]) -> frozenset[str]:
        """These facts, and those that use one of them, directly or not."""
        return _facts_reached([("fact", name) for name in facts], self.users)


def dependence(
    facts: Mapping[str, Fact],
    scores: Mapping[str, ScoreTable],
    analytes: Mapping[str, Analyte],
    code_sets: Iterable[str],
) -> Dependence:
    """Work out what depends on what.

    By the names that stand in a definition, in whatever field: a name too many costs a little time,
    one overlooked would be a wrong fact.
    """
    known = frozenset(code_sets)

    def named(value: Any) -> Iterator[_Named]:
        for text in set(_texts(value)):
            if text in facts:
                yield "fact", text
            if text in known:
                yield "set", text
            if text in analytes:
                yield "set", analytes[text].codes
            if text in scores:
                yield from named(msgspec.to_builtins(scores[text].items))

    users: dict[_Named, set[_Named]] = {}
    for name, fact in facts.items():
        for one in named(msgspec.to_builtins(fact)):
            users.setdefault(one, set()).add(("fact", name))
    anything: list[_Named] = [
        ("fact", name) for name, fact in facts.items() if not isinstance(fact, _BY_NAME)
    ]
    return Dependence(
        on={name: _facts_reached([("set", name)], users) for name in known},
        always=_facts_reached(anything, users),
        users=users,
    )


def _facts_reached(start: list[_Named], users: Mapping[_Named, set[_Named]]) -> frozenset[str]:
    """Every fact among these, or that uses one of them, or uses a fact that does."""
    found: set[_Named] = set()
    waiting = list(start)
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.add(one)
            waiting.extend(users.get(one, ()))
    return frozenset(name for kind, name in found if kind == "fact")


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _texts(one)
