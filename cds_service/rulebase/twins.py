"""Definitions that say the same twice: the one that is corrected leaves the other wrong."""

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from cds_service.failures import ContentProblem
from cds_service.rulebase.concepts import CodeSet
from cds_service.rulebase.criteria import Criterion, Is
from cds_service.rulebase.definitions import Fact, GroupFact
from cds_service.rulebase.model import RuleBase
from cds_service.rulebase.reading import Document

# How a fact is called and where it comes from; the rest is what it means.
_WORDS = ("name", "label", "source", "says", "ask")


def problems(rule_base: RuleBase, documents: Mapping[str, list[Document]]) -> Iterator[ContentProblem]:
    """Every code set that holds the codes of another, and every fact that is defined as another is."""
    codes = ((one.name, _codes(one)) for one in rule_base.code_sets.values())
    for name, first in _again(codes):
        what = f"{name!r} holds the same codes as {first!r}: keep one of them"
        yield _at("code-sets", name, documents["terminology"], what)
    meanings = ((one.name, _meaning(one)) for one in rule_base.facts.values())
    for name, first in _again(meanings):
        what = f"{name!r} is defined as {first!r} is: keep one of them"
        yield _at("facts", name, documents["facts"], what)


def _codes(code_set: CodeSet) -> object:
    return frozenset(msgspec.structs.replace(one, display="", plain="") for one in code_set.concepts)


def _meaning(fact: Fact) -> object:
    fields = {name: value for name, value in msgspec.structs.asdict(fact).items() if name not in _WORDS}
    if isinstance(fact, GroupFact):
        fields["when"] = _unordered(fact.when)
    if "sets" in fields:
        fields["sets"] = sorted(fields["sets"])
    return type(fact), repr(fields)


def _unordered(criterion: Criterion) -> str:
    """A criterion whose parts stand in one order, whatever order they are written in."""
    if isinstance(criterion, Is):
        return repr(criterion)
    return f"{type(criterion).__name__}({', '.join(sorted(map(_unordered, criterion.of)))})"


def _again(defined: Iterable[tuple[str, object]]) -> Iterator[tuple[str, str]]:
    first: dict[object, str] = {}
    for name, content in defined:
        known = first.setdefault(content, name)
        if known != name:
            yield name, known


def _at(section: str, name: str, documents: Iterable[Document], what: str) -> ContentProblem:
    holder = next(one for one in documents if name in one.value.get(section, {}))
    return holder.problem((section, name), what)
