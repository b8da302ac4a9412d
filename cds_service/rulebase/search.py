"""Where a word stands: rules and definitions by their name or by what they are called."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from cds_service.rulebase.reach import SECTIONS
from cds_service.rulebase.reading import UNREAD, WORDS, Document, Path

_CALLED = ("title", "label", "display", "question", "source")  # the first there is names a definition


_SECTIONS = {**SECTIONS, "terminology": (*SECTIONS["terminology"], *WORDS, UNREAD)}


class Found(msgspec.Struct, frozen=True):
    """A rule or a definition: its section (`facts`, `orders`, …), name, what it is called, file:line.

    `holds`: the words it holds one by one: displays of codes, phrases, brands.
    """

    section: str
    name: str
    called: str
    place: str
    holds: tuple[str, ...] = ()


def find(words: str, documents: Mapping[str, list[Document]]) -> Iterator[Found]:
    """Every rule and definition with all of these words in its name, in what it is called or holds.

    Case does not count. In order of section, file and line; names with all the words first, then what is
    called so, then what holds a display, a phrase or a brand with all of them.
    """
    wanted = words.lower().split()
    everything = [*_rules(documents["rule"]), *_definitions(documents)]
    told: set[tuple[str, str]] = set()
    for texts_of in (_names, _calls, _holdings):
        for one in everything:
            key = (one.section, one.name)
            if key not in told and any(
                all(word in text.lower() for word in wanted) for text in texts_of(one)
            ):
                told.add(key)
                yield one


def _names(one: Found) -> tuple[str, ...]:
    return (one.name,)


def _calls(one: Found) -> tuple[str, ...]:
    return (f"{one.name} {one.called}",)


def _holdings(one: Found) -> tuple[str, ...]:
    return one.holds


def _rules(documents: list[Document]) -> Iterator[Found]:
    for document in documents:
        yield _found("rules", document.value["id"], document.value, document, ())


def _definitions(documents: Mapping[str, list[Document]]) -> Iterator[Found]:
    for kind, sections in _SECTIONS.items():
        for document in documents[kind]:
            for section in sections:
                for name, value in document.value.get(section, {}).items():
                    yield _found(section, name, value, document, (section, name))


def _found(section: str, name: str, value: Any, document: Document, path: Path) -> Found:
    called = next((str(value[key]) for key in _CALLED if key in value), "")
    return Found(section, name, called, f"{document.file}:{document.line(path)}", tuple(_held(value)))


def _held(value: Any) -> Iterator[str]:
    """The displays of a code set, the words of a phrase, the names of a medicine."""
    for include in value.get("include", ()):
        for code in include.get("codes", ()):
            yield code["display"] if isinstance(code, dict) else code[1]
    yield from value.get("says", ()) if isinstance(value.get("says"), list) else ()
    yield from value.get("names", ()) if isinstance(value.get("names"), list) else ()
