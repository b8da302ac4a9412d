"""A Bundle opened, its resources unread; another resource as if it were the only one of a Bundle."""

from typing import Annotated

import msgspec

_UNDECODABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class Search(msgspec.Struct, frozen=True, gc=False):
    """FHIR Bundle.entry.search."""

    mode: str | None = None


class Entry(msgspec.Struct, frozen=True):
    """FHIR Bundle.entry."""

    fullUrl: str | None = None
    resource: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    search: Search | None = None


class Link(msgspec.Struct, frozen=True, gc=False):
    """FHIR Bundle.link."""

    relation: str | None = None


class Bundle(msgspec.Struct, frozen=True):
    """FHIR Bundle."""

    resourceType: str
    entry: tuple[Entry, ...] = ()
    link: tuple[Link, ...] = ()
    total: int | None = None


class Odd(Bundle, frozen=True):
    """One of which something beside the resources is not as R4 has it: it may lack some."""


class _Type(msgspec.Struct):
    resourceType: Annotated[str, msgspec.Meta(min_length=1)]


class _Entries(msgspec.Struct):
    entry: tuple[msgspec.Raw, ...] = ()


class _Bare(msgspec.Struct):
    resource: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


_bundle = msgspec.json.Decoder(Bundle)
_type = msgspec.json.Decoder(_Type)
_entries = msgspec.json.Decoder(_Entries)
_entry = msgspec.json.Decoder(Entry)
_bare = msgspec.json.Decoder(_Bare)


def opened(text: bytes) -> Bundle | None:
    """What a JSON object holds; None when that cannot be told."""
    try:
        bundle = _bundle.decode(text)  # one pass, where a look at the type first would be another
        if bundle.resourceType == "Bundle":
            return bundle
    except _UNDECODABLE:
        pass
    try:
        kind = _type.decode(text).resourceType
        if kind == "Bundle":
            # A total as text, an entry that is null: the results beside it are no worse for that.
            found = tuple(_as_it_is(one) for one in _entries.decode(text).entry)
            return Odd(kind, found) if any(one.resource is not msgspec.UNSET for one in found) else None
    except _UNDECODABLE:
        return None
    return Bundle(kind, (Entry(resource=msgspec.Raw(text)),))


def _as_it_is(raw: msgspec.Raw) -> Entry:
    try:
        return _entry.decode(raw)
    except _UNDECODABLE:
        pass
    try:
        return Entry(resource=_bare.decode(raw).resource)
    except _UNDECODABLE:
        return Entry()
