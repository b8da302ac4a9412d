"""One resource out of its JSON, or why not: a bad one never takes its neighbours down."""

import re
from collections.abc import Mapping

import msgspec
from msgspec import Raw

from cds_service.fhir.resources import AnyResource, CodeableConcept


class Unread(msgspec.Struct, frozen=True):
    """A resource that could not be read: its type, id, code and date where they could, and why.

    With a `code` it is known what it is about, so that only facts of that code become unknown. With
    `elements` all but these was read.
    """

    type: str
    id: str
    reason: str
    code: CodeableConcept | None = None
    when: str | None = None
    elements: tuple[str, ...] = ()


class _Header(msgspec.Struct):
    resourceType: str | None = None
    id: str | None = None


class _Topic(msgspec.Struct):
    code: CodeableConcept


class _When(msgspec.Struct):
    effectiveDateTime: str | None = None


KNOWN: frozenset[str] = frozenset(str(kind.__struct_config__.tag) for kind in AnyResource.__args__)
_decoder: msgspec.json.Decoder[AnyResource] = msgspec.json.Decoder(AnyResource)
_header: msgspec.json.Decoder[_Header] = msgspec.json.Decoder(_Header)
_topic: msgspec.json.Decoder[_Topic] = msgspec.json.Decoder(_Topic)
_when: msgspec.json.Decoder[_When] = msgspec.json.Decoder(_When)
_members: msgspec.json.Decoder[dict[str, Raw]] = msgspec.json.Decoder(dict[str, Raw])
_TYPE = re.compile(r"[A-Za-z]{1,40}")
_UNDECODABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class Ignored(msgspec.Struct, frozen=True, gc=False):
    """A resource of a type that no fact is read from."""

    type: str
    id: str = ""


def decode(raw: Raw | bytes) -> AnyResource | Ignored | Unread:
    """One resource, or why it cannot be read; never raises."""
    try:
        return _decoder.decode(raw)
    except _UNDECODABLE as error:
        return _unreadable(raw, error)


# What decides whether an order is one, of what, and for whom: it is read as R4 has it, or not at all.
_DECISIVE = frozenset({"status", "doNotPerform", "subject", "code"}) | {
    "codeCodeableConcept",
    "medicationCodeableConcept",
    "medicationReference",
}


def order(raw: Raw | bytes) -> tuple[AnyResource | Ignored | Unread, Unread | None]:
    """A draft order, and what of it was left out because it is not as R4 has it; never raises.

    Clients send drafts with an object where R4 wants a list, or null (requirement 76). That a body site
    cannot be read must not hide what is being ordered.
    """
    found = decode(raw)
    if not isinstance(found, Unread):
        return found, None
    try:
        members = _members.decode(raw)
    except _UNDECODABLE:
        return found, None
    odd = tuple(sorted(name for name in members if name != "resourceType" and _is_odd(name, members)))
    kept = decode(msgspec.json.encode({name: one for name, one in members.items() if name not in odd}))
    if isinstance(kept, Unread | Ignored) or not _DECISIVE.isdisjoint(odd):
        return found, None
    kind = str(kept.__struct_config__.tag)
    return kept, Unread(kind, kept.id or "", found.reason, _ordered(kept), elements=odd)


def _is_odd(name: str, members: Mapping[str, Raw]) -> bool:
    alone = {one: members[one] for one in ("resourceType", name) if one in members}
    return isinstance(decode(msgspec.json.encode(alone)), Unread)


def _ordered(resource: AnyResource) -> CodeableConcept | None:
    names = ("code", "medicationCodeableConcept", "codeCodeableConcept")
    return next((one for one in (getattr(resource, name, None) for name in names) if one), None)


def _unreadable(raw: Raw | bytes, error: Exception) -> Ignored | Unread:
    try:
        header = _header.decode(raw)
    except _UNDECODABLE:
        return Unread("resource", "", "not a FHIR resource")
    kind = header.resourceType or ""
    if kind and kind not in KNOWN:
        # It is said: no free text.
        return Ignored(kind if _TYPE.fullmatch(kind) else "resource", header.id or "")
    # The library's message holds types and a path, never a value.
    reason = str(error) if isinstance(error, msgspec.ValidationError) else "malformed JSON"
    code, when = None, None
    try:
        code = _topic.decode(raw).code
        when = _when.decode(raw).effectiveDateTime
    except _UNDECODABLE:
        pass
    return Unread(kind or "resource", header.id or "", reason, code, when)
