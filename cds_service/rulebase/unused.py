"""Definitions that no rule reaches: what nobody reads nobody keeps right."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from cds_service.failures import ContentProblem
from cds_service.rulebase import reach
from cds_service.rulebase.reading import Document

Documents = Mapping[str, list[Document]]
_SECTIONS = {kind: names for kind, names in reach.SECTIONS.items() if kind != "suppression"}


def problems(documents: Documents, engine_sets: Iterable[str]) -> Iterator[ContentProblem]:
    """Every fact, number, set, question and order that no rule, gate or global file reaches.

    `engine_sets`: code sets that are read by their names, whatever the rules name.
    """
    used = _used(documents, engine_sets)
    for kind, sections in _SECTIONS.items():
        for document in documents[kind]:
            for section in sections:
                for name in document.value.get(section, {}):
                    if f"{section}/{name}" not in used:
                        yield document.problem((section, name), f"no rule reaches {name!r}")


def _used(documents: Documents, engine_sets: Iterable[str]) -> set[str]:
    known = reach.entries(documents)
    used = {name for one in documents["rule"] for name, _ in reach.reached(one.value, known)}
    [glob] = documents["global"]
    roots = [("facts", name) for name in _facts_of(glob.value)]
    roots += [("code-sets", name) for name in engine_sets]
    used |= {name for name, _ in reach.followed(roots, known)}
    return used


def _facts_of(glob: Mapping[str, Any]) -> Iterator[str]:
    yield from glob["silent-when"]
    yield from glob["info-silent-when"]
    yield from glob["critical-adds"]
    yield glob["entry"]
