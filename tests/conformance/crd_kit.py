"""What the server suite of the Da Vinci CRD test kit asserts of a response, in our own words.

Source: inferno-framework/davinci-crd-test-kit (main, March 2026), which tests CDS Hooks 2.0. Its code is
not here; each check is written from what it asserts. Stricter than CDS Hooks where the kit is: `topic`
is required, a `display` of an override reason too. Left out: that order-sign must carry `systemActions`,
where CRD's coverage information goes; HL7's model forbids empty ones, and we emit none (requirement 44).
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from fhir.resources.R4B import get_fhir_model_class

Json = Mapping[str, Any]
_RELATIVE = re.compile(r"[A-Z][A-Za-z]+/[^/\s]+")


def findings(body: Json, request: Json) -> Iterator[str]:
    """Say what the kit would find wrong with a response to a request."""
    cards = body.get("cards")
    if not isinstance(cards, list):
        yield "cards is no array"
        return
    drafts = _drafts(request)
    for card in cards:
        yield from _card(card)
        for suggestion in card.get("suggestions", ()):
            yield from _suggestion(suggestion, drafts)
    for action in body.get("systemActions", ()):
        yield from _action(action, drafts)


def _drafts(request: Json) -> frozenset[str]:
    orders = request.get("context", {}).get("draftOrders", {}).get("entry", ())
    found = (entry.get("resource", {}) for entry in orders)
    return frozenset(f"{one.get('resourceType')}/{one.get('id')}" for one in found)


def _card(card: Json) -> Iterator[str]:
    if not (_text(card.get("summary")) and len(card["summary"]) < 140):
        yield "summary"
    if card.get("indicator") not in ("info", "warning", "critical"):
        yield "indicator"
    source = card.get("source") or {}
    if not _text(source.get("label")):
        yield "source.label"
    if not _coding(source.get("topic")):
        yield "source.topic"
    yield from (
        f"source.{name}" for name in ("url", "icon") if not _absolute(source.get(name, "https://x"))
    )
    for name, kind in (("uuid", str), ("detail", str), ("suggestions", list), ("links", list)):
        if name in card and not (isinstance(card[name], kind) and card[name]):
            yield name
    if card.get("suggestions") and card.get("selectionBehavior") not in ("any", "at-most-one"):
        yield "selectionBehavior"
    for reason in card.get("overrideReasons", ()):
        if not (_coding(reason) and _text(reason.get("display"))):
            yield "overrideReasons"
    for link in card.get("links") or ():
        yield from _link(link)


def _link(link: Json) -> Iterator[str]:
    if not _text(link.get("label")):
        yield "links.label"
    if link.get("type") not in ("absolute", "smart"):
        yield "links.type"
    if not _absolute(link.get("url")):
        yield "links.url"
    if link.get("type") != "smart" and "appContext" in link:
        yield "links.appContext"


def _suggestion(suggestion: Json, drafts: frozenset[str]) -> Iterator[str]:
    if not _text(suggestion.get("label")):
        yield "suggestions.label"
    if not isinstance(suggestion.get("isRecommended", False), bool):
        yield "suggestions.isRecommended"
    if not suggestion.get("actions", ["absent"]):
        yield "suggestions.actions"
    for action in suggestion.get("actions", ()):
        yield from _action(action, drafts)


def _action(action: Json, drafts: frozenset[str]) -> Iterator[str]:
    if not _text(action.get("description")):
        yield "actions.description"
    match action.get("type"):
        case "create":
            yield from _resource(action.get("resource"))
        case "update":
            resource = action.get("resource") or {}
            yield from _resource(resource)
            if f"{resource.get('resourceType')}/{resource.get('id')}" not in drafts:
                yield "actions.resource is no draft order"
        case "delete":
            target = action.get("resourceId")
            if not (isinstance(target, str) and _RELATIVE.fullmatch(target)):
                yield "actions.resourceId"
            elif target not in drafts:
                yield "actions.resourceId is no draft order"
        case _:
            yield "actions.type"


def _resource(resource: Any) -> Iterator[str]:
    try:
        get_fhir_model_class(resource["resourceType"]).model_validate(resource)
    except (ValueError, KeyError, TypeError, AttributeError):
        yield "actions.resource"


def _text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _coding(value: Any) -> bool:
    return isinstance(value, dict) and _text(value.get("code")) and _text(value.get("system"))


def _absolute(value: Any) -> bool:
    """`https` alone: the kit takes any valid URL, and Epic lists none else (requirement 108)."""
    return _text(value) and urlsplit(value).scheme == "https" and bool(urlsplit(value).hostname)
