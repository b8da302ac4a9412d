"""Where a word stands: rules and definitions by their name or by what they are called."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from cds_service.rulebase.reach import SECTIONS
from cds_service.rulebase.reading import Document, Path

_CALLED = ("title", "label", "display", "question", "source")  # the first there is names a definition


class Found(msgspec.Struct, frozen=True):
    """A rule or a definition: its section (`facts`, `orders`, …), name, what it is called, file:line."""

    section: str
    name: str
    called: str
    place: str


def find(words: str, documents: Mapping[str, list[Document]]) -> Iterator[Found]:
    """Every rule and definition with all of these words in its name or in what it is called.

    Case does not count. In order of section, file and line; names with all the words first.
    """
    wanted = words.lower().split()
    everything = [*_rules(documents["rule"]), *_definitions(documents)]
    by_name = [one for one in everything if all(word in one.name.lower() for word in wanted)]
    yield from by_name
    for one in everything:
        text = f"{one.name} {one.called}".lower()
        if one not in by_name and all(word in text for word in wanted):
            yield one


def _rules(documents: list[Document]) -> Iterator[Found]:
    for document in documents:
        yield _found("rules", document.value["id"], document.value, document, ())


def _definitions(documents: Mapping[str, list[Document]]) -> Iterator[Found]:
    for kind, sections in SECTIONS.items():
        for document in documents[kind]:
            for section in sections:
                for name, value in document.value.get(section, {}).items():
                    yield _found(section, name, value, document, (section, name))


def _found(section: str, name: str, value: Any, document: Document, path: Path) -> Found:
    called = next((str(value[key]) for key in _CALLED if key in value), "")
    return Found(section, name, called, f"{document.file}:{document.line(path)}")
