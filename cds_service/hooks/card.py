"""A card and its parts, named as CDS Hooks names them. Empty members are omitted when encoded."""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec


class Coding(msgspec.Struct, frozen=True, omit_defaults=True):
    """CDS Hooks Coding."""

    system: str
    code: str
    display: str = ""


class Source(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where a card's advice comes from; `topic` is what a client remembers an override by."""

    label: str
    url: str = ""
    topic: Coding | None = None


class Action(msgspec.Struct, frozen=True, omit_defaults=True):
    """One change to the record: create with `resource`, delete with `resourceId`."""

    type: Literal["create", "update", "delete"]
    description: str
    resource: Mapping[str, Any] | None = None
    resourceId: str = ""


class Suggestion(msgspec.Struct, frozen=True, omit_defaults=True):
    """Something the user can accept with one click; one action each (requirement 94)."""

    label: str
    uuid: str
    actions: tuple[Action, ...]
    isRecommended: bool = False


class Card(msgspec.Struct, frozen=True, omit_defaults=True):
    """One card."""

    uuid: str
    summary: str
    indicator: Literal["info", "warning", "critical"]
    source: Source
    detail: str = ""
    suggestions: tuple[Suggestion, ...] = ()
    selectionBehavior: str = ""
    overrideReasons: tuple[Coding, ...] = ()
    extension: Mapping[str, Any] = {}
