"""Checks a body against HL7's logical models and their FHIRPath invariants (logical-models.yaml).

What HL7's own validator would check, without it: that every member is known, of its type, as often as
it may be, one of the codes it is bound to, and never null or empty; and that every invariant holds.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import fhirpathpy
import msgspec

_LINE = re.compile(
    r"(?P<low>[01])\.\.(?P<high>[1*]) (?P<type>[A-Za-z ?]+?)(?P<empty>!)?(?: \[(?P<codes>.+)])?"
)
_TYPES = {
    "code": r"\S+( \S+)*",
    "id": r"[A-Za-z0-9.-]{1,64}",
    "instant": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)",
    "markdown": r"(?s).*\S.*",
    "reference": r"[A-Z][A-Za-z]+/\S+",
    "string": r"(?s).*\S.*",
    # ord-1, `^[\d\w]+\/[\d\w-.]+$`, with the hyphen where Python does not read it as a range
    "user": r"[\d\w]+/[\d\w.-]+",
    "uuid": r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
}
_CODING = {"system": "string", "version": "string", "code": "code", "display": "string"}


class Line(msgspec.Struct, frozen=True):
    """One element of a model."""

    required: bool
    many: bool
    type: str
    empty: bool = False
    codes: tuple[str, ...] = ()


class Invariant(msgspec.Struct, frozen=True):
    """A FHIRPath expression that holds for every element at a path; empty: for the whole body."""

    key: str
    model: str
    on: str
    expression: str


class _File(msgspec.Struct):
    models: dict[str, dict[str, str]]
    invariants: list[Invariant]


@cache
def _file() -> _File:
    raw = Path(__file__).with_name("logical-models.yaml").read_bytes()
    return msgspec.yaml.decode(raw, type=_File)


@cache
def model(name: str) -> Mapping[str, Line]:
    """Return the elements of a model by their path."""
    return {path: _line(text) for path, text in _file().models[name].items()}


def _line(text: str) -> Line:
    found = _LINE.fullmatch(text)
    assert found, text
    codes = tuple(filter(None, (found["codes"] or "").split(", ")))
    return Line(found["low"] == "1", found["high"] == "*", found["type"], bool(found["empty"]), codes)


@cache
def _compiled() -> tuple[tuple[Invariant, Callable[..., list[Any]]], ...]:
    return tuple((one, fhirpathpy.compile(one.expression)) for one in _file().invariants)


def invariants() -> list[str]:
    """Return the keys of all invariants."""
    return [one.key for one in _file().invariants]


def broken(name: str, body: Any) -> Iterator[str]:
    """Say which invariants of a model do not hold, once for each element: `cds-resp-6 at cards`."""
    for one, holds in _compiled():
        if one.model == name:
            yield from (f"{one.key} at {one.on}" for each in _at(body, one.on) if holds(each) != [True])


def _at(body: Any, path: str) -> Iterator[Any]:
    if not path:
        yield body
        return
    name, _, rest = path.partition(".")
    found = body.get(name) if isinstance(body, dict) else None
    for one in found if isinstance(found, list) else [] if found is None else [found]:
        yield from _at(one, rest)


def problems(name: str, body: Any) -> Iterator[str]:
    """Say what of a body is not as its model has it, each with its path."""
    if isinstance(body, dict):
        yield from _members(model(name), "", body, "")
    else:
        yield "not an object"


def _members(lines: Mapping[str, Line], prefix: str, found: Mapping[str, Any], at: str) -> Iterator[str]:
    known = {
        path.removeprefix(prefix): path
        for path in lines
        if path.startswith(prefix) and "." not in path[len(prefix) :]
    }
    for name in found.keys() - known.keys() - {"extension"}:
        yield f"{at}{name} is unknown"
    if "extension" in found and not (isinstance(found["extension"], dict) and found["extension"]):
        yield f"{at}extension is no object, or empty"
    for name, path in known.items():
        if name in found:
            yield from _values(lines, path, found[name], f"{at}{name}")
        elif lines[path].required:
            yield f"{at}{name} is missing"


def _values(lines: Mapping[str, Line], path: str, value: Any, at: str) -> Iterator[str]:
    line = lines[path]
    if not line.many:
        yield from _value(lines, path, value, at)
    elif not isinstance(value, list):
        yield f"{at} is no array"
    elif not value and not line.empty:
        yield f"{at} is empty"
    else:
        for number, one in enumerate(value):
            yield from _value(lines, path, one, f"{at}.{number}")


def _value(lines: Mapping[str, Line], path: str, value: Any, at: str) -> Iterator[str]:
    line = lines[path]
    if line.type == "Element":
        if isinstance(value, dict) and value:
            yield from _members(lines, f"{path}.", value, f"{at}.")
        else:
            yield f"{at} is no object, or empty"
    elif not _is(line.type, value):
        yield f"{at} is no {line.type}"
    elif line.codes and value not in line.codes:
        yield f"{at} is none of {', '.join(line.codes)}"


def _is(kind: str, value: Any) -> bool:
    if kind.startswith("map of "):
        return isinstance(value, dict) and all(_is(kind[7:], one) for one in value.values())
    match kind:
        case "boolean":
            return isinstance(value, bool)
        case "integer":
            return isinstance(value, int) and not isinstance(value, bool)
        case "Context":
            return isinstance(value, dict) and bool(value)
        case "Resource":
            return isinstance(value, dict) and isinstance(value.get("resourceType"), str)
        case "Resource?":
            return value is None or _is("Resource", value)
        case "Coding":
            return _is_coding(value)
        case "url":
            return isinstance(value, str) and bool(urlsplit(value).scheme and urlsplit(value).netloc)
        case _:
            return isinstance(value, str) and bool(re.fullmatch(_TYPES[kind], value))


def _is_coding(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and {"system", "code"} <= value.keys() <= _CODING.keys()
        and all(_is(_CODING[name], one) for name, one in value.items())
    )
