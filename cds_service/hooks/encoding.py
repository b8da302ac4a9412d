"""A decision's cards as a response body, with the site's own codes added to orders."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from cds_service.hooks.card import Action, Card

EVALUATION = "org.heavylegs.evaluation"
NOT_READ = "org.heavylegs.not-read"
CodeMap = Mapping[tuple[str, str], tuple[Mapping[str, str], ...]]  # (system, code) → site codings


def response(
    cards: Sequence[Card],
    code_map: CodeMap,
    evaluation: Sequence[Mapping[str, Any]] = (),
    not_read: Sequence[Mapping[str, str]] = (),
) -> bytes:
    """The response body.

    Args:
        cards: in the order to be shown.
        code_map: codings that a site needs beside ours, because its EHR ignores the others.
        evaluation: one entry per rule, where the client wants it.
        not_read: what was not delivered, dropped or unreadable, and why; beside the evaluation.
    """
    body: dict[str, Any] = {"cards": [_mapped(card, code_map) for card in cards]}
    extension = {EVALUATION: list(evaluation), NOT_READ: list(not_read)}
    told = {name: value for name, value in extension.items() if value}
    if told:
        body["extension"] = told
    return msgspec.json.encode(body)


def _mapped(card: Card, code_map: CodeMap) -> Card:
    if not code_map:
        return card
    suggestions = tuple(
        msgspec.structs.replace(
            one, actions=tuple(_with_site_codes(action, code_map) for action in one.actions)
        )
        for one in card.suggestions
    )
    return msgspec.structs.replace(card, suggestions=suggestions)


def _with_site_codes(action: Action, code_map: CodeMap) -> Action:
    resource = action.resource
    if resource is None or "code" not in resource:
        return action
    codings = resource["code"].get("coding", [])
    added = [
        dict(extra)
        for coding in codings
        for extra in code_map.get((coding["system"], coding["code"]), ())
    ]
    code = {**resource["code"], "coding": [*codings, *added]} if added else resource["code"]
    return msgspec.structs.replace(action, resource={**resource, "code": code})
